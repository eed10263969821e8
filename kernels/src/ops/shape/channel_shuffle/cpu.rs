//! Channel shuffle: a permutation of rows seen as matrices. Short rows go by a table of sources.

use super::super::permute::cpu::permute;
use crate::simd::Simd;
use crate::{Device, Tensor, dispatch, pool};

/// Numbers a task should at least move.
const TASK: usize = 1 << 14;
/// Most channels that go by a table.
const MOST: usize = 256;

/// y = x, its channels as `[groups, rest]` turned into `[rest, groups]`.
pub(super) fn shuffle(groups: usize, x: &Tensor, y: &mut Tensor) {
    let channels = x.shape().last();
    if x.is_empty() {
        return;
    }
    let rest = channels / groups;
    if x.device() != Device::Cpu || channels > MOST {
        return permute(&[x.len() / channels, groups, rest], &[0, 2, 1], x, y);
    }
    let mut from = [0; MOST];
    from[..channels].iter_mut().enumerate().for_each(|(j, from)| *from = (j % groups * rest + j / groups) as u16);
    let (task, x) = (channels * (TASK / channels), x.data());
    pool::chunks_mut(y.data_mut(), task, |i, y| rows(&x[i * task..][..y.len()], &from[..channels], y));
}

dispatch! {
    /// Number j of each row of y is number `from[j]` of x's row.
    fn rows(x: &[f32], from: &[u16], y: &mut [f32]) = rows_body;
}

#[inline(always)]
fn rows_body<S: Simd>(x: &[f32], from: &[u16], y: &mut [f32]) {
    match from.len() {
        16 => rows_of::<16>(x, from, y),
        32 => rows_of::<32>(x, from, y),
        64 => rows_of::<64>(x, from, y),
        n => {
            for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
                y.iter_mut().zip(from).for_each(|(y, &from)| *y = x[usize::from(from)]);
            }
        }
    }
}

#[inline(always)]
fn rows_of<const N: usize>(x: &[f32], from: &[u16], y: &mut [f32]) {
    let mut table = [0; N];
    table.iter_mut().zip(from).for_each(|(to, &from)| *to = usize::from(from) % N);
    for (x, y) in x.as_chunks::<N>().0.iter().zip(y.as_chunks_mut::<N>().0) {
        for j in 0..N {
            y[j] = x[table[j] % N];
        }
    }
}

//! Rows are copied; backward, positions are sorted by index (stable, so ascending within one), and each row of the weight
//! sums its own.

use super::super::{TASK, inside};
use crate::pool;
use crate::product::Table;
use crate::simd::Simd;
use crate::{Tensor, dispatch};

pub(super) fn forward(v: usize, d: usize, weight: &[f32], index: &[i32], y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let per = (TASK / d).max(1);
    pool::chunks_mut(y, per * d, |item, rows| {
        for (row, &i) in rows.chunks_exact_mut(d).zip(&index[item * per..]) {
            match inside(i, v) {
                Some(i) => row.copy_from_slice(&weight[i * d..][..d]),
                None => row.fill(f32::NAN),
            }
        }
    });
}

pub(super) fn backward(v: usize, d: usize, index: &[i32], dy: &[f32], dw: &mut [f32]) {
    if dw.is_empty() {
        return;
    }
    let (starts, order) = sorted(index, v);
    let (starts, order) = (starts.as_slice(), order.ints());
    // Rows that are asked for often are many rows' work.
    let per = (TASK * v / ((v + index.len()) * d)).max(1);
    pool::chunks_mut(dw, per * d, |item, rows| {
        for (r, row) in rows.chunks_exact_mut(d).enumerate() {
            let i = item * per + r;
            row.fill(0.0);
            for &p in &order[starts[i]..starts[i + 1]] {
                add(row, &dy[p as usize * d..][..d]);
            }
        }
    });
}

/// Positions in the order of their indices below `v`, and where each index's positions start (and the last's end).
fn sorted(index: &[i32], v: usize) -> (Table<usize>, Tensor) {
    let mut next = Table::<usize>::new(v + 1);
    (0..=v).for_each(|_| next.push(0));
    let at = next.as_mut_slice();
    index.iter().filter_map(|&i| inside(i, v)).for_each(|i| at[i] += 1);
    let mut sum = 0;
    at.iter_mut().for_each(|n| sum += std::mem::replace(n, sum));
    let mut order = Tensor::from_ints([index.len()], index);
    let to = order.ints_mut();
    for (p, &i) in index.iter().enumerate() {
        if let Some(i) = inside(i, v) {
            to[at[i]] = p as i32;
            at[i] += 1;
        }
    }
    // Every start has moved to its end, which is the next one's start.
    at.copy_within(..v, 1);
    at[0] = 0;
    (next, order)
}

dispatch! {
    /// x += y.
    fn add(x: &mut [f32], y: &[f32]) = add_body;
}

#[inline(always)]
fn add_body<S: Simd>(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}

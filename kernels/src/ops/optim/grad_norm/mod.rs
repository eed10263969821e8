//! The pieces of clipping by global norm: sums of squares in a fixed order, and scaling.
//!
//! A sum of squares is in f64, where the square of an f32 is exact and can neither overflow nor vanish. A chunk is 4,096
//! numbers; in it, lane `l` of 16 adds the squares of numbers `l, l + 16, ...` in that order, starting at +0; the lanes,
//! then the chunks, are summed in the fixed tree.

pub mod cuda;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::host::Real;
use crate::simd::Simd;
use crate::{Device, Tensor, dispatch, pool, tree};

const CHUNK: usize = 4096;
const LANES: usize = 16;

/// Room for the chunks' sums; keep it, and a steady step allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    parts: Vec<AtomicU64>,
    sums: Vec<f64>,
}

/// Sum of squares of `x`, in the specified order. On a card the sum is waited for: clipping decides by it here.
pub fn sum_of_squares(x: &Tensor, scratch: &mut Scratch) -> f64 {
    if x.device() != Device::Cpu {
        return cuda::sum_of_squares(x);
    }
    let x = x.data();
    let chunks = x.len().div_ceil(CHUNK);
    if scratch.parts.len() < chunks {
        scratch.parts.resize_with(chunks, AtomicU64::default);
    }
    let parts = &scratch.parts[..chunks];
    // Each item stores its own part; nothing is added here.
    pool::run(chunks, |i| {
        let part = &x[i * CHUNK..(i * CHUNK + CHUNK).min(x.len())];
        parts[i].store(chunk(part).to_bits(), Relaxed);
    });
    scratch.sums.clear();
    scratch.sums.extend(parts.iter().map(|p| f64::from_bits(p.load(Relaxed))));
    tree::sum(&mut scratch.sums)
}

/// Multiplies every number by `factor`, rounded once.
pub fn scale(x: &mut Tensor, factor: f32) {
    if x.device() != Device::Cpu {
        return cuda::scale(x, factor);
    }
    pool::chunks_mut(x.data_mut(), 1 << 14, |_, x| scale_chunk(x, factor));
}

dispatch! {
    fn chunk(x: &[f32]) -> f64 = chunk_body;
    fn scale_chunk(x: &mut [f32], factor: f32) = scale_body;
}

#[inline(always)]
fn chunk_body<S: Simd>(x: &[f32]) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        for (a, &x) in lanes.iter_mut().zip(x) {
            *a += f64::from(x) * f64::from(x);
        }
    }
    for (a, &x) in lanes.iter_mut().zip(rest) {
        *a += f64::from(x) * f64::from(x);
    }
    tree::sum(&mut lanes)
}

#[inline(always)]
fn scale_body<S: Simd>(x: &mut [f32], factor: f32) {
    x.iter_mut().for_each(|x| *x *= factor);
}

/// The specification, one number at a time.
pub fn reference<T: Real>(x: &[T]) -> f64 {
    let mut sums = Vec::new();
    for part in x.chunks(CHUNK) {
        let mut lanes = [0.0f64; LANES];
        for (i, x) in part.iter().enumerate() {
            lanes[i % LANES] += x.f64() * x.f64();
        }
        sums.push(tree::sum(&mut lanes));
    }
    tree::sum(&mut sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Fill, Input, each_way};

    #[test]
    fn every_level_and_thread_count_gives_the_references_bits() {
        let mut scratch = Scratch::default();
        for n in [0, 1, 15, 17, 4_096, 4_097, 70_001] {
            let t = Input::filled([n], Fill::Scaled(3.0)).tensor(0);
            let (x, want) = (t.data(), reference(t.data()));
            each_way(|how| {
                assert_eq!(sum_of_squares(&t, &mut scratch).to_bits(), want.to_bits(), "{n} numbers, {how}");
                let mut y = t.clone();
                scale(&mut y, 0.3);
                assert!(y.data().iter().zip(x).all(|(y, x)| y.to_bits() == (x * 0.3).to_bits()), "{n}, {how}");
            });
        }
    }

    #[test]
    fn large_and_small_numbers_survive() {
        let mut s = Scratch::default();
        let of = |x: &[f32]| Tensor::from_slice([x.len()], x);
        assert!((3.60e38..3.61e38).contains(&sum_of_squares(&of(&[3e38, 2e38]), &mut s).sqrt()));
        assert!(sum_of_squares(&of(&[1e-30]), &mut s) > 0.0);
        assert!(sum_of_squares(&of(&[f32::NAN]), &mut s).is_nan());
    }
}

//! Chunks on all threads; each enters the stream at its own first sample.

use super::{DropPath, scale, threshold};
use crate::pool;

/// Numbers a task takes.
const CHUNK: usize = 1 << 14;

/// `y = m_n x` for so many samples.
pub fn mask(op: &DropPath, samples: usize, x: &[f32], y: &mut [f32]) {
    if x.is_empty() {
        return;
    }
    let (size, threshold, scale) = (x.len() / samples, threshold(op.p), scale(op.p));
    pool::chunks_mut(y, CHUNK, |i, mut y| {
        let first = i * CHUNK;
        let (mut x, mut left) = (&x[first..first + y.len()], size - first % size);
        let mut stream = op.key.stream(op.index);
        stream.seek((first / size) as u64);
        while !y.is_empty() {
            let m = if stream.word() >= threshold { scale } else { 0.0 };
            let (of_sample, others) = y.split_at_mut(left.min(y.len()));
            of_sample.iter_mut().zip(x).for_each(|(y, x)| *y = x * m);
            x = &x[of_sample.len()..];
            (y, left) = (others, size);
        }
    });
}

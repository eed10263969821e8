//! Chunks on all threads; each enters the stream at its own first word.

use super::Dropout;
use crate::pool;

/// Numbers a task takes: a multiple of a block's 16 words.
const CHUNK: usize = 4096;

/// `y = m x`.
pub fn mask(op: &Dropout, x: &[f32], y: &mut [f32]) {
    let (threshold, scale) = (op.threshold(), op.scale());
    pool::chunks_mut(y, CHUNK, |i, y| {
        let mut stream = op.key.stream(op.index);
        stream.seek((i * CHUNK) as u64);
        for (y, x) in y.iter_mut().zip(&x[i * CHUNK..]) {
            *y = x * if u64::from(stream.word()) >= threshold { scale } else { 0.0 };
        }
    });
}

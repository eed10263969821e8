//! Rows on all threads; a factor is computed twice rather than kept.

use crate::simd::Simd;
use crate::{dispatch, math, pool};

/// Numbers a task should at least touch.
const TASK: usize = 1 << 10;

/// One step over rows of `row` numbers.
pub fn step(lr: f64, p: &mut [f32], g: &[f32], row: usize) {
    if p.is_empty() {
        return;
    }
    let chunk = (TASK / row).max(1) * row;
    pool::chunks_mut(p, chunk, |i, p| {
        for (p, g) in p.chunks_exact_mut(row).zip(g[i * chunk..].chunks_exact(row)) {
            one(lr, p, g);
        }
    });
}

dispatch! {
    fn one(lr: f64, p: &mut [f32], g: &[f32]) = one_body;
}

#[inline(always)]
fn one_body<S: Simd>(lr: f64, p: &mut [f32], g: &[f32]) {
    let scaled = |p: f32, g: f32| f64::from(p) * math::exp(-(lr * f64::from(g)));
    let mut sum = 0.0;
    for (p, g) in p.iter().zip(g) {
        sum += scaled(*p, *g);
    }
    for (p, g) in p.iter_mut().zip(g) {
        *p = (scaled(*p, *g) / sum) as f32;
    }
}

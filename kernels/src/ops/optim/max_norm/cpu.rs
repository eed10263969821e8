//! Columns side by side: loops that the compiler vectorises at every level.

use super::MaxNorm;
use crate::simd::Simd;
use crate::{dispatch, math::fma, pool};

/// Columns a task, whose factors lie on the stack.
const CHUNK: usize = 1 << 10;

/// Bounds the columns of `w`, \[taps, columns\].
pub fn apply(rule: &MaxNorm, w: &mut [f32], taps: usize) {
    let columns = w.len() / taps;
    let base = pool::Ptr(w.as_mut_ptr());
    pool::run(columns.div_ceil(CHUNK), |i| {
        let (first, mut factors) = (i * CHUNK, [0.0; CHUNK]);
        let n = CHUNK.min(columns - first);
        // SAFETY: of each tap the columns `first..first + n`, which no other task touches, of `w`, which is borrowed
        // mutably for the whole call.
        let tap = |t: usize| unsafe { base.slice(t * columns + first, n) };
        (0..taps).for_each(|t| square(tap(t), &mut factors[..n]));
        factor(rule, &mut factors[..n]);
        (0..taps).for_each(|t| scale(tap(t), &factors[..n]));
    });
}

dispatch! {
    fn square(w: &[f32], s: &mut [f32]) = square_body;
    fn factor(rule: &MaxNorm, s: &mut [f32]) = factor_body;
    fn scale(w: &mut [f32], f: &[f32]) = scale_body;
}

#[inline(always)]
fn square_body<S: Simd>(w: &[f32], s: &mut [f32]) {
    s.iter_mut().zip(w).for_each(|(s, &w)| *s = fma(w, w, *s));
}

#[inline(always)]
fn factor_body<S: Simd>(rule: &MaxNorm, s: &mut [f32]) {
    for s in s {
        let n = s.sqrt();
        *s = if n > rule.most { rule.most } else { n } / (n + rule.eps);
    }
}

#[inline(always)]
fn scale_body<S: Simd>(w: &mut [f32], f: &[f32]) {
    w.iter_mut().zip(f).for_each(|(w, f)| *w *= f);
}

//! Line by line, each step of a line a loop that vectorises; lines that are strided are brought together first.

use super::scratch;
use crate::math::sum;
use crate::simd::Simd;
use crate::{dispatch, math, pool};

/// Numbers a task takes, about.
const TASK: usize = 4096;

/// The greatest number of a line that is not empty, by comparisons; any, where one is NaN.
#[inline(always)]
pub(crate) fn maximum(x: &[f32]) -> f64 {
    // Which order does not matter: equal numbers of either sign of zero give the same differences' exponentials.
    let mut best = [x[0]; 16];
    let chunks = x.chunks_exact(16);
    for (b, &x) in best.iter_mut().zip(chunks.remainder()) {
        *b = if x > *b { x } else { *b };
    }
    for c in chunks {
        for (b, &x) in best.iter_mut().zip(c) {
            *b = if x > *b { x } else { *b };
        }
    }
    best.iter().fold(best[0], |m, &x| if x > m { x } else { m }).into()
}

/// `e_i = exp(x_i - m)`, and their long sum.
#[inline(always)]
pub(crate) fn exponentials(x: &[f32], m: f64, e: &mut [f64]) -> f64 {
    for (e, &x) in e.iter_mut().zip(x) {
        *e = math::exp(f64::from(x) - m);
    }
    sum::pairs(e, e, |e, _| e)
}

dispatch! {
    fn line(log: bool, x: &[f32], e: &mut [f64], y: &mut [f32]) = line_body;
    fn line_grad(log: bool, y: &[f32], dy: &[f32], dx: &mut [f32]) = line_grad_body;
}

#[inline(always)]
fn line_body<S: Simd>(log: bool, x: &[f32], e: &mut [f64], y: &mut [f32]) {
    let m = maximum(x);
    let s = exponentials(x, m, e);
    if log {
        let l = math::ln(s);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = ((f64::from(x) - m) - l) as f32;
        }
    } else {
        let r = 1.0 / s;
        for (y, &e) in y.iter_mut().zip(&*e) {
            *y = (e * r) as f32;
        }
    }
}

#[inline(always)]
fn line_grad_body<S: Simd>(log: bool, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    // Plain loops: an iterator's adapters may be compiled outside this level, with fma by a call.
    if log {
        let s = sum::pairs(dy, dy, |g, _| f64::from(g));
        for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(dy) {
            *dx = (f64::from(g) - math::exp(f64::from(y)) * s) as f32;
        }
    } else {
        let s = sum::pairs(y, dy, |y, g| f64::from(y) * f64::from(g));
        for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(dy) {
            *dx = (f64::from(y) * (f64::from(g) - s)) as f32;
        }
    }
}

/// Applies `f(a's line, b's line, out's line)` to every line; a and b may be the same.
fn lines(
    [_, length, step]: [usize; 3],
    a: &[f32],
    b: &[f32],
    out: &mut [f32],
    f: impl Fn(&[f32], &[f32], &mut [f32]) + Sync,
) {
    if step == 1 {
        let rows = TASK.div_ceil(length);
        pool::chunks_mut(out, rows * length, |i, out| {
            let at = i * rows * length;
            let (a, b) = (&a[at..][..out.len()], &b[at..][..out.len()]);
            for ((a, b), out) in a.chunks(length).zip(b.chunks(length)).zip(out.chunks_mut(length)) {
                f(a, b, out);
            }
        });
        return;
    }
    let block = length * step;
    pool::chunks_mut(out, block, |i, out| {
        let (a, b) = (&a[i * block..][..block], &b[i * block..][..block]);
        scratch::narrow(3 * length, |buffer| {
            let (la, rest) = buffer.split_at_mut(length);
            let (lb, lo) = rest.split_at_mut(length);
            for j in 0..step {
                for k in 0..length {
                    (la[k], lb[k]) = (a[k * step + j], b[k * step + j]);
                }
                f(la, lb, lo);
                for k in 0..length {
                    out[k * step + j] = lo[k];
                }
            }
        });
    });
}

/// y of x, over (lines outside, length, step).
pub fn forward(log: bool, shape: [usize; 3], x: &[f32], y: &mut [f32]) {
    lines(shape, x, x, y, |x, _, y| scratch::wide(x.len(), |e| line(log, x, e, y)));
}

/// dx of y and dy.
pub fn backward(log: bool, shape: [usize; 3], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    lines(shape, y, dy, dx, |y, dy, dx| line_grad(log, y, dy, dx));
}

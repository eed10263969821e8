//! Row by row, each step of a row a loop that vectorises.

use super::CrossEntropy;
use crate::math::sum::{self, Tree};
use crate::ops::loss::{Reduction, samples};
use crate::ops::softmax::{exponentials, maximum, scratch};
use crate::simd::Simd;
use crate::{Tensor, dispatch, math, pool};

/// Numbers a task takes, about.
const TASK: usize = 4096;

dispatch! {
    fn row(x: &[f32], target: i32, smoothing: f64, e: &mut [f64]) -> f64 = row_body;
    fn row_grad(x: &[f32], target: i32, smoothing: f64, g: f64, e: &mut [f64], dx: &mut [f32]) = row_grad_body;
}

#[inline(always)]
fn row_body<S: Simd>(x: &[f32], target: i32, smoothing: f64, e: &mut [f64]) -> f64 {
    let Some(&own) = usize::try_from(target).ok().and_then(|t| x.get(t)) else { return f64::NAN };
    let m = maximum(x);
    let l = math::ln(exponentials(x, m, e));
    let hit = l - (f64::from(own) - m);
    if smoothing > 0.0 {
        let all = l - sum::pairs(x, x, |x, _| f64::from(x) - m) / x.len() as f64;
        (1.0 - smoothing) * hit + smoothing * all
    } else {
        hit
    }
}

#[inline(always)]
fn row_grad_body<S: Simd>(x: &[f32], target: i32, smoothing: f64, g: f64, e: &mut [f64], dx: &mut [f32]) {
    let Some(target) = usize::try_from(target).ok().filter(|&t| t < x.len()) else { return dx.fill(f32::NAN) };
    let r = 1.0 / exponentials(x, maximum(x), e);
    let q = smoothing / x.len() as f64;
    for (dx, &e) in dx.iter_mut().zip(&*e) {
        *dx = (g * (e * r - q)) as f32;
    }
    dx[target] = (g * (e[target] * r - (q + (1.0 - smoothing)))) as f32;
}

/// The loss.
pub fn forward(op: &CrossEntropy, x: &Tensor, target: &Tensor, y: &mut [f32]) {
    let (classes, smoothing) = (x.shape().last(), f64::from(op.label_smoothing));
    let (n, m) = samples(&target.shape());
    let (x, target) = (x.data(), target.ints());
    let rows = TASK.div_ceil(classes);
    let term = |i: usize, e: &mut [f64]| row(&x[i * classes..][..classes], target[i], smoothing, e);
    if op.reduction == Reduction::None {
        pool::chunks_mut(y, rows, |t, y| {
            scratch::wide(classes, |e| y.iter_mut().enumerate().for_each(|(i, y)| *y = term(t * rows + i, e) as f32));
        });
        return;
    }
    let mut terms = Tensor::uninit([2 * target.len()]); // f64
    pool::chunks_mut(terms.data_mut(), 2 * rows, |t, out| {
        let out: &mut [f64] = bytemuck::cast_slice_mut(out);
        scratch::wide(classes, |e| out.iter_mut().enumerate().for_each(|(i, y)| *y = term(t * rows + i, e)));
    });
    let terms: &[f64] = bytemuck::cast_slice(terms.data());
    let mut total = Tree::new();
    for s in 0..n {
        let sample = &terms[s * m..][..m];
        total.push(sum::pairs(sample, sample, |t, _| t));
    }
    y[0] = op.reduction.finish(total.sum(), target.len()) as f32;
}

/// The gradient of x.
pub fn backward(op: &CrossEntropy, x: &Tensor, target: &[i32], dy: &[f32], dx: &mut [f32]) {
    let (classes, smoothing) = (x.shape().last(), f64::from(op.label_smoothing));
    let x = x.data();
    let rows = TASK.div_ceil(classes);
    pool::chunks_mut(dx, rows * classes, |t, dx| {
        scratch::wide(classes, |e| {
            for (i, dx) in dx.chunks_mut(classes).enumerate() {
                let i = t * rows + i;
                let g = op.reduction.upstream(dy, i, target.len());
                row_grad(&x[i * classes..][..classes], target[i], smoothing, g, e, dx);
            }
        });
    });
}

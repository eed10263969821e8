//! The sum's passes, with a pointwise one over a scratch of x's size between them.

use crate::ops::reduce::{Plan, columns};
use crate::simd::Simd;
use crate::{Tensor, dispatch, pool};

/// Numbers a task.
const CHUNK: usize = 1 << 14;

/// Fills y and the mean.
pub fn forward(plan: &Plan, correction: usize, x: &Tensor, y: &mut Tensor, mean: &mut Tensor) {
    plan.sum(x, mean);
    columns::divide(mean.data_mut(), plan.terms());
    let mut squares = Tensor::uninit(x.shape());
    plan.broadcast(mean, &mut squares);
    let from = x.data();
    pool::chunks_mut(squares.data_mut(), CHUNK, |i, q| centred_squares(&from[i * CHUNK..][..q.len()], q));
    plan.sum(&squares, y);
    columns::divide(y.data_mut(), plan.terms() - correction);
}

/// The gradient of x.
pub fn backward(plan: &Plan, correction: usize, x: &Tensor, mean: &Tensor, dy: &Tensor) -> Tensor {
    let mut g = dy.clone();
    g.data_mut().iter_mut().for_each(|g| *g *= 2.0);
    columns::divide(g.data_mut(), plan.terms() - correction);
    let (mut dx, mut means) = (Tensor::uninit(x.shape()), Tensor::uninit(x.shape()));
    plan.broadcast(&g, &mut dx);
    plan.broadcast(mean, &mut means);
    let (x, means) = (x.data(), means.data());
    pool::chunks_mut(dx.data_mut(), CHUNK, |i, dx| {
        let at = i * CHUNK..i * CHUNK + dx.len();
        times_centred(&x[at.clone()], &means[at], dx);
    });
    dx
}

dispatch! {
    /// q holds the means and takes the squares.
    fn centred_squares(x: &[f32], q: &mut [f32]) = squares_body;
    /// dx holds the factors and takes the gradient.
    fn times_centred(x: &[f32], mean: &[f32], dx: &mut [f32]) = times_body;
}

#[inline(always)]
fn squares_body<S: Simd>(x: &[f32], q: &mut [f32]) {
    for (q, x) in q.iter_mut().zip(x) {
        let d = *x - *q;
        *q = d * d;
    }
}

#[inline(always)]
fn times_body<S: Simd>(x: &[f32], mean: &[f32], dx: &mut [f32]) {
    for ((dx, x), mean) in dx.iter_mut().zip(x).zip(mean) {
        *dx *= *x - *mean;
    }
}

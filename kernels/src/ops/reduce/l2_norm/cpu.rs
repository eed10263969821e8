//! A pointwise pass into a scratch of x's size, then the sum.

use crate::ops::reduce::Plan;
use crate::simd::Simd;
use crate::{Tensor, dispatch, pool};

/// Numbers a task.
const CHUNK: usize = 1 << 14;

/// Fills y.
pub fn forward(plan: &Plan, x: &Tensor, y: &mut Tensor) {
    let mut products = Tensor::uninit(x.shape());
    let from = x.data();
    pool::chunks_mut(products.data_mut(), CHUNK, |i, q| squares(&from[i * CHUNK..][..q.len()], q));
    plan.sum(&products, y);
    pool::chunks_mut(y.data_mut(), CHUNK, |_, y| roots(y));
}

/// The gradient of x.
pub fn backward(plan: &Plan, x: &Tensor, y: &Tensor, dy: &Tensor) -> Tensor {
    let mut g = Tensor::uninit(y.shape());
    let (up, norm) = (dy.data(), y.data());
    pool::chunks_mut(g.data_mut(), CHUNK, |i, g| {
        let at = i * CHUNK..i * CHUNK + g.len();
        factors(&up[at.clone()], &norm[at], g);
    });
    let mut dx = Tensor::uninit(x.shape());
    plan.broadcast(&g, &mut dx);
    let x = x.data();
    pool::chunks_mut(dx.data_mut(), CHUNK, |i, dx| times(&x[i * CHUNK..][..dx.len()], dx));
    dx
}

dispatch! {
    fn squares(x: &[f32], q: &mut [f32]) = squares_body;
    fn roots(y: &mut [f32]) = roots_body;
    fn factors(dy: &[f32], y: &[f32], g: &mut [f32]) = factors_body;
    /// dx holds the factors and takes the gradient.
    fn times(x: &[f32], dx: &mut [f32]) = times_body;
}

#[inline(always)]
fn squares_body<S: Simd>(x: &[f32], q: &mut [f32]) {
    q.iter_mut().zip(x).for_each(|(q, x)| *q = *x * *x);
}

#[inline(always)]
fn roots_body<S: Simd>(y: &mut [f32]) {
    y.iter_mut().for_each(|y| *y = y.sqrt());
}

#[inline(always)]
fn factors_body<S: Simd>(dy: &[f32], y: &[f32], g: &mut [f32]) {
    for ((g, dy), y) in g.iter_mut().zip(dy).zip(y) {
        *g = if *y == 0.0 { 0.0 } else { *dy / *y };
    }
}

#[inline(always)]
fn times_body<S: Simd>(x: &[f32], dx: &mut [f32]) {
    dx.iter_mut().zip(x).for_each(|(dx, x)| *dx *= *x);
}

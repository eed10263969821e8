//! Both sums of squares in one pass.

use super::factor;
use crate::math::sum::{CHUNK, Tree, chunk};
use crate::ops::loss::{Reduction, sample_sums, samples};
use crate::simd::Simd;
use crate::{Tensor, dispatch, pool};

dispatch! {
    fn squares(x: &[f32], t: &[f32]) -> [f64; 2] = squares_body;
    fn scaled(x: &[f32], t: &[f32], factor: f64, dx: &mut [f32]) = scaled_body;
}

#[inline(always)]
fn squares_body<S: Simd>(x: &[f32], t: &[f32]) -> [f64; 2] {
    let difference = chunk(x, t, |x, t| {
        let d = f64::from(x) - f64::from(t);
        d * d
    });
    [difference, chunk(t, t, |t, _| f64::from(t) * f64::from(t))]
}

#[inline(always)]
fn scaled_body<S: Simd>(x: &[f32], t: &[f32], factor: f64, dx: &mut [f32]) {
    for ((dx, &x), &t) in dx.iter_mut().zip(x).zip(t) {
        *dx = (factor * (f64::from(x) - f64::from(t))) as f32;
    }
}

/// Calls `each(sample, norm(x - t), norm(t))` in order.
fn norms(x: &Tensor, t: &[f32], mut each: impl FnMut(usize, f64, f64)) {
    let (n, m) = samples(&x.shape());
    let x = x.data();
    let leaf = |first: usize, n: usize| squares(&x[first..][..n], &t[first..][..n]);
    sample_sums(n, m, leaf, |s, [d, t]| each(s, d.sqrt(), t.sqrt()));
}

/// The loss.
pub fn forward(reduction: Reduction, x: &Tensor, t: &[f32], y: &mut [f32]) {
    let mut total = Tree::new();
    norms(x, t, |s, d, t| {
        if reduction == Reduction::None {
            y[s] = (d / t) as f32;
        }
        total.push(d / t);
    });
    if reduction != Reduction::None {
        y[0] = reduction.finish(total.sum(), x.shape()[0]) as f32;
    }
}

/// The gradient of x.
pub fn backward(reduction: Reduction, x: &Tensor, t: &[f32], dy: &[f32], dx: &mut [f32]) {
    let (n, m) = samples(&x.shape());
    let mut scratch = Tensor::uninit([2 * n]); // a factor a sample, f64
    let factors: &mut [f64] = bytemuck::cast_slice_mut(scratch.data_mut());
    norms(x, t, |s, d, t| factors[s] = factor(reduction.upstream(dy, s, n), d, t));
    let (x, factors) = (x.data(), &*factors);
    pool::chunks_mut(dx, CHUNK, |i, dx| {
        let mut done = 0;
        while done < dx.len() {
            let at = i * CHUNK + done;
            let n = (m - at % m).min(dx.len() - done);
            scaled(&x[at..], &t[at..], factors[at / m], &mut dx[done..][..n]);
            done += n;
        }
    });
}

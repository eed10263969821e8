//! Means over windows: what average and adaptive average pooling share.
//!
//! Output (oh, ow): `s = s + x` over its positions in row-major order from +0, then `s / count`, count being the product of
//! both axes' counts. Backward: an element of dx sums `dy / count` over the outputs that cover it, (oh, ow) ascending, from
//! +0.

use super::axis::Plane;
use crate::host::{Host, Real};
use crate::pool;
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;

/// Rows a task takes, of `width` numbers each.
pub(super) fn rows(width: usize) -> usize {
    (TASK / width.max(1)).max(1)
}

/// Forward, one number at a time.
pub(super) fn reference<T: Real>(p: &Plane, x: &Host<T>, y: &mut Host<T>) {
    let [ah, aw] = p.axes;
    for i in 0..y.data.len() {
        let (c, ow, oh) = (i % p.c, i / p.c % aw.out, i / p.c / aw.out % ah.out);
        let n = i / p.c / aw.out / ah.out;
        let mut s = T::of(0.0);
        for h in ah.inside(oh) {
            for w in aw.inside(ow) {
                s += x.data[p.x(n, h, w) + c];
            }
        }
        y.data[i] = s / T::of((ah.count(oh) * aw.count(ow)) as f64);
    }
}

/// Backward, one number at a time.
pub(super) fn reference_backward<T: Real>(p: &Plane, dy: &Host<T>, dx: &mut Host<T>) {
    let [ah, aw] = p.axes;
    for i in 0..dx.data.len() {
        let (c, w, h, n) = (i % p.c, i / p.c % aw.n, i / p.c / aw.n % ah.n, i / p.c / aw.n / ah.n);
        let mut s = T::of(0.0);
        for oh in (0..ah.out).filter(|&o| ah.inside(o).contains(&h)) {
            for ow in (0..aw.out).filter(|&o| aw.inside(o).contains(&w)) {
                s += dy.data[p.y(n, oh, ow) + c] / T::of((ah.count(oh) * aw.count(ow)) as f64);
            }
        }
        dx.data[i] = s;
    }
}

#[inline(always)]
fn add(to: &mut [f32], from: &[f32]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += *f;
    }
}

/// Rows (n, oh) of y from `first`.
#[inline(always)]
fn forward_body<S: Simd>(p: &Plane, x: &[f32], first: usize, y: &mut [f32]) {
    let [ah, aw] = p.axes;
    for (r, row) in y.chunks_exact_mut(aw.out * p.c).enumerate() {
        let (n, oh) = ((first + r) / ah.out, (first + r) % ah.out);
        for (ow, y) in row.chunks_exact_mut(p.c).enumerate() {
            y.fill(0.0);
            let ws = aw.inside(ow);
            for h in ah.inside(oh) {
                for x in x[p.x(n, h, ws.start)..][..ws.len() * p.c].chunks_exact(p.c) {
                    add(y, x);
                }
            }
            let count = (ah.count(oh) * aw.count(ow)) as f32;
            y.iter_mut().for_each(|y| *y /= count);
        }
    }
}

/// Rows (n, h) of dx from `first`.
#[inline(always)]
fn backward_body<S: Simd>(p: &Plane, dy: &[f32], first: usize, dx: &mut [f32]) {
    let [ah, aw] = p.axes;
    for (r, row) in dx.chunks_exact_mut(aw.n * p.c).enumerate() {
        let (n, h) = ((first + r) / ah.n, (first + r) % ah.n);
        for (w, dx) in row.chunks_exact_mut(p.c).enumerate() {
            dx.fill(0.0);
            for oh in ah.covering(h) {
                for ow in aw.covering(w) {
                    let count = (ah.count(oh) * aw.count(ow)) as f32;
                    for (dx, dy) in dx.iter_mut().zip(&dy[p.y(n, oh, ow)..][..p.c]) {
                        *dx += *dy / count;
                    }
                }
            }
        }
    }
}

dispatch! {
    fn forward_rows(p: &Plane, x: &[f32], first: usize, y: &mut [f32]) = forward_body;
    fn backward_rows(p: &Plane, dy: &[f32], first: usize, dx: &mut [f32]) = backward_body;
}

/// Fills y.
pub(super) fn forward(p: &Plane, x: &Tensor, y: &mut Tensor) {
    let (x, width) = (x.data(), p.axes[1].out * p.c);
    let rows = rows(width);
    pool::chunks_mut(y.data_mut(), rows * width, |i, y| forward_rows(p, x, i * rows, y));
}

/// Fills dx.
pub(super) fn backward(p: &Plane, dy: &Tensor, dx: &mut Tensor) {
    let (dy, width) = (dy.data(), p.axes[1].n * p.c);
    let rows = rows(width);
    pool::chunks_mut(dx.data_mut(), rows * width, |i, dx| backward_rows(p, dy, i * rows, dx));
}

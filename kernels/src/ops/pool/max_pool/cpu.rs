//! Max pooling, rows in parallel, vectorised over channels; every element of dx gathers from its windows, so nothing is
//! scattered.

use super::super::axis::Plane;
use super::super::mean::rows;
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Row (n, oh) number `row` of y and of the taps.
#[inline(always)]
fn forward_body<S: Simd>(p: &Plane, x: &[f32], row: usize, y: &mut [f32], taps: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    let (n, oh) = (row / ah.out, row % ah.out);
    let (hs, kernel) = (ah.inside(oh), aw.kernel());
    for (ow, (y, taps)) in y.chunks_exact_mut(c).zip(taps.chunks_exact_mut(c)).enumerate() {
        let ws = aw.inside(ow);
        for h in hs.clone() {
            for w in ws.clone() {
                let x = &x[p.x(n, h, w)..][..c];
                let tap = (ah.tap(oh, h) * kernel + aw.tap(ow, w)) as f32;
                if h == hs.start && w == ws.start {
                    y.copy_from_slice(x);
                    taps.fill(tap);
                    continue;
                }
                for ((best, at), &v) in y.iter_mut().zip(taps.iter_mut()).zip(x) {
                    // No short circuit: both comparisons are one mask in a register.
                    let better = (v > *best) | (v.is_nan() & !best.is_nan());
                    *best = if better { v } else { *best };
                    *at = if better { tap } else { *at };
                }
            }
        }
    }
}

/// Rows (n, h) of dx from `first`.
#[inline(always)]
fn backward_body<S: Simd>(p: &Plane, dy: &[f32], taps: &[f32], first: usize, dx: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    for (r, row) in dx.chunks_exact_mut(aw.n * c).enumerate() {
        let (n, h) = ((first + r) / ah.n, (first + r) % ah.n);
        for (w, dx) in row.chunks_exact_mut(c).enumerate() {
            dx.fill(0.0);
            for oh in ah.covering(h) {
                for ow in aw.covering(w) {
                    let tap = (ah.tap(oh, h) * aw.kernel() + aw.tap(ow, w)) as f32;
                    let at = p.y(n, oh, ow);
                    for ((dx, &dy), &t) in dx.iter_mut().zip(&dy[at..][..c]).zip(&taps[at..][..c]) {
                        // Adding +0 to a sum that began at +0 changes nothing, and needs no branch.
                        *dx += if t == tap { dy } else { 0.0 };
                    }
                }
            }
        }
    }
}

dispatch! {
    fn forward_row(p: &Plane, x: &[f32], row: usize, y: &mut [f32], taps: &mut [f32]) = forward_body;
    fn backward_rows(p: &Plane, dy: &[f32], taps: &[f32], first: usize, dx: &mut [f32]) = backward_body;
}

/// Fills y and its taps.
pub(super) fn forward(p: &Plane, x: &Tensor, outputs: &mut [Tensor]) {
    let (x, width, total) = (x.data(), p.axes[1].out * p.c, p.n * p.axes[0].out);
    let (y, taps) = outputs.split_at_mut(1);
    let (y, taps) = (Ptr(y[0].data_mut().as_mut_ptr()), Ptr(taps[0].data_mut().as_mut_ptr()));
    let rows = rows(width);
    pool::run(total.div_ceil(rows), |i| {
        for row in i * rows..((i + 1) * rows).min(total) {
            // SAFETY: row is below n * oh, of which both tensors have so many rows; no other item has this one.
            let (y, taps) = unsafe { (y.slice(row * width, width), taps.slice(row * width, width)) };
            forward_row(p, x, row, y, taps);
        }
    });
}

/// Fills dx.
pub(super) fn backward(p: &Plane, dy: &Tensor, taps: &Tensor, dx: &mut Tensor) {
    let (dy, taps, width) = (dy.data(), taps.data(), p.axes[1].n * p.c);
    let rows = rows(width);
    pool::chunks_mut(dx.data_mut(), rows * width, |i, dx| backward_rows(p, dy, taps, i * rows, dx));
}

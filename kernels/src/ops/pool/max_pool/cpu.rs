//! Max pooling, strips of rows in parallel. Taps are walked one by one along the strip, so that loops are long whatever
//! the number of channels; every element of dx gathers from its windows, so nothing is scattered.

use super::super::axis::{Plane, reaching};
use super::super::mean::{each_strip, strips};
use crate::pool::Ptr;
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// The better of best (found at tap `at`) and v (at `tap`).
#[inline(always)]
fn improve(best: &mut [f32], at: &mut [f32], x: &[f32], tap: f32) {
    for ((best, at), &v) in best.iter_mut().zip(at).zip(x) {
        // No short circuit: both comparisons are one mask in a register.
        let better = (v > *best) | (v.is_nan() & !best.is_nan());
        *best = if better { v } else { *best };
        *at = if better { tap } else { *at };
    }
}

/// dx gets dy where the maximum was found at `tap`.
#[inline(always)]
fn collect(dx: &mut [f32], dy: &[f32], taps: &[f32], tap: f32) {
    for ((dx, &dy), &t) in dx.iter_mut().zip(dy).zip(taps) {
        // Adding +0 to a sum that began at +0 changes nothing, and needs no branch.
        *dx += if t == tap { dy } else { 0.0 };
    }
}

/// Row (n, oh) number `row` of y and of the taps, outputs `from..` of it.
#[inline(always)]
fn forward_body<S: Simd>(p: &Plane, x: &[f32], row: usize, from: usize, y: &mut [f32], taps: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    let (n, oh, to) = (row / ah.out, row % ah.out, from + y.len() / p.c);
    let (kernel, stride, left) = aw.sliding().expect("max pooling slides");
    // The first position is the best until one is better: it is when all are -inf.
    let top = ah.tap(oh, ah.inside(oh).start) * kernel;
    y.fill(f32::NEG_INFINITY);
    for (ow, taps) in (from..to).zip(taps.chunks_exact_mut(c)) {
        taps.fill((top + aw.tap(ow, aw.inside(ow).start)) as f32);
    }
    for h in ah.inside(oh) {
        for k in 0..kernel {
            let all = reaching((stride, left, aw.out), k, 0..aw.n);
            let (first, last) = (all.start.max(from), all.end.min(to));
            if first >= last {
                continue;
            }
            let tap = (ah.tap(oh, h) * kernel + k) as f32;
            let x = &x[p.x(n, h, first * stride + k - left)..];
            let range = (first - from) * c..(last - from) * c;
            let (y, taps) = (&mut y[range.clone()], &mut taps[range]);
            if stride == 1 {
                improve(y, taps, x, tap);
            } else {
                let pixels = y.chunks_exact_mut(c).zip(taps.chunks_exact_mut(c)).zip(x.chunks(stride * c));
                pixels.for_each(|((y, taps), x)| improve(y, taps, &x[..c], tap));
            }
        }
    }
}

/// Row (n, h) number `row` of dx, positions `from..` of it.
#[inline(always)]
fn backward_body<S: Simd>(p: &Plane, dy: &[f32], taps: &[f32], row: usize, from: usize, dx: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    let (n, h, to) = (row / ah.n, row % ah.n, from + dx.len() / p.c);
    let (kernel, stride, left) = aw.sliding().expect("max pooling slides");
    dx.fill(0.0);
    for oh in ah.covering(h) {
        // Outputs ascend for a position as taps descend.
        for k in (0..kernel).rev() {
            let ws = reaching((stride, left, aw.out), k, from..to);
            if ws.is_empty() {
                continue;
            }
            let tap = (ah.tap(oh, h) * kernel + k) as f32;
            let at = p.y(n, oh, ws.start);
            let (dy, taps) = (&dy[at..][..ws.len() * c], &taps[at..][..ws.len() * c]);
            let dx = &mut dx[(ws.start * stride + k - left - from) * c..];
            if stride == 1 {
                collect(dx, dy, taps, tap);
            } else {
                let pixels = dx.chunks_mut(stride * c).zip(dy.chunks_exact(c)).zip(taps.chunks_exact(c));
                pixels.for_each(|((dx, dy), taps)| collect(&mut dx[..c], dy, taps, tap));
            }
        }
    }
}

dispatch! {
    fn forward_strip(p: &Plane, x: &[f32], row: usize, from: usize, y: &mut [f32], taps: &mut [f32]) = forward_body;
    fn backward_strip(p: &Plane, dy: &[f32], taps: &[f32], row: usize, from: usize, dx: &mut [f32]) = backward_body;
}

/// Fills y and its taps.
pub(super) fn forward(p: &Plane, x: &Tensor, outputs: &mut [Tensor]) {
    let (x, c, width) = (x.data(), p.c, p.axes[1].out);
    let (y, taps) = outputs.split_at_mut(1);
    assert!([&y[0], &taps[0]].iter().all(|t| t.len() == p.n * p.axes[0].out * width * c), "outputs as inferred");
    let (y, taps) = (Ptr(y[0].data_mut().as_mut_ptr()), Ptr(taps[0].data_mut().as_mut_ptr()));
    each_strip(p.n * p.axes[0].out, width, c, |row, from, n| {
        let at = (row * width + from) * c;
        // SAFETY: both tensors have n * oh rows of `width` pixels, the strip lies inside one, and no other item has it.
        let (y, taps) = unsafe { (y.slice(at, n * c), taps.slice(at, n * c)) };
        forward_strip(p, x, row, from, y, taps);
    });
}

/// Fills dx.
pub(super) fn backward(p: &Plane, dy: &Tensor, taps: &Tensor, dx: &mut Tensor) {
    let (dy, taps) = (dy.data(), taps.data());
    strips(dx.data_mut(), p.axes[1].n, p.c, |row, from, dx| backward_strip(p, dy, taps, row, from, dx));
}

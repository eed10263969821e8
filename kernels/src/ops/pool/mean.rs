//! Means over windows: what average and adaptive average pooling share.
//!
//! Output (oh, ow): `s = s + x` over its positions in row-major order from +0, then `s / count`, count being the
//! product of both axes' counts. Backward: an element of dx sums `dy / count` over the outputs that cover it, (oh, ow)
//! ascending, from +0.

use super::axis::{Plane, reaching};
use crate::host::{Host, Real};
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;
/// Numbers of a strip: what is read and written for it stays in the first-level cache over all taps.
const STRIP: usize = 1 << 11;

/// Calls `f(row, first pixel, pixels)` for strips of about STRIP numbers of `rows` rows of `pixels` times `c`, on all
/// threads.
pub(super) fn each_strip(rows: usize, pixels: usize, c: usize, f: impl Fn(usize, usize, usize) + Sync) {
    let strip = (STRIP / c).clamp(1, pixels);
    let (in_row, per) = (pixels.div_ceil(strip), (TASK / (strip * c)).max(1));
    let total = rows * in_row;
    pool::run(total.div_ceil(per), |item| {
        for i in item * per..((item + 1) * per).min(total) {
            let from = i % in_row * strip;
            f(i / in_row, from, strip.min(pixels - from));
        }
    });
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

/// Row (n, oh) number `row` of y, outputs `from..` of it.
#[inline(always)]
fn forward_body<S: Simd>(p: &Plane, x: &[f32], row: usize, from: usize, y: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    let (n, oh, to) = (row / ah.out, row % ah.out, from + y.len() / p.c);
    y.fill(0.0);
    for h in ah.inside(oh) {
        if let Some((kernel, stride, left)) = aw.sliding() {
            // Tap by tap along the row: each output still adds its taps in ascending order.
            for k in 0..kernel {
                let all = reaching((stride, left, aw.out), k, 0..aw.n);
                let (first, last) = (all.start.max(from), all.end.min(to));
                if first >= last {
                    continue;
                }
                let x = &x[p.x(n, h, first * stride + k - left)..];
                let y = &mut y[(first - from) * c..(last - from) * c];
                if stride == 1 {
                    add(y, x);
                } else {
                    for (y, x) in y.chunks_exact_mut(c).zip(x.chunks(stride * c)) {
                        add(y, &x[..c]);
                    }
                }
            }
        } else {
            for (ow, y) in (from..to).zip(y.chunks_exact_mut(c)) {
                let ws = aw.inside(ow);
                for x in x[p.x(n, h, ws.start)..][..ws.len() * c].chunks_exact(c) {
                    add(y, x);
                }
            }
        }
    }
    for (ow, y) in (from..to).zip(y.chunks_exact_mut(c)) {
        let count = (ah.count(oh) * aw.count(ow)) as f32;
        y.iter_mut().for_each(|y| *y /= count);
    }
}

/// g = dy / count, row (n, oh) number `row`, outputs `from..` of it.
#[inline(always)]
fn quotients_body<S: Simd>(p: &Plane, dy: &[f32], row: usize, from: usize, g: &mut [f32]) {
    let [ah, aw] = p.axes;
    let dy = &dy[(row * aw.out + from) * p.c..][..g.len()];
    for (ow, (g, dy)) in g.chunks_exact_mut(p.c).zip(dy.chunks_exact(p.c)).enumerate() {
        let count = (ah.count(row % ah.out) * aw.count(from + ow)) as f32;
        for (g, dy) in g.iter_mut().zip(dy) {
            *g = *dy / count;
        }
    }
}

/// Row (n, h) number `row` of dx, positions `from..` of it, from quotients `g`.
#[inline(always)]
fn backward_body<S: Simd>(p: &Plane, g: &[f32], row: usize, from: usize, dx: &mut [f32]) {
    let ([ah, aw], c) = (p.axes, p.c);
    let (n, h, to) = (row / ah.n, row % ah.n, from + dx.len() / p.c);
    dx.fill(0.0);
    for oh in ah.covering(h) {
        if let Some((kernel, stride, left)) = aw.sliding() {
            // Outputs ascend for a position as taps descend.
            for k in (0..kernel).rev() {
                let ws = reaching((stride, left, aw.out), k, from..to);
                if ws.is_empty() {
                    continue;
                }
                let g = &g[p.y(n, oh, ws.start)..][..ws.len() * c];
                let dx = &mut dx[(ws.start * stride + k - left - from) * c..];
                if stride == 1 {
                    add(dx, g);
                } else {
                    for (dx, g) in dx.chunks_mut(stride * c).zip(g.chunks_exact(c)) {
                        add(&mut dx[..c], g);
                    }
                }
            }
        } else {
            for (w, dx) in (from..to).zip(dx.chunks_exact_mut(c)) {
                for ow in aw.covering(w) {
                    add(dx, &g[p.y(n, oh, ow)..][..c]);
                }
            }
        }
    }
}

dispatch! {
    fn forward_strip(p: &Plane, x: &[f32], row: usize, from: usize, y: &mut [f32]) = forward_body;
    fn quotients(p: &Plane, dy: &[f32], row: usize, from: usize, g: &mut [f32]) = quotients_body;
    fn backward_strip(p: &Plane, g: &[f32], row: usize, from: usize, dx: &mut [f32]) = backward_body;
}

/// Calls `f(row, first pixel, strip)` for every strip of `data`, rows of `pixels` times `c`.
pub(super) fn strips(data: &mut [f32], pixels: usize, c: usize, f: impl Fn(usize, usize, &mut [f32]) + Sync) {
    let rows = data.len() / (pixels * c);
    let data = Ptr(data.as_mut_ptr());
    each_strip(rows, pixels, c, |row, from, n| {
        // SAFETY: the strip lies inside its row of `data`, which is borrowed mutably, and no other item has it.
        f(row, from, unsafe { data.slice((row * pixels + from) * c, n * c) });
    });
}

/// Fills y.
pub(super) fn forward(p: &Plane, x: &Tensor, y: &mut Tensor) {
    let x = x.data();
    strips(y.data_mut(), p.axes[1].out, p.c, |row, from, y| forward_strip(p, x, row, from, y));
}

/// Fills dx.
pub(super) fn backward(p: &Plane, dy: &Tensor, dx: &mut Tensor) {
    let mut g = Tensor::uninit(dy.shape());
    strips(g.data_mut(), p.axes[1].out, p.c, |row, from, g| quotients(p, dy.data(), row, from, g));
    strips(dx.data_mut(), p.axes[1].n, p.c, |row, from, dx| backward_strip(p, g.data(), row, from, dx));
}

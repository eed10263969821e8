//! Depthwise convolution: one channel in, one out; lanes run along the channels of a position.

use super::Geometry;
use crate::math::fma;
use crate::pool::{self, Ptr};
use crate::product::scatter::CHUNK;
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// Positions an item handles.
const ROWS: usize = 8;

/// One output position of a sum over taps: source position (if inside) and weights.
struct Sum<'a> {
    src: &'a [f32],
    src_size: [usize; 2],
    dst_size: [usize; 2],
    n: usize,
    c: usize,
    taps: usize,
    /// Source position of tap t for destination row / column; `None` = no such term, outside = +0.
    row: &'a (dyn Fn(usize, usize) -> Option<isize> + Sync),
    column: &'a (dyn Fn(usize, usize) -> Option<isize> + Sync),
    kernel_width: usize,
    weights: &'a [f32],
    reversed: bool,
    bias: Option<&'a [f32]>,
}

impl Sum<'_> {
    fn run(&self, dst: &mut [f32]) {
        let ([dh, dw], [sh, sw], c) = (self.dst_size, self.src_size, self.c);
        let items = (self.n * dh).div_ceil(ROWS);
        let out = Ptr(dst.as_mut_ptr());
        pool::run(items, |item| {
            for r in item * ROWS..((item + 1) * ROWS).min(self.n * dh) {
                let (n, a) = (r / dh, r % dh);
                // SAFETY: each destination row belongs to one item.
                let line = unsafe { out.slice(r * dw * c, dw * c) };
                line.fill(0.0);
                for i in 0..self.taps {
                    let t = if self.reversed { self.taps - 1 - i } else { i };
                    let Some(y) = (self.row)(a, t / self.kernel_width) else { continue };
                    let inside = y >= 0 && (y as usize) < sh;
                    let weights = &self.weights[t * c..][..c];
                    for b in 0..dw {
                        let Some(x) = (self.column)(b, t % self.kernel_width) else { continue };
                        let from = (inside && x >= 0 && (x as usize) < sw)
                            .then(|| &self.src[((n * sh + y as usize) * sw + x as usize) * c..][..c]);
                        let acc = &mut line[b * c..][..c];
                        match from {
                            Some(v) => accumulate(v, weights, acc),
                            None => accumulate_zero(weights, acc),
                        }
                    }
                }
                if let Some(bias) = self.bias {
                    line.chunks_exact_mut(c).for_each(|p| p.iter_mut().zip(bias).for_each(|(y, b)| *y += *b));
                }
            }
        });
    }
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    Sum {
        src: x,
        src_size: g.size,
        dst_size: g.out,
        n: g.n,
        c: g.c,
        taps: g.kernel[0] * g.kernel[1],
        row: &|a, kh| Some(g.row(a, kh)),
        column: &|b, kw| Some(g.column(b, kw)),
        kernel_width: g.kernel[1],
        weights: w,
        reversed: false,
        bias,
    }
    .run(y);
}

/// dx (+ bias): taps in ascending output position, those whose output position is whole.
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    let from = |d: usize| {
        move |position: usize, tap: usize| {
            let p = (position + g.conv.padding[d][0]) as isize - (tap * g.conv.dilation[d]) as isize;
            let s = g.conv.stride[d] as isize;
            (p.rem_euclid(s) == 0).then(|| p.div_euclid(s))
        }
    };
    Sum {
        src: dy,
        src_size: g.out,
        dst_size: g.size,
        n: g.n,
        c: g.c,
        taps: g.kernel[0] * g.kernel[1],
        row: &from(0),
        column: &from(1),
        kernel_width: g.kernel[1],
        weights: w,
        reversed: true,
        bias,
    }
    .run(dx);
}

/// dw: chunks of 4,096 rows (n, oh, ow), one fma chain each, then the fixed tree.
pub fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let ([oh, ow], [h, wd], c) = (g.out, g.size, g.c);
    let taps = g.kernel[0] * g.kernel[1];
    let rows = g.n * oh * ow;
    let chunks = rows.div_ceil(CHUNK).max(1);
    let mut sums = Tensor::uninit([chunks * taps * c]);
    let to = Ptr(sums.data_mut().as_mut_ptr());
    pool::run(chunks * taps, |item| {
        let (chunk, t) = (item / taps, item % taps);
        // SAFETY: every (chunk, tap) has its own c sums.
        let acc = unsafe { to.slice(item * c, c) };
        acc.fill(0.0);
        for r in chunk * CHUNK..((chunk + 1) * CHUNK).min(rows) {
            let (n, a, b) = (r / (oh * ow), r / ow % oh, r % ow);
            let (y, q) = (g.row(a, t / g.kernel[1]), g.column(b, t % g.kernel[1]));
            let grad = &dy[r * c..][..c];
            if y >= 0 && q >= 0 && (y as usize) < h && (q as usize) < wd {
                accumulate(&x[((n * h + y as usize) * wd + q as usize) * c..][..c], grad, acc);
            } else {
                accumulate_zero(grad, acc);
            }
        }
    });
    tree::sum_rows(sums.data_mut(), taps * c);
    dw.copy_from_slice(&sums.data()[..taps * c]);
}

dispatch! {
    /// acc = fma(x, w, acc).
    fn accumulate(x: &[f32], w: &[f32], acc: &mut [f32]) = accumulate_body;
    /// acc = fma(+0, w, acc): a tap outside.
    fn accumulate_zero(w: &[f32], acc: &mut [f32]) = accumulate_zero_body;
}

#[inline(always)]
fn accumulate_body<S: Simd>(x: &[f32], w: &[f32], acc: &mut [f32]) {
    for ((a, x), w) in acc.iter_mut().zip(x).zip(w) {
        *a = fma(*x, *w, *a);
    }
}

#[inline(always)]
fn accumulate_zero_body<S: Simd>(w: &[f32], acc: &mut [f32]) {
    for (a, w) in acc.iter_mut().zip(w) {
        *a = fma(0.0, *w, *a);
    }
}

//! Depthwise convolution: one channel in, one out.
//!
//! At stride 1 a row of outputs is one flat run of (w, c) and a tap the same run of a padded source row, shifted: lanes run
//! along it and few channels waste nothing. Otherwise lanes run along the channels of a position. The weight gradient keeps
//! the chains of several taps in registers while it walks along a row.

use super::Geometry;
use crate::math::fma;
use crate::pool::{self, Ptr};
use crate::product::Table;
use crate::product::gather::copy_columns;
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

/// Floats of a row that share one copy of the weights, at least.
const SEGMENT: usize = 512;

/// A sum at stride 1: output (a, b) reads source (a, b) + origin + tap * dilation, taps ascending.
struct Flat<'a> {
    src: &'a [f32],
    src_size: [usize; 2],
    dst_size: [usize; 2],
    n: usize,
    c: usize,
    origin: [isize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    weights: &'a [f32],
    /// Weights are taken from the last tap to the first.
    reversed: bool,
    bias: Option<&'a [f32]>,
}

impl Flat<'_> {
    fn run(&self, dst: &mut [f32]) {
        let ([dh, dw], [sh, sw], c, [kh, kw]) = (self.dst_size, self.src_size, self.c, self.kernel);
        let taps = kh * kw;
        // A segment is whole positions and whole registers of any level.
        let (mut a, mut b) = (c, 16);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        let period = c / a * 16;
        let wide = period * SEGMENT.min(dw * c).div_ceil(period);
        let mut weights = Tensor::uninit([taps * wide]);
        for (i, row) in weights.data_mut().chunks_exact_mut(wide).enumerate() {
            let t = if self.reversed { taps - 1 - i } else { i };
            row.chunks_exact_mut(c).for_each(|p| p.copy_from_slice(&self.weights[t * c..][..c]));
        }
        let columns = dw + (kw - 1) * self.dilation[1];
        let mut offsets = Table::new(taps);
        for i in 0..taps {
            offsets.push((i / kw * self.dilation[0] * columns + i % kw * self.dilation[1]) * c);
        }
        let (offsets, weights) = (offsets.as_slice(), weights.data());
        let bands = dh.div_ceil(ROWS);
        let out = Ptr(dst.as_mut_ptr());
        pool::run(self.n * bands, |item| {
            let (n, a0) = (item / bands, item % bands * ROWS);
            let rows = ROWS.min(dh - a0);
            let mut band = Tensor::uninit([(rows + (kh - 1) * self.dilation[0]) * columns * c]);
            for (r, row) in band.data_mut().chunks_exact_mut(columns * c).enumerate() {
                let y = (a0 + r) as isize + self.origin[0];
                let from = (y >= 0 && (y as usize) < sh).then(|| &self.src[(n * sh + y as usize) * sw * c..][..sw * c]);
                copy_columns(from, self.origin[1], c, row);
            }
            for r in 0..rows {
                // SAFETY: each destination row belongs to one item.
                let line = unsafe { out.slice((n * dh + a0 + r) * dw * c, dw * c) };
                flat_row(&band.data()[r * columns * c..], offsets, weights, wide, line);
                if let Some(bias) = self.bias {
                    line.chunks_exact_mut(c).for_each(|p| p.iter_mut().zip(bias).for_each(|(y, b)| *y += *b));
                }
            }
        });
    }
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    if g.conv.stride == [1, 1] {
        let origin = [-(g.conv.padding[0][0] as isize), -(g.conv.padding[1][0] as isize)];
        let (src_size, dst_size, kernel, dilation) = (g.size, g.out, g.kernel, g.conv.dilation);
        let (n, c, weights, reversed) = (g.n, g.c, w, false);
        return Flat { src: x, src_size, dst_size, n, c, origin, kernel, dilation, weights, reversed, bias }.run(y);
    }
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
    if g.conv.stride == [1, 1] {
        let origin = [0, 1].map(|d| g.conv.padding[d][0] as isize - ((g.kernel[d] - 1) * g.conv.dilation[d]) as isize);
        let (src_size, dst_size, kernel, dilation) = (g.out, g.size, g.kernel, g.conv.dilation);
        let (n, c, weights, reversed) = (g.n, g.c, w, true);
        return Flat { src: dy, src_size, dst_size, n, c, origin, kernel, dilation, weights, reversed, bias }.run(dx);
    }
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

/// Most taps whose chains stay in registers.
const ABREAST: usize = 8;

/// dw: chunks of 4,096 rows (n, oh, ow), one fma chain each, then the fixed tree.
pub fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let ([oh, ow], [h, wd], c, [_, kw]) = (g.out, g.size, g.c, g.kernel);
    let taps = g.kernel[0] * kw;
    let rows = g.n * oh * ow;
    let chunks = rows.div_ceil(CHUNK).max(1);
    let groups = taps.div_ceil(ABREAST);
    let mut sums = Tensor::uninit([chunks * taps * c]);
    let to = Ptr(sums.data_mut().as_mut_ptr());
    pool::run(chunks * groups, |item| {
        let (chunk, group) = (item / groups, item % groups);
        let (t0, t1) = (group * taps / groups, (group + 1) * taps / groups);
        // SAFETY: every (chunk, tap) has its own c sums.
        let acc = unsafe { to.slice((chunk * taps + t0) * c, (t1 - t0) * c) };
        acc.fill(0.0);
        let (first, last) = (t0 / kw, (t1 - 1) / kw);
        let columns = (ow - 1) * g.conv.stride[1] + (kw - 1) * g.conv.dilation[1] + 1;
        let mut padded = Tensor::uninit([(last - first + 1) * columns * c]);
        let mut offsets = Table::new(t1 - t0);
        for t in t0..t1 {
            offsets.push(((t / kw - first) * columns + t % kw * g.conv.dilation[1]) * c);
        }
        let (mut r, end) = (chunk * CHUNK, ((chunk + 1) * CHUNK).min(rows));
        while r < end {
            let (n, a, b) = (r / (oh * ow), r / ow % oh, r % ow);
            let len = (ow - b).min(end - r);
            let left = (b * g.conv.stride[1]) as isize - g.conv.padding[1][0] as isize;
            for (i, row) in padded.data_mut().chunks_exact_mut(columns * c).enumerate() {
                let y = g.row(a, first + i);
                let from = (y >= 0 && (y as usize) < h).then(|| &x[(n * h + y as usize) * wd * c..][..wd * c]);
                copy_columns(from, left, c, row);
            }
            let grad = &dy[r * c..(r + len) * c];
            walk(padded.data(), offsets.as_slice(), g.conv.stride[1] * c, grad, c, acc);
            r += len;
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
    /// y = sum over taps of x, shifted by the tap's offset, times its weights, which repeat every `wide` numbers.
    fn flat_row(x: &[f32], offsets: &[usize], w: &[f32], wide: usize, y: &mut [f32]) = flat_body;
    /// acc `[tap][c]` += sum over the positions of dy `[position][c]` of x at the tap's offset, a `step` a position, times dy.
    fn walk(x: &[f32], offsets: &[usize], step: usize, dy: &[f32], c: usize, acc: &mut [f32]) = walk_body;
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

#[inline(always)]
fn flat_body<S: Simd>(x: &[f32], offsets: &[usize], w: &[f32], wide: usize, y: &mut [f32]) {
    let n = y.len();
    assert!(offsets.iter().all(|o| o + n <= x.len()) && w.len() >= offsets.len() * wide);
    for start in (0..n).step_by(wide) {
        let end = n.min(start + wide);
        let mut j = start;
        // SAFETY: x holds n numbers from every offset, w a segment a tap (asserted); j + lanes stays within the segment.
        unsafe {
            while j + 4 * S::L <= end {
                let mut acc = [S::zero(); 4];
                for (t, offset) in offsets.iter().enumerate() {
                    let (p, q) = (x.as_ptr().add(offset + j), w.as_ptr().add(t * wide + j - start));
                    for (u, acc) in acc.iter_mut().enumerate() {
                        *acc = S::fma(S::load(p.add(u * S::L)), S::load(q.add(u * S::L)), *acc);
                    }
                }
                for (u, acc) in acc.into_iter().enumerate() {
                    S::store(y.as_mut_ptr().add(j + u * S::L), acc);
                }
                j += 4 * S::L;
            }
            while j < end {
                let lanes = (end - j).min(S::L);
                let mut acc = S::zero();
                for (t, offset) in offsets.iter().enumerate() {
                    let (p, q) = (x.as_ptr().add(offset + j), w.as_ptr().add(t * wide + j - start));
                    acc = S::fma(S::load_n(p, lanes), S::load_n(q, lanes), acc);
                }
                S::store_n(y.as_mut_ptr().add(j), acc, lanes);
                j += S::L;
            }
        }
    }
}

#[inline(always)]
fn walk_body<S: Simd>(x: &[f32], offsets: &[usize], step: usize, dy: &[f32], c: usize, acc: &mut [f32]) {
    match offsets.len() {
        1 => walk_taps::<S, 1>(x, offsets, step, dy, c, acc),
        2 => walk_taps::<S, 2>(x, offsets, step, dy, c, acc),
        3 => walk_taps::<S, 3>(x, offsets, step, dy, c, acc),
        4 => walk_taps::<S, 4>(x, offsets, step, dy, c, acc),
        5 => walk_taps::<S, 5>(x, offsets, step, dy, c, acc),
        6 => walk_taps::<S, 6>(x, offsets, step, dy, c, acc),
        7 => walk_taps::<S, 7>(x, offsets, step, dy, c, acc),
        8 => walk_taps::<S, 8>(x, offsets, step, dy, c, acc),
        n => unreachable!("{n} taps abreast"),
    }
}

#[inline(always)]
fn walk_taps<S: Simd, const T: usize>(
    x: &[f32],
    offsets: &[usize],
    step: usize,
    dy: &[f32],
    c: usize,
    acc: &mut [f32],
) {
    let positions = dy.len() / c;
    assert!(acc.len() == T * c && offsets.iter().all(|o| o + (positions - 1) * step + c <= x.len()));
    let offsets: [usize; T] = std::array::from_fn(|t| offsets[t]);
    for j in (0..c).step_by(S::L) {
        let lanes = (c - j).min(S::L);
        // SAFETY: x holds a position's c numbers at every offset and step, dy c a position, acc c a tap (asserted above).
        unsafe {
            let mut sums: [S::V; T] = std::array::from_fn(|t| S::load_n(acc.as_ptr().add(t * c + j), lanes));
            for i in 0..positions {
                let g = S::load_n(dy.as_ptr().add(i * c + j), lanes);
                for (sum, offset) in sums.iter_mut().zip(offsets) {
                    *sum = S::fma(S::load_n(x.as_ptr().add(offset + i * step + j), lanes), g, *sum);
                }
            }
            for (t, sum) in sums.into_iter().enumerate() {
                S::store_n(acc.as_mut_ptr().add(t * c + j), sum, lanes);
            }
        }
    }
}

//! Bilinear interpolation, rows in parallel: a row of y blends two rows of x, then columns; a row of dx gathers rows of dy,
//! then columns. Lanes run along whole rows in the first step and along channels in the second.

use super::super::TASK;
use super::UpsampleBilinear;
use super::axis::taps;
use crate::math::fma;
use crate::product::Table;
use crate::simd::Simd;
use crate::{Shape, Tensor, dispatch, pool};

/// First and last (excluded) of the outputs that may have an element among their taps.
type Readers = [usize; 2];

/// An output's taps, rounded.
#[derive(Clone, Copy)]
struct Taps {
    at: usize,
    weights: [f32; 2],
    two: bool,
}

impl Taps {
    /// The weight of element `i`, if it is one of these.
    #[inline(always)]
    fn of(&self, i: usize) -> Option<f32> {
        match i.wrapping_sub(self.at) {
            0 => Some(self.weights[0]),
            1 if self.two => Some(self.weights[1]),
            _ => None,
        }
    }
}

/// Taps of all outputs of an axis.
fn axis(op: &UpsampleBilinear, d: usize, n: usize) -> Table<Taps> {
    let m = op.size[d];
    let mut all = Table::new(m);
    for o in 0..m {
        let t = taps(o, n, m, op.align_corners);
        all.push(Taps { at: t.at, weights: t.weights.map(|w| w as f32), two: t.two });
    }
    all
}

/// The readers of each of n elements.
fn readers(all: &[Taps], n: usize) -> Table<Readers> {
    let mut ranges = Table::new(n);
    let (mut start, mut end) = (0, 0);
    for i in 0..n {
        // Taps ascend.
        while start < all.len() && all[start].at + 1 < i {
            start += 1;
        }
        while end < all.len() && all[end].at <= i {
            end += 1;
        }
        ranges.push([start, end]);
    }
    ranges
}

pub(super) fn forward(op: &UpsampleBilinear, shape: &Shape, x: &[f32], y: &mut [f32]) {
    let ([h, w, c], [oh, ow]) = ([shape[1], shape[2], shape[3]], op.size);
    if y.is_empty() {
        return;
    }
    let (rows, columns) = (axis(op, 0, h), axis(op, 1, w));
    let (rows, columns) = (rows.as_slice(), columns.as_slice());
    let per = (TASK / ((w + ow) * c)).max(1);
    pool::chunks_mut(y, per * ow * c, |item, part| {
        let mut blended = Tensor::uninit([w * c]);
        let v = blended.data_mut();
        for (r, y) in part.chunks_exact_mut(ow * c).enumerate() {
            let (n, a) = ((item * per + r) / oh, (item * per + r) % oh);
            let t = rows[a];
            let from = &x[(n * h + t.at) * w * c..];
            if t.two {
                let (first, second) = from[..2 * w * c].split_at(w * c);
                blend_rows(first, second, t.weights, v);
                blend_columns(v, columns, c, y);
            } else {
                // A product with 1 changes no bit.
                blend_columns(&from[..w * c], columns, c, y);
            }
        }
    });
}

pub(super) fn backward(op: &UpsampleBilinear, shape: &Shape, dy: &[f32], dx: &mut [f32]) {
    let ([h, w, c], [oh, ow]) = ([shape[1], shape[2], shape[3]], op.size);
    if dx.is_empty() {
        return;
    }
    let (rows, columns) = (axis(op, 0, h), axis(op, 1, w));
    let (rows, columns) = (rows.as_slice(), columns.as_slice());
    let (row_readers, column_readers) = (readers(rows, h), readers(columns, w));
    let (row_readers, column_readers) = (row_readers.as_slice(), column_readers.as_slice());
    let per = (TASK / ((2 * ow * oh / h + w) * c)).max(1);
    pool::chunks_mut(dx, per * w * c, |item, part| {
        let mut gathered = Tensor::uninit([ow * c]);
        let u = gathered.data_mut();
        for (r, dx) in part.chunks_exact_mut(w * c).enumerate() {
            let (n, i) = ((item * per + r) / h, (item * per + r) % h);
            u.fill(0.0);
            for a in row_readers[i][0]..row_readers[i][1] {
                if let Some(weight) = rows[a].of(i) {
                    add_row(&dy[(n * oh + a) * ow * c..][..ow * c], weight, u);
                }
            }
            gather_columns(u, columns, column_readers, c, dx);
        }
    });
}

dispatch! {
    /// v = fma(h1, b, h0 a).
    fn blend_rows(a: &[f32], b: &[f32], h: [f32; 2], v: &mut [f32]) = blend_rows_body;
    /// `y = fma(w1, v[j + 1], w0 v[j])`, or `v[j]` where there is one tap.
    fn blend_columns(v: &[f32], columns: &[Taps], c: usize, y: &mut [f32]) = blend_columns_body;
    /// u = fma(h, dy, u).
    fn add_row(dy: &[f32], h: f32, u: &mut [f32]) = add_row_body;
    /// dx = sum of w u over the outputs that read it.
    fn gather_columns(u: &[f32], columns: &[Taps], readers: &[Readers], c: usize, dx: &mut [f32]) = gather_columns_body;
}

#[inline(always)]
fn blend_rows_body<S: Simd>(a: &[f32], b: &[f32], [h0, h1]: [f32; 2], v: &mut [f32]) {
    for ((v, a), b) in v.iter_mut().zip(a).zip(b) {
        *v = fma(h1, *b, h0 * *a);
    }
}

#[inline(always)]
fn blend_columns_body<S: Simd>(v: &[f32], columns: &[Taps], c: usize, y: &mut [f32]) {
    for (t, y) in columns.iter().zip(y.chunks_exact_mut(c)) {
        let from = &v[t.at * c..];
        if t.two {
            let ([w0, w1], (a, b)) = (t.weights, from[..2 * c].split_at(c));
            for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                *y = fma(w1, *b, w0 * *a);
            }
        } else {
            y.iter_mut().zip(from).for_each(|(y, v)| *y = *v);
        }
    }
}

#[inline(always)]
fn add_row_body<S: Simd>(dy: &[f32], h: f32, u: &mut [f32]) {
    for (u, g) in u.iter_mut().zip(dy) {
        *u = fma(h, *g, *u);
    }
}

#[inline(always)]
fn gather_columns_body<S: Simd>(u: &[f32], columns: &[Taps], readers: &[Readers], c: usize, dx: &mut [f32]) {
    for ((j, outputs), dx) in readers.iter().enumerate().zip(dx.chunks_exact_mut(c)) {
        dx.fill(0.0);
        for b in outputs[0]..outputs[1] {
            let Some(weight) = columns[b].of(j) else { continue };
            for (d, u) in dx.iter_mut().zip(&u[b * c..][..c]) {
                *d = fma(weight, *u, *d);
            }
        }
    }
}

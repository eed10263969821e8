//! Terms are computed block by block, which vectorises, and then summed.

use super::{PointwiseLoss, Row};
use crate::math::sum::{CHUNK, Tree, eight};
use crate::ops::loss::{Reduction, sample_sums, samples};
use crate::ops::softmax::scratch;
use crate::simd::Simd;
use crate::{Tensor, dispatch, pool};

/// Terms held at once; a multiple of the accumulators.
const BLOCK: usize = 256;

dispatch! {
    fn chunk[R: Row](row: R, x: &[f32], t: &[f32], w: &[f32]) -> f64 = chunk_body;
    fn terms[R: Row](row: R, x: &[f32], t: &[f32], w: &[f32], y: &mut [f32]) = terms_body;
    fn slopes[R: Row](row: R, x: &[f32], t: &[f32], w: &[f32], dy: f64, dx: &mut [f32]) = slopes_body;
    fn slopes_each[R: Row](row: R, x: &[f32], t: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32]) = slopes_each_body;
}

#[inline(always)]
fn chunk_body<S: Simd, R: Row>(row: R, x: &[f32], t: &[f32], w: &[f32]) -> f64 {
    let (mut acc, mut v) = ([0.0; 8], [0.0; BLOCK]);
    for ((x, t), w) in x.chunks(BLOCK).zip(t.chunks(BLOCK)).zip(w.chunks(BLOCK)) {
        let v = &mut v[..x.len()];
        for (((v, &x), &t), &w) in v.iter_mut().zip(x).zip(t).zip(w) {
            *v = row.term(x.into(), t.into(), w.into());
        }
        let eights = v.chunks_exact(8);
        let rest = eights.remainder();
        for e in eights {
            for j in 0..8 {
                acc[j] += e[j];
            }
        }
        acc.iter_mut().zip(rest).for_each(|(a, v)| *a += v);
    }
    eight(acc)
}

#[inline(always)]
fn terms_body<S: Simd, R: Row>(row: R, x: &[f32], t: &[f32], w: &[f32], y: &mut [f32]) {
    for (((y, &x), &t), &w) in y.iter_mut().zip(x).zip(t).zip(w) {
        *y = row.term(x.into(), t.into(), w.into()) as f32;
    }
}

#[inline(always)]
fn slopes_body<S: Simd, R: Row>(row: R, x: &[f32], t: &[f32], w: &[f32], dy: f64, dx: &mut [f32]) {
    for (((dx, &x), &t), &w) in dx.iter_mut().zip(x).zip(t).zip(w) {
        *dx = (dy * row.slope(x.into(), t.into(), w.into())) as f32;
    }
}

#[inline(always)]
fn slopes_each_body<S: Simd, R: Row>(row: R, x: &[f32], t: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32]) {
    for ((((dx, &x), &t), &w), &dy) in dx.iter_mut().zip(x).zip(t).zip(w).zip(dy) {
        *dx = (f64::from(dy) * row.slope(x.into(), t.into(), w.into())) as f32;
    }
}

/// Calls `f` with the weights of terms `first ..` to `first + n`; rows without weights get what they do not read.
fn weights<R: Row, Y>(w: Option<&[f32]>, x: &[f32], first: usize, n: usize, f: impl FnOnce(&[f32]) -> Y) -> Y {
    if !R::WEIGHTED {
        return f(&x[first..][..n]);
    }
    scratch::narrow(n, |buffer| {
        match w {
            None => buffer.fill(1.0),
            Some(w) => {
                let mut column = first % w.len();
                for b in buffer.iter_mut() {
                    *b = w[column];
                    column = if column + 1 == w.len() { 0 } else { column + 1 };
                }
            }
        }
        f(buffer)
    })
}

/// The loss.
pub fn forward<R: Row>(op: &PointwiseLoss<R>, x: &Tensor, t: &[f32], w: Option<&[f32]>, y: &mut [f32]) {
    let (n, m) = samples(&x.shape());
    let x = x.data();
    if op.reduction == Reduction::None {
        pool::chunks_mut(y, CHUNK, |i, y| {
            let (first, n) = (i * CHUNK, y.len());
            weights::<R, _>(w, x, first, n, |w| terms(op.row, &x[first..], &t[first..], w, y));
        });
        return;
    }
    let mut total = Tree::new();
    let leaf = |first: usize, n: usize| {
        [weights::<R, _>(w, x, first, n, |w| chunk(op.row, &x[first..][..n], &t[first..][..n], w))]
    };
    sample_sums(n, m, leaf, |_, [sum]| total.push(sum));
    y[0] = op.reduction.finish(total.sum(), x.len()) as f32;
}

/// The gradient of x.
pub fn backward<R: Row>(op: &PointwiseLoss<R>, x: &[f32], t: &[f32], w: Option<&[f32]>, dy: &[f32], dx: &mut [f32]) {
    let count = x.len();
    pool::chunks_mut(dx, CHUNK, |i, dx| {
        let (first, n) = (i * CHUNK, dx.len());
        let (lx, lt) = (&x[first..], &t[first..]);
        weights::<R, _>(w, x, first, n, |w| match op.reduction {
            Reduction::None => slopes_each(op.row, lx, lt, w, &dy[first..], dx),
            r => slopes(op.row, lx, lt, w, r.upstream(dy, 0, count), dx),
        });
    });
}

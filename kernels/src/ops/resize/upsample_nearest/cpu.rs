//! Nearest neighbour, rows in parallel: rows of y fetch, rows of dx gather.

use super::super::TASK;
use super::{Geometry, source, takers};
use crate::simd::Simd;
use crate::{dispatch, pool};

pub(super) fn forward(g: &Geometry, x: &[f32], y: &mut [f32]) {
    let ([h, w], [oh, ow], c) = (g.from, g.to, g.c);
    if y.is_empty() {
        return;
    }
    let per = (TASK / (ow * c)).max(1);
    pool::chunks_mut(y, per * ow * c, |item, rows| {
        for (r, row) in rows.chunks_exact_mut(ow * c).enumerate() {
            let (n, a) = ((item * per + r) / oh, (item * per + r) % oh);
            let from = &x[(n * h + source(a, h, oh)) * w * c..][..w * c];
            if w == ow {
                row.copy_from_slice(from);
                continue;
            }
            for (b, to) in row.chunks_exact_mut(c).enumerate() {
                let from = &from[source(b, w, ow) * c..][..c];
                if c < 8 {
                    to.iter_mut().zip(from).for_each(|(y, x)| *y = *x);
                } else {
                    to.copy_from_slice(from);
                }
            }
        }
    });
}

pub(super) fn backward(g: &Geometry, dy: &[f32], dx: &mut [f32]) {
    let ([h, w], [oh, ow], c) = (g.from, g.to, g.c);
    if dx.is_empty() {
        return;
    }
    let per = (TASK / (oh * ow * c / h).max(w * c)).max(1);
    pool::chunks_mut(dx, per * w * c, |item, rows| {
        for (r, row) in rows.chunks_exact_mut(w * c).enumerate() {
            let (n, i) = ((item * per + r) / h, (item * per + r) % h);
            row.fill(0.0);
            for a in takers(i, h, oh) {
                add_row(&dy[(n * oh + a) * ow * c..][..ow * c], c, row);
            }
        }
    });
}

dispatch! {
    /// Adds each element of a row of dy to the element of dx that it took.
    fn add_row(dy: &[f32], c: usize, dx: &mut [f32]) = add_row_body;
}

#[inline(always)]
fn add_row_body<S: Simd>(dy: &[f32], c: usize, dx: &mut [f32]) {
    let (w, ow) = (dx.len() / c, dy.len() / c);
    for (j, dx) in dx.chunks_exact_mut(c).enumerate() {
        for b in takers(j, w, ow) {
            for (x, y) in dx.iter_mut().zip(&dy[b * c..][..c]) {
                *x += *y;
            }
        }
    }
}

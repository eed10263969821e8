//! Loops over slices, vectorised by the compiler; chunks of them on all threads.

use super::Row;
use crate::simd::Simd;
use crate::{dispatch, pool};

/// Numbers a task takes: 16 KB, so that x and y stay in L1 and relu's tasks are worth their start.
const CHUNK: usize = 4096;

/// `y = f(x)`.
pub fn forward<R: Row>(row: R, x: &[f32], y: &mut [f32]) {
    pool::chunks_mut(y, CHUNK, |i, y| map(row, &x[i * CHUNK..][..y.len()], y));
}

/// `dx = g(v, dy)`.
pub fn backward<R: Row>(row: R, v: &[f32], dy: &[f32], dx: &mut [f32]) {
    pool::chunks_mut(dx, CHUNK, |i, dx| {
        let at = i * CHUNK..i * CHUNK + dx.len();
        grad(row, &v[at.clone()], &dy[at], dx);
    });
}

dispatch! {
    fn map[R: Row](row: R, x: &[f32], y: &mut [f32]) = map_body;
    fn grad[R: Row](row: R, v: &[f32], dy: &[f32], dx: &mut [f32]) = grad_body;
}

#[inline(always)]
fn map_body<S: Simd, R: Row>(row: R, x: &[f32], y: &mut [f32]) {
    if S::L == 16 && row.y512(x, y) {
        return;
    }
    for (y, &x) in y.iter_mut().zip(x) {
        *y = row.y32(x);
    }
}

#[inline(always)]
fn grad_body<S: Simd, R: Row>(row: R, v: &[f32], dy: &[f32], dx: &mut [f32]) {
    if S::L == 16 && row.dx512(v, dy, dx) {
        return;
    }
    for ((dx, &v), &dy) in dx.iter_mut().zip(v).zip(dy) {
        *dx = row.dx32(v, dy);
    }
}

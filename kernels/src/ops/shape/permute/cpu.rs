//! Permutation: runs where the innermost dimension stays, else tiles that read and write whole lines.

use crate::dispatch;
use crate::pool::{self, Ptr};
use crate::shape::MAX_RANK;
use crate::simd::Simd;
use crate::{Device, Tensor};

use super::super::cuda;

/// Numbers a task should at least move.
const TASK: usize = 1 << 14;
/// A tile is so many lines of so many numbers, on both sides.
const TILE: usize = 16;

/// A dimension of y: its size, and the distances of neighbours in x and in y.
type Dim = (usize, usize, usize);

/// y = x of `shape` with its dimensions in the order `dims`.
///
/// # Panics
/// If x or y is of another size.
pub fn permute(shape: &[usize], dims: &[usize], x: &Tensor, y: &mut Tensor) {
    if x.device() != Device::Cpu {
        return cuda::permute(shape, dims, x, y);
    }
    let (x, y) = (x.data(), y.data_mut());
    assert!(x.len() == y.len() && x.len() == shape.iter().product());
    if x.is_empty() {
        return;
    }
    let mut strides = [1; MAX_RANK];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d] * shape[d];
    }
    // y's dimensions, innermost first; neighbours in both arrays are merged.
    let (mut all, mut rank, mut stride) = ([(1, 1, 1); MAX_RANK], 0, 1);
    for &d in dims.iter().rev().filter(|&&d| shape[d] > 1) {
        match all[..rank].last_mut() {
            Some((n, dx, _)) if *n * *dx == strides[d] => *n *= shape[d],
            _ => {
                all[rank] = (shape[d], strides[d], stride);
                rank += 1;
            }
        }
        stride *= shape[d];
    }
    let dims = &mut all[..rank.max(1)];
    // The dimension whose neighbours are neighbours in x; there is one, since no size is 1.
    let along = dims.iter().position(|d| d.1 == 1).unwrap_or(0);
    if along == 0 {
        return runs(dims[0].0, &dims[1..], x, y);
    }
    dims[1..=along].rotate_right(1);
    tiles(dims[0], dims[1], &dims[2..], x, y);
}

/// Where element `i` of some dimensions (innermost first) lies in x and y.
fn place(dims: &[Dim], mut i: usize) -> (usize, usize) {
    let mut at = (0, 0);
    for &(n, dx, dy) in dims {
        at = (at.0 + i % n * dx, at.1 + i % n * dy);
        i /= n;
    }
    at
}

/// Copies runs of `run` numbers.
fn runs(run: usize, outer: &[Dim], x: &[f32], y: &mut [f32]) {
    // One run is cut, so that a copy is work for all threads.
    if outer.is_empty() {
        return pool::chunks_mut(y, TASK, |i, y| y.copy_from_slice(&x[i * TASK..][..y.len()]));
    }
    let per = (TASK / run).max(1);
    pool::chunks_mut(y, per * run, |item, y| {
        for (i, y) in y.chunks_exact_mut(run).enumerate() {
            let x = &x[place(outer, item * per + i).0..][..run];
            if run < 8 {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = *x);
            } else {
                y.copy_from_slice(x);
            }
        }
    });
}

/// Transposes: `a` is innermost in y, `b` in x.
fn tiles(a: Dim, b: Dim, outer: &[Dim], x: &[f32], y: &mut [f32]) {
    let planes: usize = outer.iter().map(|d| d.0).product();
    let wide = (TASK / b.0).next_multiple_of(TILE).clamp(TILE, a.0.max(TILE)).min(a.0);
    let tall = (TASK / wide).next_multiple_of(TILE).min(b.0);
    let (across, down) = (a.0.div_ceil(wide), b.0.div_ceil(tall));
    let blocks = planes * down * across;
    let per = (TASK / (wide * tall)).max(1);
    let out = Ptr(y.as_mut_ptr());
    let len = y.len();
    pool::run(blocks.div_ceil(per), |item| {
        for i in item * per..((item + 1) * per).min(blocks) {
            let (plane, j, i) = (place(outer, i / (down * across)), i / across % down * tall, i % across * wide);
            let (m, n) = (wide.min(a.0 - i), tall.min(b.0 - j));
            let (from, to) = (plane.0 + i * a.1 + j, plane.1 + j * b.2 + i);
            assert!(to + (n - 1) * b.2 + m <= len);
            block(&x[from..], (m, a.1), (n, b.2), out, to);
        }
    });
}

dispatch! {
    /// y[to + j * b.1 + i] = x[i * a.1 + j] for i below a.0, j below b.0. Those places of y exist and are the caller's alone.
    fn block(x: &[f32], a: (usize, usize), b: (usize, usize), y: Ptr, to: usize) = block_body;
}

#[inline(always)]
fn block_body<S: Simd>(x: &[f32], a: (usize, usize), b: (usize, usize), y: Ptr, to: usize) {
    let mut tile = [[0.0f32; TILE]; TILE];
    for i0 in (0..a.0).step_by(TILE) {
        for j0 in (0..b.0).step_by(TILE) {
            let (m, n) = (TILE.min(a.0 - i0), TILE.min(b.0 - j0));
            if m < TILE || n < TILE {
                for j in j0..j0 + n {
                    // SAFETY: places that the caller vouches for.
                    let y = unsafe { y.slice(to + j * b.1 + i0, m) };
                    y.iter_mut().enumerate().for_each(|(i, y)| *y = x[(i0 + i) * a.1 + j]);
                }
                continue;
            }
            // Whole lines into a square that no cache set crowds, and whole lines out of it.
            for (i, line) in tile.iter_mut().enumerate() {
                line.copy_from_slice(&x[(i0 + i) * a.1 + j0..][..TILE]);
            }
            for j in 0..TILE {
                // SAFETY: as above.
                let y = unsafe { y.slice(to + (j0 + j) * b.1 + i0, TILE) };
                y.iter_mut().zip(&tile).for_each(|(y, line)| *y = line[j]);
            }
        }
    }
}

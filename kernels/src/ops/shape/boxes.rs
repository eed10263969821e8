//! Copies a box of numbers from one array into another: what concat, slice and pad are made of.

use crate::pool::{self, Ptr};
use crate::shape::MAX_RANK;
use crate::{Device, Shape, Tensor};

use super::cuda;

/// Numbers a task should at least move.
const TASK: usize = 1 << 14;

/// Where a box lies in an array of `shape`: element i of the box is number `start + i * step`, dimension by dimension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub shape: Shape,
    pub start: [usize; MAX_RANK],
    pub step: [usize; MAX_RANK],
}

impl Place {
    /// From the first element on.
    pub fn whole(shape: Shape) -> Self {
        Self { shape, start: [0; MAX_RANK], step: [1; MAX_RANK] }
    }

    /// From `start` on along one dimension, from the first element in the others.
    pub fn from(shape: Shape, dim: usize, start: usize) -> Self {
        let mut place = Self::whole(shape);
        place.start[dim] = start;
        place
    }

    /// Asserts that a box of `size` lies inside.
    pub(super) fn check(&self, size: &Shape) {
        assert_eq!(self.shape[..].len(), size[..].len());
        for (d, &n) in size.iter().enumerate() {
            assert!(n == 0 || self.start[d] + (n - 1) * self.step[d] < self.shape[d], "{size} at {self:?}");
        }
    }

    /// Distances between neighbours of the box, and where it begins.
    pub(super) fn strides(&self) -> ([usize; MAX_RANK], usize) {
        let (mut strides, mut stride, mut base) = ([0; MAX_RANK], 1, 0);
        for d in (0..self.shape[..].len()).rev() {
            strides[d] = stride * self.step[d];
            base += self.start[d] * stride;
            stride *= self.shape[d];
        }
        (strides, base)
    }
}

/// Copies a box of `size` from `x` to `y`.
///
/// # Panics
/// If it does not lie inside both.
pub(super) fn copy(size: Shape, x: &Tensor, from: &Place, y: &mut Tensor, to: &Place) {
    if x.device() != Device::Cpu {
        return cuda::copy(size, x, from, y, to);
    }
    let (x, y) = (x.data(), y.data_mut());
    from.check(&size);
    to.check(&size);
    assert!(x.len() == from.shape.len() && y.len() == to.shape.len());
    if size.is_empty() {
        return;
    }
    let ((sx, bx), (sy, by)) = (from.strides(), to.strides());
    // (size, distance in x, distance in y), innermost first; neighbours that are one dimension in both arrays are
    // merged.
    let mut dims = [(1, 1, 1); MAX_RANK + 1];
    let mut rank = 0;
    for d in (0..size[..].len()).rev().filter(|&d| size[d] > 1) {
        let (n, dx, dy) = dims[rank];
        if (sx[d], sy[d]) == (n * dx, n * dy) {
            dims[rank].0 *= size[d];
        } else {
            rank += 1;
            dims[rank] = (size[d], sx[d], sy[d]);
        }
    }
    // dims[0] is a run of neighbours, maybe of one; dims[1] a line of runs.
    let (run, (line, dx, dy), outer) = (dims[0].0, dims[1], &dims[2.min(rank + 1)..=rank]);
    let lines: usize = outer.iter().map(|d| d.0).product();
    // Long lines are cut, so that two dimensions are enough work for all threads.
    let part = (TASK / run).clamp(1, line);
    let parts = line.div_ceil(part);
    let per = (TASK / (run * part)).max(1);
    let y = Ptr(y.as_mut_ptr());
    pool::run((lines * parts).div_ceil(per), |item| {
        for i in item * per..((item + 1) * per).min(lines * parts) {
            let first = i % parts * part;
            let (mut rest, mut at, mut put) = (i / parts, bx + first * dx, by + first * dy);
            for &(n, dx, dy) in outer {
                at += rest % n * dx;
                put += rest % n * dy;
                rest /= n;
            }
            let line = Line { x: &x[at..], dx, y: y.at(put), dy, n: part.min(line - first) };
            // SAFETY: runs of the box, which lies inside y (checked), and no other item has them.
            unsafe {
                match run {
                    1 => line.copy::<1>(),
                    4 => line.copy::<4>(),
                    8 => line.copy::<8>(),
                    12 => line.copy::<12>(),
                    16 => line.copy::<16>(),
                    _ => line.copy_runs(run),
                }
            }
        }
    });
}

/// `n` runs, so far apart in x and in y.
struct Line<'a> {
    x: &'a [f32],
    dx: usize,
    y: *mut f32,
    dy: usize,
    n: usize,
}

impl Line<'_> {
    /// Copies runs of a length that the compiler knows: no call a run.
    ///
    /// # Safety
    /// They lie in one live allocation at y that nobody else reads or writes meanwhile.
    unsafe fn copy<const RUN: usize>(&self) {
        for k in 0..self.n {
            let from: &[f32; RUN] = self.x[k * self.dx..].first_chunk().expect("a run of the box");
            // SAFETY: the caller's promise; numbers need no more than their own alignment.
            unsafe { *self.y.add(k * self.dy).cast::<[f32; RUN]>() = *from };
        }
    }

    /// The same for any length.
    ///
    /// # Safety
    /// As [`copy`](Self::copy).
    unsafe fn copy_runs(&self, run: usize) {
        for k in 0..self.n {
            let from = &self.x[k * self.dx..][..run];
            // SAFETY: as above.
            unsafe { std::slice::from_raw_parts_mut(self.y.add(k * self.dy), run) }.copy_from_slice(from);
        }
    }
}

/// A tensor of +0, filled by all threads.
pub(super) fn zeros(device: Device, shape: Shape) -> Tensor {
    let mut t = Tensor::uninit_on(device, shape);
    zero(&mut t);
    t
}

/// All +0.
pub(super) fn zero(y: &mut Tensor) {
    match y.device() {
        Device::Cpu => pool::chunks_mut(y.data_mut(), TASK, |_, y| y.fill(0.0)),
        Device::Cuda(_) => cuda::zero(y),
    }
}

/// Row-major indices of a shape, in order: for references.
pub(super) fn indices(shape: Shape) -> impl Iterator<Item = [usize; MAX_RANK]> {
    (0..shape.len()).map(move |mut i| {
        let mut at = [0; MAX_RANK];
        for d in (0..shape[..].len()).rev() {
            at[d] = i % shape[d];
            i /= shape[d];
        }
        at
    })
}

/// Flat position of an index: for references.
pub(super) fn flat(shape: &Shape, at: &[usize; MAX_RANK]) -> usize {
    shape.iter().zip(at).fold(0, |i, (n, at)| i * n + at)
}

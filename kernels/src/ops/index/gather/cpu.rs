//! Elements by their numbers. A line runs along `dim`; backward, a task owns whole lines of dx.

use super::super::{TASK, inside};
use crate::pool::{self, Ptr};
use crate::product::Table;
use crate::shape::MAX_RANK;
use crate::{Shape, Tensor};

/// Neighbouring lines that a task owns, if there are so many.
const LINES: usize = 64;

/// The index as `[outer, places, inner]`, x as lines of `size` elements `stride` apart.
struct Plan {
    places: usize,
    size: usize,
    stride: usize,
    /// Where each outer number begins in x.
    outer: Table<usize>,
    /// How much later each inner number does.
    inner: Table<usize>,
}

impl Plan {
    fn new(dim: usize, x: &Shape, index: &Shape) -> Self {
        let (size, stride) = (x[dim], x[dim + 1..].iter().product());
        Self {
            places: index[dim],
            size,
            stride,
            outer: starts(&x[..dim], &index[..dim], size * stride),
            inner: starts(&x[dim + 1..], &index[dim + 1..], 1),
        }
    }
}

/// Where each element of an array of sizes `index` lies in one of sizes `x` whose elements are `step` apart.
fn starts(x: &[usize], index: &[usize], step: usize) -> Table<usize> {
    let n = index.iter().product();
    let mut all = Table::new(n);
    let mut at = [0; MAX_RANK];
    for _ in 0..n {
        all.push(x.iter().zip(at).fold(0, |i, (n, at)| i * n + at) * step);
        for d in (0..index.len()).rev() {
            at[d] += 1;
            if at[d] < index[d] {
                break;
            }
            at[d] = 0;
        }
    }
    all
}

pub(super) fn forward(dim: usize, x: &Tensor, index: &Tensor, y: &mut Tensor) {
    let plan = Plan::new(dim, &x.shape(), &index.shape());
    let (outer, inner, places) = (plan.outer.as_slice(), plan.inner.as_slice(), plan.places);
    let (x, index) = (x.data(), index.ints());
    pool::chunks_mut(y.data_mut(), TASK, |item, y| {
        let first = item * TASK;
        let (mut q, mut p) = (first % inner.len(), first / inner.len() % places);
        let mut o = first / (inner.len() * places);
        for (y, &i) in y.iter_mut().zip(&index[first..]) {
            *y = inside(i, plan.size).map_or(f32::NAN, |i| x[outer[o] + i * plan.stride + inner[q]]);
            q += 1;
            if q == inner.len() {
                (q, p) = (0, p + 1);
            }
            if p == places {
                (p, o) = (0, o + 1);
            }
        }
    });
}

pub(super) fn backward(dim: usize, x: Shape, index: &Tensor, dy: &Tensor) -> Tensor {
    let plan = Plan::new(dim, &x, &index.shape());
    let (outer, inner, places) = (plan.outer.as_slice(), plan.inner.as_slice(), plan.places);
    let (index, dy) = (index.ints(), dy.data());
    let mut dx = Tensor::uninit(x);
    pool::chunks_mut(dx.data_mut(), TASK, |_, dx| dx.fill(0.0));
    let to = Ptr(dx.data_mut().as_mut_ptr());
    let parts = inner.len().div_ceil(LINES);
    let all = outer.len() * parts;
    let per = (TASK / (places * inner.len().min(LINES)).max(1)).max(1);
    pool::run(all.div_ceil(per), |item| {
        for part in item * per..((item + 1) * per).min(all) {
            let (o, first) = (part / parts, part % parts * LINES);
            let lines = first..(first + LINES).min(inner.len());
            for p in 0..places {
                let row = (o * places + p) * inner.len();
                for q in lines.clone() {
                    if let Some(i) = inside(index[row + q], plan.size) {
                        // SAFETY: element i of line (o, q) lies in dx, since the index is no larger than x in other
                        // dimensions (checked when recorded); the line is this task's alone.
                        unsafe { *to.at(outer[o] + i * plan.stride + inner[q]) += dy[row + q] };
                    }
                }
            }
        }
    });
    dx
}

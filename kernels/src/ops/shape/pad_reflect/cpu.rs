//! Reflection, rows in parallel: rows of y fetch, rows of dx gather. A row is what is innermost and not padded.

use super::PadReflect;
use crate::pool;
use crate::shape::MAX_RANK;
use crate::{Device, Shape, Tensor};

use super::super::cuda::Reflection;

/// Numbers a task should at least touch.
const TASK: usize = 1 << 14;

/// How many outer dimensions rows are numbered by, and the length of a row.
fn rows(op: &PadReflect, x: &Shape) -> (usize, usize) {
    let mut outer = x[..].len();
    while outer > 0 && op.sides[outer - 1] == [0, 0] {
        outer -= 1;
    }
    (outer, x[outer..].iter().product())
}

/// Calls `f(row, numbers)` for every row of `data`.
fn each_row(data: &mut [f32], len: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    if data.is_empty() {
        return;
    }
    let per = (TASK / len).max(1);
    pool::chunks_mut(data, per * len, |i, rows| {
        rows.chunks_exact_mut(len).enumerate().for_each(|(r, row)| f(i * per + r, row));
    });
}

pub(super) fn forward(op: &PadReflect, x: &Tensor, y: &mut Tensor) {
    let (shape, padded) = (x.shape(), y.shape());
    if x.device() != Device::Cpu {
        return Reflection::new(&shape, &padded, &op.sides, y.len()).run("reflect", x, y);
    }
    let (outer, len) = rows(op, &shape);
    let x = x.data();
    each_row(y.data_mut(), len, |mut row, y| {
        let (mut at, mut stride) = (0, len);
        for d in (0..outer).rev() {
            let (j, left, n) = (row % padded[d], op.sides[d][0], shape[d]);
            let i = j.abs_diff(left);
            at += if j > left && i >= n { 2 * (n - 1) - i } else { i } * stride;
            stride *= n;
            row /= padded[d];
        }
        y.copy_from_slice(&x[at..at + len]);
    });
}

/// Places along one dimension that hold element `i`, ascending.
fn places(i: usize, n: usize, [left, right]: [usize; 2]) -> impl Iterator<Item = usize> {
    let before = (1..=left).contains(&i).then(|| left - i);
    let behind = (i + 1 < n && n - 1 - i <= right).then(|| left + 2 * (n - 1) - i);
    before.into_iter().chain([left + i]).chain(behind)
}

/// Calls `f` with the number of each row of dy that holds row `row` of dx, ascending. `dims` are (size in dx, size in
/// dy, sides) of the dimensions still to choose; `at` numbers what is chosen.
fn gather(dims: &[(usize, usize, [usize; 2])], row: usize, at: usize, f: &mut impl FnMut(usize)) {
    let Some((&(n, padded, sides), rest)) = dims.split_first() else { return f(at) };
    let below: usize = rest.iter().map(|d| d.0).product();
    for j in places(row / below, n, sides) {
        gather(rest, row % below, at * padded + j, f);
    }
}

pub(super) fn backward(op: &PadReflect, dy: &Tensor, x: Shape) -> Tensor {
    let mut dx = Tensor::uninit_on(dy.device(), x);
    if dy.device() != Device::Cpu {
        Reflection::new(&x, &dy.shape(), &op.sides, dx.len()).run("reflect_gradient", dy, &mut dx);
        return dx;
    }
    let (outer, len) = rows(op, &x);
    let (y, dy) = (dy.shape(), dy.data());
    let dims: [_; MAX_RANK] =
        std::array::from_fn(|d| if d < outer { (x[d], y[d], op.sides[d]) } else { (1, 1, [0, 0]) });
    each_row(dx.data_mut(), len, |row, dx| {
        dx.fill(0.0);
        gather(&dims[..outer], row, 0, &mut |at| {
            for (dx, dy) in dx.iter_mut().zip(&dy[at * len..]) {
                *dx += *dy;
            }
        });
    });
    dx
}

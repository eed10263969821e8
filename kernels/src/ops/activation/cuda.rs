//! Kernels made from the table's rows, and their launches.

use super::Row;
use super::table::{TEXTS, Text};
use crate::Tensor;
use crate::cuda::Module;

/// The kernels: two a row.
pub static KERNELS: Module = Module::made("activation", text);

/// What the rows' expressions use.
const HEAD: &str = include_str!("head.cuh");

fn text() -> String {
    let rows = TEXTS.iter().map(|&Text { name, wide, f, df }| {
        let (number, round) = if wide { ("double", "__double2float_rn") } else { ("float", "") };
        format!(
            "POINTWISE({name}, {number}, {round}({f}))\nPOINTWISE_GRADIENT({name}_gradient, {number}, {round}({df}))\n"
        )
    });
    std::iter::once(HEAD.to_owned()).chain(rows).collect()
}

pub(super) fn forward<R: Row>(row: R, x: &Tensor, y: &mut Tensor) {
    let (n, [p, q]) = (x.len(), row.parameters());
    KERNELS.kernel(R::KERNEL).over(n, 256).arg(x).arg(y).arg(p).arg(q).arg(n).launch();
}

pub(super) fn backward<R: Row>(row: R, v: &Tensor, dy: &Tensor, dx: &mut Tensor) {
    let (n, [p, q]) = (v.len(), row.parameters());
    KERNELS.kernel(R::GRADIENT).over(n, 256).arg(v).arg(dy).arg(dx).arg(p).arg(q).arg(n).launch();
}

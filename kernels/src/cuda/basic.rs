//! What tensors themselves need: adding a second gradient contribution, and merging partial sums in the fixed tree.

use super::Module;
use super::module::Address;
use crate::Tensor;

/// The kernels.
pub static KERNELS: Module = Module::new("cuda/basic", include_str!("basic.cu"));

/// `sum += other`, element by element.
pub fn accumulate(sum: &mut Tensor, other: &Tensor) {
    let n = sum.len();
    KERNELS.kernel("accumulate").over(n, 256).arg(sum).arg(other).arg(n).launch();
}

/// Sums `rows` rows of `width` numbers, which lie behind each other in `parts`, into row 0, in the order of
/// [`tree::sum_rows`](crate::tree::sum_rows).
pub fn sum_rows(parts: &mut Tensor, rows: usize, width: usize) {
    sum_groups(parts, rows, width, None);
}

/// The same, the sums written to `to`.
pub fn sum_rows_to(parts: &mut Tensor, rows: usize, width: usize, to: &mut Tensor) {
    sum_groups(parts, rows, width, Some(to));
}

/// Groups of 32 rows are subtrees: a launch sums them all, the next one groups of their sums.
fn sum_groups(parts: &mut Tensor, rows: usize, width: usize, mut to: Option<&mut Tensor>) {
    const GROUP: usize = 32;
    let mut stride = 1;
    loop {
        let groups = rows.div_ceil(stride * GROUP);
        let last = if groups == 1 { to.as_mut().map_or(0, |t| t.address_mut()) } else { 0 };
        let k = KERNELS.kernel("sum_rows").over(groups * width, 128).arg(&mut *parts).arg(Address(last));
        k.arg(rows).arg(width).arg(stride).launch();
        if groups <= 1 {
            return;
        }
        stride *= GROUP;
    }
}

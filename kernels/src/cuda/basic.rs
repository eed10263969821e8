//! What tensors themselves need: adding a second gradient contribution, and merging partial sums in the fixed tree.

use super::Module;
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
    KERNELS.kernel("sum_rows").over(width, 64).arg(parts).arg(rows).arg(width).launch();
}

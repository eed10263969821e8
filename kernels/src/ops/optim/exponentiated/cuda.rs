//! Launches of the kernel.

use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("optim/exponentiated", include_str!("kernel.cu"));

/// One step over rows of `row` numbers.
pub(super) fn step(lr: f64, p: &mut Tensor, g: &Tensor, row: usize) {
    if p.is_empty() {
        return;
    }
    let (rows, rate) = (p.len() / row, put(Changing::Rate64(lr)));
    KERNELS.kernel("exponentiated").over(rows, 64).arg(p).arg(g).arg(rate).arg(rows).arg(row).launch();
}

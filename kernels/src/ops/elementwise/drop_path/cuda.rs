//! Launches of the kernel.

use super::DropPath;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("elementwise/drop_path", include_str!("kernel.cu"));

/// Numbers of a sample that a block takes, as `kernel.cu` has it.
const TILE: usize = 4096;

/// `y = m_n x`.
pub(super) fn mask(op: &DropPath, x: &Tensor, y: &mut Tensor) {
    let samples = x.shape()[0];
    let (size, now) = (x.len() / samples.max(1), put(Changing::DropPath(op.key, op.index, op.p)));
    let launch = KERNELS.kernel("drop_path").grid([samples * size.div_ceil(TILE), 1, 1], 256);
    launch.arg(x).arg(y).arg(now).arg(size).launch();
}

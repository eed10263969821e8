//! Launches of the kernel.

use super::Dropout;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::step::{Changing, put};

/// The kernel.
pub static KERNELS: Module = Module::new("elementwise/dropout", include_str!("kernel.cu"));

/// `y = m x`.
pub(super) fn mask(op: &Dropout, x: &Tensor, y: &mut Tensor) {
    let (n, stream) = (x.len(), put(Changing::Stream(op.key, op.index)));
    let launch = KERNELS.kernel("dropout").over(n.div_ceil(16), 128).arg(x).arg(y).arg(stream);
    launch.arg(op.threshold()).arg(op.scale()).arg(n).launch();
}

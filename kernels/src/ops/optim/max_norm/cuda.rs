//! Launches of the kernel.

use super::MaxNorm;
use crate::Tensor;
use crate::cuda::Module;

/// The kernel.
pub static KERNELS: Module = Module::new("optim/max_norm", include_str!("kernel.cu"));

/// Bounds the columns of `w`, \[taps, columns\].
pub(super) fn apply(rule: &MaxNorm, w: &mut Tensor, taps: usize) {
    let columns = w.len() / taps;
    KERNELS.kernel("max_norm").over(columns, 256).arg(w).arg(rule.most).arg(rule.eps).arg(taps).arg(columns).launch();
}

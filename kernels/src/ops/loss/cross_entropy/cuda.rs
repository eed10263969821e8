//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("loss/cross_entropy", include_str!("kernel.cu"));

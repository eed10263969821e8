//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("conv/conv_transpose", include_str!("kernel.cu"));

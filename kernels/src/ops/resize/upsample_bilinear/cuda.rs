//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("resize/upsample_bilinear", include_str!("kernel.cu"));

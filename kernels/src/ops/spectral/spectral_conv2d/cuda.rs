//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("spectral/spectral_conv2d", include_str!("kernel.cu"));

//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("activation", include_str!("kernel.cu"));

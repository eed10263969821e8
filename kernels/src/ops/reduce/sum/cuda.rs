//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("reduce/sum", include_str!("kernel.cu"));

//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("norm/batch_norm", include_str!("kernel.cu"));

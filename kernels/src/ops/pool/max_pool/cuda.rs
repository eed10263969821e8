//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("pool/max_pool", include_str!("kernel.cu"));

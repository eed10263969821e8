//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("shape/channel_shuffle", include_str!("kernel.cu"));

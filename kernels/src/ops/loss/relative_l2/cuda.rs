//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("loss/relative_l2", include_str!("kernel.cu"));

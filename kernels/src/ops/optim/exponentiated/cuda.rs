//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("optim/exponentiated", include_str!("kernel.cu"));

//! Launches of the kernels.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("lstm/lstm_cell", include_str!("kernel.cu"));

//! The engines of products on the card.

use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("product", include_str!("kernel.cu"));

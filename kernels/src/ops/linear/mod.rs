//! Matrix products.

pub mod linear;
pub mod matmul;

//! Arithmetic of two tensors with broadcasting, and dropout.

pub mod binary;
pub mod dropout;

pub use binary::{Binary, Kind};
pub use dropout::Dropout;

//! Arithmetic of two tensors with broadcasting, dropout and drop-path.

pub mod binary;
pub mod drop_path;
pub mod dropout;

pub use binary::{Binary, Kind};
pub use drop_path::DropPath;
pub use dropout::Dropout;

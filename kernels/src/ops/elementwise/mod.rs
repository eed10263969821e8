//! Arithmetic of two tensors with broadcasting, dropout and drop-path, weighted sums.

pub mod binary;
pub mod drop_path;
pub mod dropout;
pub mod weighted_sum;

pub use binary::{Binary, Kind};
pub use drop_path::DropPath;
pub use dropout::Dropout;
pub use weighted_sum::WeightedSum;

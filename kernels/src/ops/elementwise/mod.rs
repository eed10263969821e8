//! Arithmetic of two tensors with broadcasting, dropout, weighted sums.

pub mod binary;
pub mod dropout;
pub mod weighted_sum;

pub use binary::{Binary, Kind};
pub use dropout::Dropout;
pub use weighted_sum::WeightedSum;

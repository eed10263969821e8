//! Convolutions.

pub mod conv;
pub mod conv_transpose;
pub mod separable;

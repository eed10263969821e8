//! Layers: immutable descriptions that hold the numbers of their parameters.
//!
//! A [`Builder`] makes them, with names and initial values; `forward` runs one in a [`crate::Pass`]. A refusal names the
//! layer.

mod batch_norm;
mod builder;
mod conv;
mod drop_path;
mod dropout;
mod functional;
mod linear;
mod spectral;

pub use batch_norm::{BatchNorm, BatchNormSpec};
pub use builder::Builder;
pub use conv::{Conv, ConvSpec};
pub use drop_path::DropPath;
pub use dropout::Dropout;
pub use functional::{add, global_avg_pool, relu};
pub use linear::{Linear, LinearSpec};
pub use spectral::Spectral;

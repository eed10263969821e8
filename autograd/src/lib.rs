//! Reverse-mode differentiation: a tape, one generic [`Tape::record`], and backward.
//!
//! Every op of `np360-kernels` is recorded the same way; there is no file per op. Gradients accumulate in reverse tape
//! order, each contribution complete before it is added, so their bits depend on the graph alone.

pub mod gradcheck;
mod tape;

pub use kernels::OpError;
pub use tape::{Recorded, Tape, Tensor};

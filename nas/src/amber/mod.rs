//! AMBER: a search in which an LSTM controller samples architectures for series and learns from what they are worth.
//!
//! [`space`] is what an architecture is.

pub mod space;

pub use space::Sequence;

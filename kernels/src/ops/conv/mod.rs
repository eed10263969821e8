//! Convolutions.

pub mod conv;

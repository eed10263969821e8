//! Normalisations.

pub mod batch_norm;

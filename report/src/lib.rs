//! The benchmark's tables, performance profiles and claims, from run folders, a file or the paper's own figures.
//!
//! A [`source`] gives a [`model::Table`], [`Analysis::of`] computes everything that is said of it, writers write it down.

pub mod analysis;
pub mod claims;
pub mod model;
pub mod page;
pub mod plot;
pub mod published;
pub mod source;
pub mod stats;
pub mod write;

pub use analysis::Analysis;

//! The benchmark's tables, performance profiles and claims, from run folders, a file or the paper's own figures.
//!
//! `model` is what all of it is made of; a source gives a [`model::Table`], statistics read it, writers write it down.

pub mod analysis;
pub mod model;
pub mod page;
pub mod plot;
pub mod published;

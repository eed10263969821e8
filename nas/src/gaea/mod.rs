//! GAEA: PC-DARTS's cell space, searched by exponentiated gradient.

pub mod operations;
pub mod space;

pub use space::{Genotype, GenotypeError, Operation};

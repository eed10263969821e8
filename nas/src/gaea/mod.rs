//! GAEA: PC-DARTS's cell space, searched by exponentiated gradient.

mod cell;
#[cfg(test)]
mod counts;
pub mod network;
pub mod operations;
pub mod space;
pub mod supernet;

pub use network::{Cells, CellsError, CellsSpec};
pub use space::{Genotype, GenotypeError, Operation};

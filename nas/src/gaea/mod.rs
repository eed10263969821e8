//! GAEA: PC-DARTS's cell space, searched by exponentiated gradient.

mod architecture;
mod cell;
#[cfg(test)]
mod counts;
pub mod network;
pub mod operations;
pub mod search;
pub mod space;
pub mod supernet;

pub use architecture::Mixed;
pub use network::{Cells, CellsError, CellsSpec};
pub use search::{Search, Variant, WeightUpdate};
pub use space::{Genotype, GenotypeError, Operation};

#[cfg(test)]
mod tests;

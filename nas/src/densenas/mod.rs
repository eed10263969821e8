//! DenseNAS in its residual flavour (DenseNAS-R1): a search over how many blocks there are, how wide and how deep.

pub mod block;
pub mod network;
pub mod space;
#[cfg(test)]
mod tests;

pub use network::{Block, Blocks, Derived};
pub use space::{Grid, Path, Stop};

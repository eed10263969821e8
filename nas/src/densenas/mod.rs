//! DenseNAS in its residual flavour (DenseNAS-R1): a search over how many blocks there are, how wide and how deep.

pub mod block;
pub mod cost;
pub mod network;
pub mod relaxed;
pub mod space;
pub mod supernet;
#[cfg(test)]
mod tests;
pub mod viterbi;

pub use cost::Costs;
pub use network::{Block, Blocks, Derived};
pub use relaxed::Relaxed;
pub use space::{Grid, Operation, Path, Stop};
pub use supernet::{Route, Rules, Supernet};

//! What every network is.

use autograd::{OpError, Tensor};

use crate::Pass;

/// A network: a description over a [`crate::Params`] that it was built in.
pub trait Network {
    /// Computes the output of `x`.
    ///
    /// # Errors
    /// What an op refuses, with the layer's name.
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError>;
}

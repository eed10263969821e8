//! What every network is.

use autograd::{OpError, Tensor};

use crate::{ParamId, Pass};

/// A network: a description over a [`crate::Params`] that it was built in.
pub trait Network {
    /// Computes the output of `x`.
    ///
    /// # Errors
    /// What an op refuses, with the layer's name.
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError>;

    /// The output of `x`, and in training that of an auxiliary head, where the network has one: a second answer, made half
    /// way, whose loss is added with a smaller weight. Its parameters get no gradient from [`Network::forward`].
    ///
    /// # Errors
    /// As [`Network::forward`].
    fn forward_with_auxiliary(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<(Tensor, Option<Tensor>), OpError> {
        Ok((self.forward(pass, x)?, None))
    }

    /// The kernels that a training may bound and decay apart from everything else; most networks have none.
    fn kernels(&self) -> &[ParamId] {
        &[]
    }
}

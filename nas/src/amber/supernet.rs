//! The supernet: every operation of every layer, every skip, every widening between stages, once; an architecture is a way
//! through it.

use nn::layers::Builder;
use nn::{OpError, Pass, Tensor};

use super::body::{Body, Spec};
use super::space::Sequence;
use super::stages::Stages;

/// Units of the hidden linear layer, as published.
pub const DENSE: usize = 925;

/// Weight of the batch in new running statistics.
const MOMENTUM: f32 = 0.1;
/// Added to variances.
const EPS: f32 = 1e-5;

/// Weights that all architectures share.
#[derive(Debug)]
pub struct Supernet(Body);

impl Supernet {
    /// Builds it for inputs of so many places and channels.
    pub fn new(
        stages: &Stages,
        dense: usize,
        input: [usize; 2],
        outputs: usize,
        dropout: f32,
        at: &mut Builder<'_>,
    ) -> Self {
        let spec = Spec { stages, dense, input, outputs, dropout, momentum: MOMENTUM, eps: EPS };
        Self(Body::new(spec, None, at))
    }

    /// The stages.
    pub fn stages(&self) -> &Stages {
        self.0.stages()
    }

    /// Computes the output of `x`, \[N, L, C\], by one architecture; what it does not go through gets no gradient.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor, sequence: &Sequence) -> Result<Tensor, OpError> {
        self.0.forward(pass, x, sequence)
    }
}

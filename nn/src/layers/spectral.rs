//! Spectral convolutions.

use autograd::{OpError, Tensor};

use super::Builder;
use crate::{Init, Layout, ParamId, Pass};
use kernels::ops::spectral::spectral_conv2d::SpectralConv2d;

/// A spectral convolution of images: `[N, H, W, C]` to `[N, H, W, O]`.
#[derive(Debug, Clone)]
pub struct Spectral {
    name: String,
    weights: [ParamId; 4],
}

impl Builder<'_> {
    /// A spectral convolution that keeps `modes` rows at either end of the spectrum and as many columns: `weights1.re`,
    /// `weights1.im`, `weights2.re`, `weights2.im`, each `[C, O, modes, modes]`, uniform from 0 to `1 / (C O)` at first.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn spectral(&mut self, name: &str, inputs: usize, outputs: usize, modes: usize) -> Spectral {
        let path = self.path(name);
        let mut at = self.scope(name);
        let init = Init::Positive(1.0 / (inputs * outputs) as f64);
        let weights = ["weights1.re", "weights1.im", "weights2.re", "weights2.im"];
        let weights = weights.map(|part| at.parameter(part, [inputs, outputs, modes, modes], Layout::Plain, init));
        Spectral { name: path, weights }
    }
}

impl Spectral {
    /// Convolves.
    ///
    /// # Errors
    /// If `x` has other channels, or fewer frequencies than are kept.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let [a, b, c, d] = self.weights.map(|id| pass.param(id));
        pass.apply(&self.name, SpectralConv2d, &[x, &a, &b, &c, &d])
    }
}

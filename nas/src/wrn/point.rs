//! One answer an image: CIFAR-100, Spherical, NinaPro, FSD50K.

use nn::layers::{Builder, Linear, LinearSpec, global_avg_pool};
use nn::{Network, OpError, Pass, Tensor};

use super::{Trunk, Width};

/// The WRN for one answer an image: `[N, H, W, C]` to `[N, classes]`; groups of strides 1, 2, 2.
#[derive(Debug)]
pub struct Point {
    trunk: Trunk,
    fc: Linear,
}

impl Point {
    /// Builds it; the head begins with PyTorch's weights and bias 0.
    pub fn new(at: &mut Builder<'_>, width: Width, inputs: usize, classes: usize, dropout: f32) -> Self {
        let trunk = Trunk::new(at, width, inputs, [1, 2, 2], dropout);
        let fc = at.linear("fc", LinearSpec::new(trunk.channels(), classes).zero_bias());
        Self { trunk, fc }
    }
}

impl Network for Point {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = self.trunk.forward(pass, x)?;
        let x = global_avg_pool(pass, &x)?;
        self.fc.forward(pass, &x)
    }
}

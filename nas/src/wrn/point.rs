//! One answer an image: CIFAR-100, Spherical, NinaPro, FSD50K.

use kernels::ops::shape::slice::Slice;
use nn::layers::{Builder, Linear, LinearSpec, global_avg_pool};
use nn::{Network, OpError, Pass, Tensor};

use super::{Trunk, Width};

/// What the head averages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pooling {
    /// The whole map.
    #[default]
    Whole,
    /// Its first rows and columns, so many of each (the quirk `corner-pool`: 8 of Spherical's 15).
    Corner(usize),
}

/// The WRN for one answer an image: `[N, H, W, C]` to `[N, classes]`; groups of strides 1, 2, 2.
#[derive(Debug)]
pub struct Point {
    trunk: Trunk,
    fc: Linear,
    pooling: Pooling,
}

impl Point {
    /// Builds it; the head begins with PyTorch's weights and bias 0.
    pub fn new(at: &mut Builder<'_>, width: Width, inputs: usize, classes: usize, dropout: f32) -> Self {
        let trunk = Trunk::new(at, width, inputs, [1, 2, 2], dropout);
        let fc = at.linear("fc", LinearSpec::new(trunk.channels(), classes).zero_bias());
        Self { trunk, fc, pooling: Pooling::Whole }
    }

    /// Averages something else.
    #[must_use]
    pub fn pooling(self, pooling: Pooling) -> Self {
        Self { pooling, ..self }
    }
}

impl Network for Point {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut x = self.trunk.forward(pass, x)?;
        if let Pooling::Corner(n) = self.pooling {
            x = pass.apply("corner-pool", Slice::new(&[(0, Slice::END, 1), (0, n, 1), (0, n, 1)]), &[&x])?;
        }
        let x = global_avg_pool(pass, &x)?;
        self.fc.forward(pass, &x)
    }
}

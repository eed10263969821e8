//! One answer a pixel: Darcy Flow, PSICOV, Cosmic.

use nn::layers::{Builder, Linear, LinearSpec};
use nn::{Network, OpError, Pass, Tensor};

use super::{Trunk, Width};

/// The WRN for one answer a pixel: `[N, H, W, C]` to `[N, H, W, outputs]`; every stride 1, a linear head at each place,
/// and only layers that are used.
#[derive(Debug)]
pub struct Dense {
    trunk: Trunk,
    fc: Linear,
}

impl Dense {
    /// Builds it; the head begins with PyTorch's weights and bias 0.
    pub fn new(at: &mut Builder<'_>, width: Width, inputs: usize, outputs: usize, dropout: f32) -> Self {
        let trunk = Trunk::new(at, width, inputs, [1, 1, 1], dropout);
        let fc = at.linear("fc", LinearSpec::new(trunk.channels(), outputs).zero_bias());
        Self { trunk, fc }
    }
}

impl Network for Dense {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = self.trunk.forward(pass, x)?;
        self.fc.forward(pass, &x)
    }
}

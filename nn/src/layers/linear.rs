//! Linear layers.

use autograd::{OpError, Tensor};

use super::Builder;
use crate::{Init, Layout, ParamId, Pass};
use kernels::ops::linear::linear::Linear as Op;

/// What a linear layer is; PyTorch's defaults.
#[derive(Debug, Clone, Copy)]
pub struct LinearSpec {
    inputs: usize,
    outputs: usize,
    init: Init,
    bias: Option<Init>,
}

impl LinearSpec {
    /// With a bias.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        let init = Init::Uniform { fan_in: inputs };
        Self { inputs, outputs, init, bias: Some(init) }
    }

    /// The bias begins at 0.
    #[must_use]
    pub fn zero_bias(self) -> Self {
        Self { bias: Some(Init::Constant(0.0)), ..self }
    }

    /// Begins with Kaiming's normal by fan-in instead of PyTorch's default, and the bias at 0.
    #[must_use]
    pub fn he_normal(self) -> Self {
        Self { init: Init::Normal((2.0 / self.inputs as f64).sqrt()), ..self.zero_bias() }
    }

    /// Begins as Keras' default: Glorot's uniform, and the bias at 0.
    #[must_use]
    pub fn glorot(self) -> Self {
        Self { init: Init::Glorot { fan_in: self.inputs, fan_out: self.outputs }, ..self.zero_bias() }
    }

    /// No bias.
    #[must_use]
    pub fn no_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

/// A linear layer over the last dimension.
#[derive(Debug, Clone)]
pub struct Linear {
    name: String,
    weight: ParamId,
    bias: Option<ParamId>,
}

impl Builder<'_> {
    /// A linear layer: `weight`, `bias`.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn linear(&mut self, name: &str, spec: LinearSpec) -> Linear {
        let path = self.path(name);
        let mut at = self.scope(name);
        let weight = at.parameter("weight", [spec.inputs, spec.outputs], Layout::Linear, spec.init);
        let bias = spec.bias.map(|init| at.parameter("bias", [spec.outputs], Layout::Plain, init));
        Linear { name: path, weight, bias }
    }
}

impl Linear {
    /// Its weight.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// Its bias.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// `x W + b`.
    ///
    /// # Errors
    /// If the last dimension of `x` has another size.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let w = pass.param(self.weight);
        let op = Op { bias: self.bias.is_some() };
        match self.bias {
            None => pass.apply(&self.name, op, &[x, &w]),
            Some(b) => {
                let b = pass.param(b);
                pass.apply(&self.name, op, &[x, &w, &b])
            }
        }
    }
}

//! What a network is compared with: a predictor that does not look, and one that cannot compose. Beyond the paper's table; they
//! run only where they are named.

use kernels::Tensor as Value;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Linear, LinearSpec};
use nn::{Network, OpError, Pass, Tensor};
use serde_json::{Value as Json, json};
use tasks::{Facts, Kind};

use crate::Error;
use crate::arch::{self, Form, Found};
use crate::method::{Method, Recipe, SearchStage};
use crate::profile::Values;

/// Both, trained as everything else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yardstick {
    /// The same answer for every input, or at every pixel.
    Constant,
    /// A linear model: of all numbers of an input, or of each pixel's channels where there is an answer a pixel. Batch norm
    /// before it, which is linear too once trained, brings raw inputs to one scale.
    Linear,
}

struct ConstantNet {
    fc: Linear,
    dense: bool,
}

struct LinearNet {
    norm: BatchNorm,
    fc: Linear,
    dense: bool,
}

impl Network for ConstantNet {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut shape = x.shape()[..].to_vec();
        if self.dense {
            *shape.last_mut().expect("channels") = 1;
        } else {
            shape = vec![shape[0], 1];
        }
        let ones = Value::full_on(pass.device(), &shape[..], 1.0);
        self.fc.forward(pass, &ones.into())
    }
}

impl Network for LinearNet {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut x = x.clone();
        if !self.dense {
            // The input itself is no parameter: nothing flows back through its shape.
            let n = x.shape()[0];
            x = Tensor::constant(x.value().reshaped([n, x.value().len() / n.max(1)]));
        }
        let x = self.norm.forward(pass, &x)?;
        self.fc.forward(pass, &x)
    }
}

/// Builds the family `constant`.
pub(crate) fn constant(net: &Json, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    arch::only(net, &[])?;
    let fc = at.linear("fc", LinearSpec::new(1, form.outputs).no_bias());
    Ok(Box::new(ConstantNet { fc, dense: form.kind == Kind::Dense2d }))
}

/// Builds the family `linear`.
pub(crate) fn linear(net: &Json, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    arch::only(net, &[])?;
    let dense = form.kind == Kind::Dense2d;
    let inputs = if dense { form.channels() } else { form.input.iter().product() };
    let norm = at.batch_norm("norm", BatchNormSpec::new(inputs).no_affine());
    let fc = at.linear("fc", LinearSpec::new(inputs, form.outputs).zero_bias());
    Ok(Box::new(LinearNet { norm, fc, dense }))
}

impl Method for Yardstick {
    fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
        }
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn families(&self) -> &'static [&'static str] {
        match self {
            Self::Constant => &["constant"],
            Self::Linear => &["linear"],
        }
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        Ok(self.fixed(stage.problem.facts, stage.values).expect("fixed"))
    }

    fn fixed(&self, _: &Facts, _: &Values) -> Option<Found> {
        Some(Found::fixed(json!({"family": self.name()})))
    }

    fn recipe(&self, values: &Values) -> Recipe {
        Recipe::benchmark_steps(values)
    }
}

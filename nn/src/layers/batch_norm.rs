//! Batch norm.

use autograd::{OpError, Tensor};
use kernels::Tensor as Value;
use kernels::ops::norm::batch_norm::BatchNorm as Op;

use super::Builder;
use crate::{Init, Layout, ParamId, Pass};

/// What a batch norm is; PyTorch's defaults.
#[derive(Debug, Clone, Copy)]
pub struct BatchNormSpec {
    channels: usize,
    op: Op,
}

impl BatchNormSpec {
    /// Affine, with running statistics, momentum 0.1, eps 1e-5.
    pub fn new(channels: usize) -> Self {
        Self { channels, op: Op::default() }
    }

    /// Neither weight nor bias.
    #[must_use]
    pub fn no_affine(mut self) -> Self {
        self.op.affine = false;
        self
    }

    /// No running statistics: evaluation uses the batch's.
    #[must_use]
    pub fn no_running(mut self) -> Self {
        self.op.running = false;
        self
    }

    /// A ReLU follows, fused.
    #[must_use]
    pub fn relu(mut self) -> Self {
        self.op.relu = true;
        self
    }

    /// Weight of the batch in the new running statistics.
    #[must_use]
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.op.momentum = momentum;
        self
    }

    /// Added to the variance.
    #[must_use]
    pub fn eps(mut self, eps: f32) -> Self {
        self.op.eps = eps;
        self
    }
}

/// A batch norm over the last dimension; in training it moves its running statistics.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    name: String,
    affine: Option<[ParamId; 2]>,
    running: Option<[ParamId; 2]>,
    op: Op,
}

impl Builder<'_> {
    /// A batch norm: `weight` (1), `bias` (0), `running_mean` (0), `running_var` (1).
    ///
    /// # Panics
    /// If the name is taken.
    pub fn batch_norm(&mut self, name: &str, spec: BatchNormSpec) -> BatchNorm {
        let BatchNormSpec { channels: c, op } = spec;
        let path = self.path(name);
        let mut at = self.scope(name);
        let affine = op.affine.then(|| {
            [("weight", 1.0), ("bias", 0.0)].map(|(n, x)| at.parameter(n, [c], Layout::Plain, Init::Constant(x)))
        });
        let running = op
            .running
            .then(|| [("running_mean", 0.0), ("running_var", 1.0)].map(|(n, x)| at.buffer(n, Value::full([c], x))));
        BatchNorm { name: path, affine, running, op }
    }
}

impl BatchNorm {
    /// Weight and bias.
    pub fn affine(&self) -> Option<[ParamId; 2]> {
        self.affine
    }

    /// Running mean and variance.
    pub fn running(&self) -> Option<[ParamId; 2]> {
        self.running
    }

    /// Normalises (and applies ReLU, if it has one).
    ///
    /// # Errors
    /// If `x` has other channels, or one value a channel in training.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let training = pass.training();
        let op = Op { training: training || self.running.is_none(), ..self.op };
        let mut out = {
            let affine = self.affine.map(|ids| ids.map(|id| pass.param(id)));
            let running = self.running.map(|ids| ids.map(|id| pass.param(id)));
            let mut inputs = [x; 5];
            let mut n = 1;
            for t in [&affine, &running].into_iter().flatten().flatten() {
                inputs[n] = t;
                n += 1;
            }
            pass.tape.record(op, &inputs[..n]).map_err(|e| e.in_layer(&self.name))?
        };
        if let (true, Some(ids)) = (training, self.running) {
            for (i, id) in ids.into_iter().enumerate() {
                pass.params.renew(id, out.take(1 + i).into_value());
            }
        }
        Ok(out.take(0))
    }
}

//! Stochastic gradient descent over a network's parameters.

use kernels::Tensor;
use kernels::ops::optim::sgd::Sgd as Rule;

use crate::{Checkpoint, CheckpointError, Kind, OpError, ParamId, Params};

/// SGD with momentum: the rule of [`kernels::ops::optim::sgd`], and the old direction of every parameter.
///
/// A parameter without a gradient is left alone: no weight decay, and its direction stays. The first gradient that a
/// parameter gets starts its direction.
#[derive(Debug)]
pub struct Sgd {
    rule: Rule,
    /// What has weight decay, if not everything.
    decayed: Option<Vec<ParamId>>,
    momentum: Vec<Option<Tensor>>,
}

impl Sgd {
    /// With this rule.
    ///
    /// # Errors
    /// If the rule's numbers make no sense.
    pub fn new(rule: Rule) -> Result<Self, OpError> {
        rule.check()?;
        Ok(Self { rule, decayed: None, momentum: Vec::new() })
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// From now on these entries alone have weight decay.
    pub fn decay_only(&mut self, entries: &[ParamId]) {
        self.decayed = Some(entries.to_vec());
    }

    /// Moves every parameter that has a gradient, in place; `rate` is rounded once to f32.
    pub fn step(&mut self, params: &mut Params, rate: f64) {
        let n = params.entries().len();
        self.momentum.resize(n, None);
        for i in 0..n {
            if params.entries()[i].kind() == Kind::Buffer {
                continue;
            }
            let Some((value, grad)) = params.value_and_grad_mut(ParamId(i)) else { continue };
            let slot = &mut self.momentum[i];
            let first = slot.is_none();
            if first && self.rule.momentum != 0.0 {
                *slot = Some(Tensor::uninit_on(value.device(), value.shape()));
            }
            let free = self.decayed.as_ref().is_some_and(|d| !d.contains(&ParamId(i)));
            let rule = if free { Rule { weight_decay: 0.0, ..self.rule } } else { self.rule };
            rule.step(rate as f32, value, grad, slot.as_mut(), first);
        }
    }

    /// The old direction of a parameter.
    pub fn momentum(&self, id: ParamId) -> Option<&Tensor> {
        self.momentum.get(id.0)?.as_ref()
    }

    /// Puts the directions as `optimizer.momentum.<name>`.
    pub fn save(&self, params: &Params, checkpoint: &mut Checkpoint) {
        for (i, m) in self.momentum.iter().enumerate() {
            if let Some(m) = m {
                checkpoint.put_optimizer("momentum", params, ParamId(i), m);
            }
        }
    }

    /// Takes the directions back.
    ///
    /// # Errors
    /// If one has another shape; nothing is changed then.
    pub fn load(&mut self, params: &Params, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let all = (0..params.entries().len()).map(|i| checkpoint.optimizer("momentum", params, ParamId(i)));
        self.momentum = all.collect::<Result<_, _>>()?;
        Ok(())
    }
}

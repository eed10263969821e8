//! RMSprop over a network's parameters.

use kernels::Tensor;
use kernels::ops::optim::rmsprop::{RmsProp as Rule, State};

use crate::{Checkpoint, CheckpointError, Kind, OpError, ParamId, Params};

/// What is kept for a parameter.
#[derive(Debug, Clone)]
struct Slot {
    square: Tensor,
    mean: Option<Tensor>,
    buffer: Option<Tensor>,
}

/// RMSprop: the rule of [`kernels::ops::optim::rmsprop`], and what it keeps for every parameter.
///
/// A parameter without a gradient is left alone.
#[derive(Debug)]
pub struct RmsProp {
    rule: Rule,
    slots: Vec<Option<Slot>>,
}

/// PyTorch's words for the three.
const NAMES: [&str; 3] = ["square_avg", "grad_avg", "momentum_buffer"];

impl RmsProp {
    /// With this rule.
    ///
    /// # Errors
    /// If the rule's numbers make no sense.
    pub fn new(rule: Rule) -> Result<Self, OpError> {
        rule.check()?;
        Ok(Self { rule, slots: Vec::new() })
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Moves every parameter that has a gradient, in place; `rate` is rounded once to f32.
    pub fn step(&mut self, params: &mut Params, rate: f64) {
        let n = params.entries().len();
        self.slots.resize(n, None);
        for i in 0..n {
            if params.entries()[i].kind() == Kind::Buffer {
                continue;
            }
            let Some((value, grad)) = params.value_and_grad_mut(ParamId(i)) else { continue };
            let zeros = || Tensor::full_on(value.device(), value.shape(), 0.0);
            let (centered, moving) = (self.rule.centered, self.rule.momentum != 0.0);
            let slot = self.slots[i].get_or_insert_with(|| Slot {
                square: zeros(),
                mean: centered.then(zeros),
                buffer: moving.then(zeros),
            });
            let state = State { square: &mut slot.square, mean: slot.mean.as_mut(), buffer: slot.buffer.as_mut() };
            self.rule.step(rate, value, grad, state);
        }
    }

    /// Puts what is kept as `optimizer.square_avg.<name>`, `optimizer.grad_avg.<name>` and
    /// `optimizer.momentum_buffer.<name>`.
    pub fn save(&self, params: &Params, checkpoint: &mut Checkpoint) {
        for (i, slot) in self.slots.iter().enumerate() {
            let Some(s) = slot else { continue };
            for (what, t) in NAMES.iter().zip([Some(&s.square), s.mean.as_ref(), s.buffer.as_ref()]) {
                if let Some(t) = t {
                    checkpoint.put_optimizer(what, params, ParamId(i), t);
                }
            }
        }
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If one has another shape, or the rule needs what the file lacks; nothing is changed then.
    pub fn load(&mut self, params: &Params, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let slot = |i: usize| -> Result<Option<Slot>, CheckpointError> {
            let take = |k: usize| checkpoint.optimizer(NAMES[k], params, ParamId(i));
            let Some(square) = take(0)? else { return Ok(None) };
            let needed = |k: usize, wanted: bool| -> Result<Option<Tensor>, CheckpointError> {
                match (wanted, if wanted { take(k)? } else { None }) {
                    (true, None) => {
                        let e = &params.entries()[i];
                        let name = format!("optimizer.{}.{}", NAMES[k], e.name());
                        Err(CheckpointError::State { name, shape: e.file_shape(), file: "nothing".to_owned() })
                    }
                    (_, t) => Ok(t),
                }
            };
            let (mean, buffer) = (needed(1, self.rule.centered)?, needed(2, self.rule.momentum != 0.0)?);
            Ok(Some(Slot { square, mean, buffer }))
        };
        self.slots = (0..params.entries().len()).map(slot).collect::<Result<_, _>>()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use serde_json::json;

    #[test]
    fn a_checkpoint_goes_on_where_it_was_written() {
        let rule = Rule { momentum: 0.9, centered: true, ..Rule::default() };
        let one = || {
            let mut p = Params::new();
            p.add("w", Tensor::from_slice([2, 2], &[1., 2., 3., 4.]), Kind::Parameter, Layout::Linear);
            p
        };
        let step = |params: &mut Params, optimizer: &mut RmsProp, k: usize| {
            let g: Vec<f32> = (0..4).map(|i| ((i * 7 + k * 3) % 5) as f32 - 1.5).collect();
            params.set_grad(ParamId(0), Some(Tensor::from_slice([2, 2], &g)));
            optimizer.step(params, 0.01);
        };
        let (mut params, mut optimizer) = (one(), RmsProp::new(rule).unwrap());
        (0..3).for_each(|k| step(&mut params, &mut optimizer, k));
        let mut file = Checkpoint::new(json!({}));
        file.put_params(&params);
        optimizer.save(&params, &mut file);
        let file = Checkpoint::from_bytes(&file.to_bytes()).unwrap();

        let (mut again, mut other) = (one(), RmsProp::new(rule).unwrap());
        file.load_params(&mut again).unwrap();
        other.load(&again, &file).unwrap();
        (3..5).for_each(|k| step(&mut params, &mut optimizer, k));
        (3..5).for_each(|k| step(&mut again, &mut other, k));
        assert_eq!(params.digest(), again.digest());
    }

    #[test]
    fn what_the_rule_needs_must_be_there() {
        let mut params = Params::new();
        params.add("w", Tensor::zeros([2]), Kind::Parameter, Layout::Plain);
        let mut file = Checkpoint::new(json!({}));
        file.put_params(&params);
        file.put_optimizer("square_avg", &params, ParamId(0), &Tensor::zeros([2]));
        assert!(RmsProp::new(Rule::default()).unwrap().load(&params, &file).is_ok());
        let centered = Rule { centered: true, ..Rule::default() };
        let e = RmsProp::new(centered).unwrap().load(&params, &file).unwrap_err().to_string();
        assert!(e.contains("nothing where optimizer.grad_avg.w [2]"), "{e}");
    }
}

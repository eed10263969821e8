//! Adam over a network's parameters.

use kernels::cuda::step::Changing;
use kernels::ops::optim::adam::Adam as Rule;
use kernels::{DType, Shape, Tensor};

use crate::{Checkpoint, CheckpointError, Kind, OpError, ParamId, Params};

/// What is kept for a parameter.
#[derive(Debug, Clone)]
struct Slot {
    /// Steps taken.
    steps: u32,
    direction: Tensor,
    squares: Tensor,
}

/// Adam or AdamW: the rule of [`kernels::ops::optim::adam`], and both averages and the number of steps of every parameter.
///
/// A parameter without a gradient is left alone: no weight decay, its averages and its number of steps stay.
#[derive(Debug)]
pub struct Adam {
    rule: Rule,
    /// What has weight decay, if not everything.
    decayed: Option<Vec<ParamId>>,
    slots: Vec<Option<Slot>>,
}

impl Adam {
    /// With this rule.
    ///
    /// # Errors
    /// If the rule's numbers make no sense.
    pub fn new(rule: Rule) -> Result<Self, OpError> {
        rule.check()?;
        Ok(Self { rule, decayed: None, slots: Vec::new() })
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// From now on these entries alone have weight decay.
    pub fn decay_only(&mut self, entries: &[ParamId]) {
        self.decayed = Some(entries.to_vec());
    }

    /// Moves every parameter that has a gradient, in place.
    pub fn step(&mut self, params: &mut Params, rate: f64) {
        let n = params.entries().len();
        self.slots.resize(n, None);
        for i in 0..n {
            if params.entries()[i].kind() == Kind::Buffer {
                continue;
            }
            let Some((value, grad)) = params.value_and_grad_mut(ParamId(i)) else { continue };
            let zeros = || Tensor::full_on(value.device(), value.shape(), 0.0);
            let slot = self.slots[i].get_or_insert_with(|| Slot { steps: 0, direction: zeros(), squares: zeros() });
            slot.steps += 1;
            let free = self.decayed.as_ref().is_some_and(|d| !d.contains(&ParamId(i)));
            let rule = if free { Rule { weight_decay: 0.0, ..self.rule } } else { self.rule };
            rule.step(rate, slot.steps, value, grad, &mut slot.direction, &mut slot.squares);
        }
    }

    /// How many steps what has moved took, if all took as many; `None` if nothing moved, or some more often.
    fn common(&self) -> Option<u32> {
        let mut taken = self.slots.iter().flatten().map(|s| s.steps);
        let first = taken.next()?;
        taken.all(|n| n == first).then_some(first)
    }

    /// See [`crate::Optimiser::in_step`].
    pub(crate) fn in_step(&self) -> bool {
        self.common().is_some()
    }

    /// Counts a step that a card repeats.
    pub(crate) fn repeat(&mut self) {
        self.slots.iter_mut().flatten().for_each(|s| s.steps += 1);
    }

    /// What a card reads in the step that was counted last.
    pub(crate) fn now(&self, rate: f64) -> Changing {
        self.rule.changing(rate, self.common().expect("captured in step"))
    }

    /// How many steps a parameter took.
    pub fn steps(&self, id: ParamId) -> u32 {
        self.slots.get(id.0).and_then(Option::as_ref).map_or(0, |s| s.steps)
    }

    /// Puts the averages as `optimizer.exp_avg.<name>` and `optimizer.exp_avg_sq.<name>` (PyTorch's words), and the numbers of
    /// steps as integers `state.steps.<name>`.
    pub fn save(&self, params: &Params, checkpoint: &mut Checkpoint) {
        for (i, slot) in self.slots.iter().enumerate() {
            if let Some(s) = slot {
                checkpoint.put_optimizer("exp_avg", params, ParamId(i), &s.direction);
                checkpoint.put_optimizer("exp_avg_sq", params, ParamId(i), &s.squares);
                let steps = i32::try_from(s.steps).expect("fewer than 2^31 steps");
                checkpoint.put_state(&steps_name(params, ParamId(i)), &Tensor::from_ints([1], &[steps]));
            }
        }
    }

    /// Takes them back.
    ///
    /// # Errors
    /// If one has another shape, or lacks the others of its parameter; nothing is changed then.
    pub fn load(&mut self, params: &Params, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let slot = |i: usize| -> Result<Option<Slot>, CheckpointError> {
            let id = ParamId(i);
            let Some(direction) = checkpoint.optimizer("exp_avg", params, id)? else { return Ok(None) };
            let name = steps_name(params, id);
            let steps = checkpoint.state(&name, Shape::from([1]), DType::I32)?.ints()[0];
            let missing = |name: String, shape: Shape, file: String| CheckpointError::State { name, shape, file };
            let steps = match u32::try_from(steps) {
                Ok(n) if n > 0 => n,
                _ => return Err(missing(format!("state.{name}"), [1].into(), format!("{steps} steps"))),
            };
            let squares = checkpoint.optimizer("exp_avg_sq", params, id)?.ok_or_else(|| {
                let entry = &params.entries()[i];
                missing(format!("optimizer.exp_avg_sq.{}", entry.name()), entry.file_shape(), "nothing".to_owned())
            })?;
            Ok(Some(Slot { steps, direction, squares }))
        };
        self.slots = (0..params.entries().len()).map(slot).collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn steps_name(params: &Params, id: ParamId) -> String {
    format!("steps.{}", params.name(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use serde_json::json;

    fn two() -> Params {
        let mut p = Params::new();
        let numbers: Vec<f32> = (0..6).map(|i| i as f32 - 2.5).collect();
        p.add("fc.weight", Tensor::from_slice([2, 3], &numbers), Kind::Parameter, Layout::Linear);
        p.add("fc.bias", Tensor::from_slice([3], &numbers[..3]), Kind::Parameter, Layout::Plain);
        p
    }

    fn gradients(params: &mut Params, step: usize) {
        let g: Vec<f32> = (0..6).map(|i| ((i * 7 + step * 3) % 5) as f32 - 1.5).collect();
        params.set_grad(ParamId(0), Some(Tensor::from_slice([2, 3], &g)));
        let late = (step > 1).then(|| Tensor::from_slice([3], &g[..3]));
        params.set_grad(ParamId(1), late);
    }

    #[test]
    fn a_checkpoint_goes_on_where_it_was_written() {
        let mut params = two();
        let mut adam = Adam::new(Rule::w()).unwrap();
        for step in 0..3 {
            gradients(&mut params, step);
            adam.step(&mut params, 0.01);
        }
        assert_eq!((adam.steps(ParamId(0)), adam.steps(ParamId(1))), (3, 1));
        let mut file = Checkpoint::new(json!({}));
        file.put_params(&params);
        adam.save(&params, &mut file);
        let file = Checkpoint::from_bytes(&file.to_bytes()).unwrap();

        let mut again = two();
        file.load_params(&mut again).unwrap();
        let mut other = Adam::new(Rule::w()).unwrap();
        other.load(&again, &file).unwrap();
        for step in 3..5 {
            for (params, adam) in [(&mut params, &mut adam), (&mut again, &mut other)] {
                gradients(params, step);
                adam.step(params, 0.01);
            }
        }
        assert_eq!(params.digest(), again.digest());
        assert_eq!(other.steps(ParamId(1)), 3);
    }

    #[test]
    fn weight_decay_can_concern_some_entries_alone() {
        let run = |weight_decay, only: Option<&[ParamId]>| {
            let (mut params, rule) = (two(), Rule { weight_decay, ..Rule::default() });
            let mut adam = Adam::new(rule).unwrap();
            if let Some(only) = only {
                adam.decay_only(only);
            }
            (0..4).for_each(|step| {
                gradients(&mut params, step);
                adam.step(&mut params, 0.01);
            });
            [0, 1].map(|i| params.value(ParamId(i)).data().to_vec())
        };
        let ([plain_weight, plain_bias], [weight, bias]) = (run(0.0, None), run(0.1, None));
        assert!(plain_weight != weight && plain_bias != bias);
        assert_eq!(run(0.1, Some(&[ParamId(0)])), [weight, plain_bias]);
    }

    #[test]
    fn a_checkpoint_without_steps_is_refused() {
        let params = two();
        let mut file = Checkpoint::new(json!({}));
        file.put_params(&params);
        file.put_optimizer("exp_avg", &params, ParamId(0), &Tensor::zeros([2, 3]));
        let mut adam = Adam::new(Rule::default()).unwrap();
        let e = adam.load(&params, &file).unwrap_err().to_string();
        assert!(e.contains("state.steps.fc.weight"), "{e}");
        file.put_state("steps.fc.weight", &Tensor::from_ints([1], &[2]));
        let e = adam.load(&params, &file).unwrap_err().to_string();
        assert!(e.contains("nothing where optimizer.exp_avg_sq.fc.weight [3, 2]"), "{e}");
    }
}

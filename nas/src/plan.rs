//! What a cell would take, found out without data and without computing: its network is recorded on no device at all.

use autograd::Tape;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor, memory};
use nn::{Builder, Kind, Mode, Params, Pass};
use tasks::{Facts, Kind as Family, Loss};

use crate::Error;
use crate::arch::{self, Counts, Form};
use crate::method::{Method, Mover, Problem};
use crate::profile::Values;
use crate::train::loss_of;

/// What the final training of a cell takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Items a step.
    pub batch: usize,
    /// Trained numbers.
    pub parameters: usize,
    /// Multiply-adds of one input's forward.
    pub multiply_adds: u64,
    /// Most bytes that tensors hold at once on the device, in training: parameters, the optimiser's state, gradients, what is saved for
    /// backward. Scratch inside ops (partial sums of weight gradients) is not in it.
    pub peak_bytes: usize,
}

/// The plan of a method's final training on the published data's shapes; `None` if its architecture is only known after a
/// search.
///
/// # Errors
/// If the network refuses the shapes.
pub fn plan(
    method: &dyn Method,
    facts: &'static Facts,
    values: &Values,
    scaled: bool,
    chosen: bool,
) -> Result<Option<Plan>, Error> {
    let Some(found) = method.fixed(facts, values) else { return Ok(None) };
    let Counts { parameters, multiply_adds } = arch::count(&found.network, &Form::of(facts))?;
    let before = memory::planned_usage().0;
    memory::reset_planned_peak();
    let problem = Problem::planned(facts);
    let mut params = Params::new();
    let network =
        arch::build(&found.network, &problem.form(), values.dropout as f32, &mut Builder::new(&mut params, 0))?;
    params.move_to(Device::PLANNED);
    let shape = |b: usize| -> Vec<usize> { std::iter::once(b).chain(problem.input.iter().copied()).collect() };
    let room = |s: Vec<usize>| Tensor::uninit_on(Device::PLANNED, &s[..]);

    let batch = values.batch_for(values.train + values.val, scaled, chosen).size;
    let kept = match method.recipe(values).mover {
        Mover::Sgd { .. } => usize::from(values.momentum > 0.0),
        Mover::Adam { .. } => 2,
    };
    let moved = params.entries().iter().filter(|e| e.kind() == Kind::Parameter);
    let state: Vec<Tensor> =
        moved.flat_map(|e| (0..kept).map(|_| Tensor::uninit_on(Device::PLANNED, e.value().shape()))).collect();
    memory::reset_planned_peak();
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(0, Purpose::Dropout)));
    let x = room(shape(batch));
    let outputs = network.forward(&mut pass, &x.into())?;
    let loss = loss_of(facts.loss).of(&mut pass, &outputs, &target(facts, batch))?;
    pass.backward(&loss)?;
    let peak_bytes = memory::planned_usage().1 - before;
    drop(state);
    Ok(Some(Plan { batch, parameters, multiply_adds, peak_bytes }))
}

/// A target of the task's shape.
fn target(facts: &Facts, batch: usize) -> Tensor {
    if facts.loss == Loss::CrossEntropy {
        return Tensor::from_ints([batch], &vec![0; batch]);
    }
    let mut shape = vec![batch];
    if facts.kind == Family::Dense2d {
        shape.extend(&facts.input[..2]);
    }
    shape.push(if facts.loss == Loss::MaskedBce { 2 } else { facts.outputs });
    Tensor::zeros(&shape[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods;
    use crate::profile::Profile;

    #[test]
    fn every_paper_cell_of_wrn_fits_the_papers_card() {
        let wrn = methods::by_name("wrn").unwrap();
        for task in tasks::all() {
            let (facts, values) = (task.facts(), Profile::Paper.values(task.facts().name, "wrn"));
            let plan = plan(wrn, facts, &values, false, false).unwrap().unwrap();
            assert_eq!(plan.batch, values.batch, "{}", facts.name);
            assert!(plan.peak_bytes > 4 * 3 * plan.parameters, "{}: {plan:?}", facts.name);
            assert!(plan.peak_bytes < 15 << 30, "{}: {plan:?}", facts.name);
        }
        assert_eq!(memory::planned_usage().0, 0, "a plan holds nothing when it is done");
    }
}

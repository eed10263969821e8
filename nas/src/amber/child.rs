//! The child: the supernet with its numbers and what moves them.

use autograd::Tape;
use kernels::ops::optim::adam::Adam as Rule;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::{Adam, Builder, Checkpoint, CheckpointError, Mode, OpError, Params, Pass, Tensor};
use tasks::Split;

use super::reward::Reward;
use super::space::Sequence;
use super::stages::Stages;
use super::supernet::Supernet;
use crate::Error;
use crate::cell::evaluated;
use crate::method::Problem;
use crate::train::loss_of;
use crate::watch;

/// What Keras' Adam adds to the root.
pub const EPS: f64 = 1e-7;

/// The supernet in training.
pub struct Child<'a> {
    problem: &'a Problem,
    net: Supernet,
    params: Params,
    adam: Adam,
    tape: Tape,
}

/// Places and channels of a series.
///
/// # Errors
/// If the inputs are none.
pub fn series(input: &[usize]) -> Result<[usize; 2], Error> {
    input.try_into().map_err(|_| Error::Arch(format!("AMBER reads series [places, channels], not {input:?}")))
}

impl<'a> Child<'a> {
    /// A fresh one.
    ///
    /// # Errors
    /// If the task's inputs are no series.
    pub fn new(
        problem: &'a Problem,
        stages: &Stages,
        dense: usize,
        dropout: f32,
        seed: u64,
        device: Device,
    ) -> Result<Self, Error> {
        let mut params = Params::new();
        let (input, at) = (series(&problem.input)?, &mut Builder::new(&mut params, seed));
        let net = Supernet::new(stages, dense, input, problem.outputs, dropout, at);
        params.move_to(device);
        let adam = Adam::new(Rule { eps: EPS, ..Rule::default() })?;
        Ok(Self { problem, net, params, adam, tape: Tape::new() })
    }

    /// One update on a mini-batch of stored inputs as the network reads them, through one architecture; gives the loss.
    /// Weights that it does not go through stay, their averages and step numbers too.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn fit(&mut self, key: Key, x: &Value, y: &Value, sequence: &Sequence, rate: f64) -> Result<f32, OpError> {
        let mode = Mode::Train(Key { purpose: Purpose::Dropout, ..key });
        let mut pass = Pass::new(&mut self.tape, &mut self.params, mode);
        let loss = record(&self.net, self.problem, &mut pass, (x, y), sequence)?;
        pass.backward(&loss)?;
        let value = loss.value().item();
        drop(loss);
        self.adam.step(&mut self.params, rate);
        Ok(value)
    }

    /// Why the loss of such a step is not finite.
    pub fn origin(&mut self, key: Key, x: &Value, y: &Value, sequence: &Sequence) -> String {
        let mode = Mode::Train(Key { purpose: Purpose::Dropout, ..key });
        let (net, problem) = (&self.net, self.problem);
        watch::origin(&mut self.tape, &mut self.params, mode, |pass| {
            record(net, problem, pass, (x, y), sequence).map(drop)
        })
    }

    /// What an architecture is worth on these items: running statistics, no dropout.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn reward(&mut self, split: &Split, items: &[u32], sequence: &Sequence) -> Result<f64, OpError> {
        let mut reward = Reward::default();
        for batch in items.chunks(evaluated(split.input())) {
            let (x, y) = split.batch(batch);
            reward.add(&self.outputs(&self.problem.read(&x), sequence)?, &y);
        }
        Ok(reward.value())
    }

    /// Outputs of inputs as the network reads them, in evaluation.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn outputs(&mut self, x: &Value, sequence: &Sequence) -> Result<Value, OpError> {
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Eval);
        let x = x.to(pass.device());
        let outputs = self.net.forward(&mut pass, &x.into(), sequence)?;
        let outputs = self.problem.in_unit(&mut pass, outputs)?;
        Ok(outputs.value().to(Device::Cpu))
    }

    /// Puts everything that a search goes on from.
    pub fn save(&self, checkpoint: &mut Checkpoint) {
        checkpoint.put_params(&self.params);
        self.adam.save(&self.params, checkpoint);
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If the checkpoint is of another search.
    pub fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        checkpoint.load_params(&mut self.params)?;
        self.adam.load(&self.params, checkpoint)
    }
}

/// Forward and loss.
fn record(
    net: &Supernet,
    problem: &Problem,
    pass: &mut Pass<'_>,
    (x, y): (&Value, &Value),
    sequence: &Sequence,
) -> Result<Tensor, OpError> {
    let x = x.to(pass.device());
    let outputs = net.forward(pass, &x.into(), sequence)?;
    let outputs = problem.in_unit(pass, outputs)?;
    loss_of(problem.facts.loss).of(pass, &outputs, y)
}

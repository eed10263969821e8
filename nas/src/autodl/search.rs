//! The search: a step of the weights, then, in the second half of the epochs, one of the architecture on the other half of the
//! training items; first-order DARTS.

use std::ops::Range;

use autograd::Tape;
use kernels::ops::optim::adam::Adam as AdamRule;
use kernels::ops::optim::sgd::Sgd as SgdRule;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::{Adam, Builder, Checkpoint, Mode, OpError, Params, Pass, Schedule, Sgd, Tensor};
use serde_json::{Value as Json, json};

use super::decode;
use super::network::DeepLabSpec;
use super::space::Architecture;
use super::supernet::{Route, Supernet, SupernetSpec};
use crate::bilevel::{self, Step, Subnet, entropy};
use crate::gaea::Operation;
use crate::method::Problem;
use crate::train::loss_of;
use crate::{Error, watch};

/// The last learning rate of the weights.
const LAST_RATE: f64 = 1e-3;

/// The rate of the architecture's steps.
const ARCHITECTURE_RATE: f64 = 3e-3;

/// Whether the architecture moves in an epoch (from 0): in the second half, in the published 40 from the twenty-first on; the
/// middle one of an odd number belongs to it.
pub fn moves(epoch: usize, epochs: usize) -> bool {
    2 * (epoch + 1) > epochs
}

/// What moves the architecture: Adam of rate 3e-3, betas .9 and .999, weight decay 1e-3.
///
/// # Errors
/// None at present.
pub fn mover() -> Result<Adam, OpError> {
    Adam::new(AdamRule { beta1: 0.9, beta2: 0.999, weight_decay: 1e-3, ..AdamRule::default() })
}

/// A search in hand.
pub struct Search<'a> {
    problem: &'a Problem,
    net: Supernet,
    params: Params,
    weights: Sgd,
    mover: Adam,
    rate: f64,
    epochs: usize,
    /// Of the derived network.
    filters: usize,
    tape: Tape,
}

impl<'a> Search<'a> {
    /// A fresh one of so many epochs: `rate` is the weights' first learning rate, `filters` those of the derived network.
    ///
    /// # Errors
    /// None at present.
    pub fn new(
        problem: &'a Problem,
        spec: SupernetSpec,
        (epochs, rate): (usize, f64),
        filters: usize,
        seed: u64,
        device: Device,
    ) -> Result<Self, Error> {
        let mut params = Params::new();
        let net = Supernet::new(&mut Builder::new(&mut params, seed), spec);
        params.move_to(device);
        let rule = SgdRule { momentum: 0.9, weight_decay: 3e-4, nesterov: false };
        let (weights, mover, tape) = (Sgd::new(rule)?, mover()?, Tape::new());
        Ok(Self { problem, net, params, weights, mover, rate, epochs, filters, tape })
    }

    /// Numbers of supernet and architecture.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// What would be derived now.
    pub fn architecture(&self) -> Architecture {
        let (alphas, betas) = self.net.architecture_weights(&self.params);
        decode::architecture(&alphas, &betas)
    }

    /// Loss of a forward, and the gradients of all entries but the frozen ones.
    fn loss(
        &mut self,
        key: Key,
        (x, y): (&Value, &Value),
        route: Route<'_>,
        frozen: Range<usize>,
    ) -> Result<f32, OpError> {
        let all = frozen.len() == self.params.entries().len();
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Train(key)).freezing(frozen);
        pass.tape.pause(all);
        let loss = record(&self.net, self.problem, &mut pass, x, y, route)?;
        if !all {
            pass.backward(&loss)?;
        }
        Ok(loss.value().item())
    }
}

/// Forward and loss.
fn record(
    net: &Supernet,
    problem: &Problem,
    pass: &mut Pass<'_>,
    x: &Value,
    y: &Value,
    route: Route<'_>,
) -> Result<Tensor, OpError> {
    let x = x.to(pass.device());
    let outputs = net.run(pass, &x.into(), route)?;
    let outputs = problem.in_unit(pass, outputs)?;
    loss_of(problem.facts.loss).of(pass, &outputs, y)
}

impl bilevel::Supernet for Search<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<f32, Error> {
        let loss = self.loss(step.key, step.weights, Route::All, self.net.architecture())?;
        let rate = self.rate(step.epoch, step.step, step.steps);
        self.weights.step(&mut self.params, rate);
        if moves(step.epoch, self.epochs) {
            self.loss(step.key, step.arch, Route::All, self.net.weights())?;
            self.mover.step(&mut self.params, ARCHITECTURE_RATE);
        }
        Ok(loss)
    }

    fn origin(&mut self, step: &Step<'_>) -> String {
        let (net, problem, (x, y)) = (&self.net, self.problem, step.weights);
        watch::origin(&mut self.tape, &mut self.params, Mode::Train(step.key), |pass| {
            record(net, problem, pass, x, y, Route::All).map(drop)
        })
    }

    fn rate(&self, epoch: usize, step: usize, steps: usize) -> f64 {
        Schedule::Cosine { epochs: self.epochs * steps, end: LAST_RATE }.rate(self.rate, epoch * steps + step)
    }

    fn log(&self) -> Json {
        let (alphas, betas) = self.net.architecture_weights(&self.params);
        let operations = decode::operations(&alphas);
        let mean = |sum: f64, n: usize| sum / n as f64;
        let of_edges = operations.iter().fold(0.0, |sum, p| sum + entropy(p));
        // Of the levels that a layer is reached from.
        let sources = |layer: usize| 0..(layer + 1).min(super::space::LEVELS);
        let (mut of_steps, mut count) = (0.0, 0);
        for (layer, steps) in decode::steps(&betas).iter().enumerate() {
            for level in sources(layer) {
                of_steps += entropy(&steps[level].map(|p| p / decode::mass(level)));
                count += 1;
            }
        }
        let architecture = self.architecture();
        json!({
            "alphas": alphas,
            "betas": betas,
            "entropy": {"operations": mean(of_edges, operations.len()), "steps": mean(of_steps, count)},
            "skips": architecture.count(Operation::Skip),
            "nones": architecture.count(Operation::None),
            "derived": self.derive(),
        })
    }

    fn warning(&self) -> Option<String> {
        let architecture = self.architecture();
        let (skips, nones) = (architecture.count(Operation::Skip), architecture.count(Operation::None));
        let edges = 2 * architecture.cell.len();
        (2 * (skips + nones) > edges)
            .then(|| format!("{skips} of the {edges} edges are skip_connect and {nones} none: the search collapses"))
    }

    fn subnet_loss(&mut self, which: Subnet<'_>, x: &Value, y: &Value) -> Result<f64, Error> {
        let architecture = match which {
            Subnet::Derived => self.architecture(),
            Subnet::Random(stream) => {
                let SupernetSpec { layers, nodes, .. } = *self.net.spec();
                Architecture::random(layers, nodes, stream)
            }
        };
        let running = bilevel::running(&self.params);
        let everything = 0..self.params.entries().len();
        let loss = self.loss(Key::new(0, Purpose::Search), (x, y), Route::One(&architecture), everything);
        bilevel::put_back(&mut self.params, running);
        Ok(loss?.into())
    }

    fn derive(&self) -> Json {
        DeepLabSpec::new(self.architecture(), self.filters).json()
    }

    fn save(&self, checkpoint: &mut Checkpoint) {
        checkpoint.put_params(&self.params);
        self.weights.save(&self.params, checkpoint);
        self.mover.save(&self.params, checkpoint);
    }

    fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        checkpoint.load_params(&mut self.params)?;
        self.weights.load(&self.params, checkpoint)?;
        self.mover.load(&self.params, checkpoint)?;
        Ok(())
    }
}

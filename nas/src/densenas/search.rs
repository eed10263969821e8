//! The search: weights on one sampled operation a layer, then, from a certain epoch on, before each of those steps the
//! architecture on the held-out part, with the expected cost in its loss.

use std::ops::Range;

use autograd::Tape;
use kernels::ops::optim::adam::Adam as AdamRule;
use kernels::ops::optim::sgd::Sgd as SgdRule;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value, math};
use nn::{Adam, Builder, Checkpoint, Mode, OpError, ParamId, Params, Pass, Schedule, Sgd, Tensor};
use serde_json::{Value as Json, json};

use super::cost::{CostTerm, Costs};
use super::relaxed::Relaxed;
use super::space::{Grid, Operation, Path};
use super::supernet::{Route, Rules, Supernet};
use super::viterbi;
use crate::bilevel::{self, Step, Subnet};
use crate::method::Problem;
use crate::train::loss_of;
use crate::{Error, watch};

/// Of [`FIRST`] + 1 in [`OF`] epochs the architecture does not move.
const FIRST: usize = 10;
/// See [`FIRST`].
const OF: usize = 70;

/// The last learning rate of the weights.
const LAST_RATE: f64 = 1e-5;

/// Whether the architecture moves in an epoch (from 0): `70 e > 10 epochs`, in the published 70 from the twelfth on.
pub fn moves(epoch: usize, epochs: usize) -> bool {
    OF * epoch > FIRST * epochs
}

/// What moves the architecture: Adam on the gradient of task loss and cost, then the operations' weights are shifted.
#[derive(Debug)]
pub struct Mover {
    /// Of every part of the supernet.
    pub costs: Costs,
    /// How the expected cost counts.
    pub term: CostTerm,
    /// Its learning rate.
    pub rate: f64,
    adam: Adam,
}

impl Mover {
    /// The published one: Adam of rate 3e-4, betas .5 and .999, weight decay 1e-3.
    ///
    /// # Errors
    /// None at present.
    pub fn new(costs: Costs, term: CostTerm) -> Result<Self, OpError> {
        let rule = AdamRule { beta1: 0.5, beta2: 0.999, weight_decay: 1e-3, ..AdamRule::default() };
        Ok(Self { costs, term, rate: 3e-4, adam: Adam::new(rule)? })
    }

    /// One step. The parameters hold the gradient of the task's loss; that of the cost term is added. Afterwards each
    /// layer's weights, all of whose operations were sampled, are shifted by the same number, so that the sum of their
    /// exponentials is what it was before: `ln(sum before / sum after)`, in f64, each sum from the first on, rounded once.
    pub fn step(&mut self, net: &Supernet, params: &mut Params) {
        let before = net.architecture_weights(params);
        let temperature = net.rules().temperature.into();
        let (cost, mut gradient) = self.costs.expected(net.grid(), &before.softmaxed(temperature), temperature);
        gradient.scale(self.term.slope(cost));
        net.add_gradient(params, &gradient);
        self.adam.step(params, self.rate);
        let mut after = net.architecture_weights(params);
        for (new, old) in after.stacks.iter_mut().flatten().zip(before.stacks.iter().flatten()) {
            let sum = |w: &[f64; 2]| math::exp(w[0]) + math::exp(w[1]);
            let shift = math::ln(sum(old) / sum(new));
            new.iter_mut().for_each(|w| *w += shift);
        }
        net.set_architecture(params, &after);
    }
}

/// A search in hand.
pub struct Search<'a> {
    problem: &'a Problem,
    net: Supernet,
    params: Params,
    weights: Sgd,
    mover: Mover,
    rate: f64,
    epochs: usize,
    tape: Tape,
}

impl<'a> Search<'a> {
    /// A fresh one of so many epochs: `rate` is the weights' first learning rate.
    ///
    /// # Errors
    /// None at present.
    pub fn new(
        problem: &'a Problem,
        grid: Grid,
        term: CostTerm,
        (epochs, rate): (usize, f64),
        seed: u64,
        device: Device,
    ) -> Result<Self, Error> {
        let (kind, outputs) = (problem.facts.kind, problem.outputs);
        let costs = Costs::new(&grid, kind, &problem.input, outputs, Rules::CORRECTED.stem_stride);
        let mut params = Params::new();
        let channels = problem.form().channels();
        let net = Supernet::new(grid, Rules::CORRECTED, kind, channels, outputs, &mut Builder::new(&mut params, seed));
        params.move_to(device);
        let rule = SgdRule { momentum: 0.9, weight_decay: 4e-5, nesterov: false };
        Ok(Self {
            problem,
            net,
            params,
            weights: Sgd::new(rule)?,
            mover: Mover::new(costs, term)?,
            rate,
            epochs,
            tape: Tape::new(),
        })
    }

    /// The distributions now.
    pub fn relaxed(&self) -> Relaxed {
        self.net.relaxed(&self.params)
    }

    /// The path that would be derived now.
    pub fn path(&self) -> Path {
        viterbi::derive(self.net.grid(), &self.relaxed())
    }

    /// Probability and cost (millions of multiply-adds) of the path that would be derived now, and the expected cost.
    pub fn facts(&self) -> Json {
        let (grid, p, path) = (self.net.grid(), self.relaxed(), &self.path());
        json!({
            "path_probability": p.probability(grid, path),
            "path_mega_multiply_adds": self.mover.costs.path(grid, path),
            "expected_mega_multiply_adds": self.expected(&p),
        })
    }

    fn expected(&self, p: &Relaxed) -> f64 {
        self.mover.costs.expected(self.net.grid(), p, self.net.rules().temperature.into()).0
    }

    /// One operation a stacked layer, nodes and layers ascending, one uniform number u each: a basic block where u is below
    /// its probability, which is one half until the architecture moves.
    fn draw(&self, key: Key, moves: bool) -> Vec<Vec<Operation>> {
        let (p, mut stream) = (self.relaxed(), key.stream(0));
        let mut one = |pair: &[f64; 2]| {
            let basic = if moves { pair[0] } else { 0.5 };
            if stream.uniform64() < basic { Operation::Basic } else { Operation::Skip }
        };
        p.stacks.iter().map(|layers| layers.iter().map(&mut one).collect()).collect()
    }

    /// Loss of a forward, and the gradients of all entries but the frozen ones.
    fn loss(
        &mut self,
        key: Key,
        (x, y): (&Value, &Value),
        route: Route<'_>,
        frozen: Range<usize>,
    ) -> Result<f32, OpError> {
        let mode = Mode::Train(Key { purpose: Purpose::Dropout, ..key });
        let all = frozen.len() == self.params.entries().len();
        let mut pass = Pass::new(&mut self.tape, &mut self.params, mode).freezing(frozen);
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
    let outputs = net.forward(pass, &x.into(), route)?;
    let outputs = problem.in_unit(pass, outputs)?;
    loss_of(problem.facts.loss).of(pass, &outputs, y)
}

impl bilevel::Supernet for Search<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<f32, Error> {
        let moves = moves(step.epoch, self.epochs);
        if moves {
            let weights = self.net.weights();
            self.loss(step.key, step.arch, Route::All, weights)?;
            self.mover.step(&self.net, &mut self.params);
        }
        let operations = self.draw(step.key, moves);
        let architecture = self.net.architecture();
        let loss = self.loss(step.key, step.weights, Route::Sampled(&operations), architecture)?;
        let rate = self.rate(step.epoch, step.step, step.steps);
        self.weights.step(&mut self.params, rate);
        Ok(loss)
    }

    fn origin(&mut self, step: &Step<'_>) -> String {
        let operations = self.draw(step.key, moves(step.epoch, self.epochs));
        let mode = Mode::Train(Key { purpose: Purpose::Dropout, ..step.key });
        let (net, problem, (x, y)) = (&self.net, self.problem, step.weights);
        watch::origin(&mut self.tape, &mut self.params, mode, |pass| {
            record(net, problem, pass, x, y, Route::Sampled(&operations)).map(drop)
        })
    }

    fn rate(&self, epoch: usize, step: usize, steps: usize) -> f64 {
        Schedule::Cosine { epochs: self.epochs * steps, end: LAST_RATE }.rate(self.rate, epoch * steps + step)
    }

    fn log(&self) -> Json {
        let (weights, p) = (self.net.architecture_weights(&self.params), self.relaxed());
        let (path, (links, operations)) = (self.path(), p.entropies());
        let count = |path: &Path, o| path.0.iter().flat_map(|s| &s.stack).filter(|x| **x == o).count();
        let skips: usize =
            (0..p.stacks.len()).map(|i| p.likelier(i).iter().filter(|o| **o == Operation::Skip).count()).sum();
        json!({
            "betas": weights.links,
            "alphas": weights.stacks,
            "entropy": {"links": links, "operations": operations},
            "expected_mega_multiply_adds": self.expected(&p),
            "skips": {"path": count(&path, Operation::Skip), "all": skips},
            "derived": self.net.grid().derive(&path).json(),
        })
    }

    fn warning(&self) -> Option<String> {
        let path = self.path();
        let layers = || path.0.iter().flat_map(|s| &s.stack);
        let moved = self.net.architecture().any(|i| self.mover.adam.steps(ParamId(i)) > 0);
        let collapsed = moved && layers().count() > 0 && layers().all(|o| *o == Operation::Skip);
        collapsed.then(|| "every stacked layer of the derived path is a skip".to_owned())
    }

    fn subnet_loss(&mut self, which: Subnet<'_>, x: &Value, y: &Value) -> Result<f64, Error> {
        let path = match which {
            Subnet::Derived => self.path(),
            Subnet::Random(stream) => self.net.grid().draw(stream),
        };
        let running = bilevel::running(&self.params);
        let everything = 0..self.params.entries().len();
        let loss = self.loss(Key::new(0, Purpose::Search), (x, y), Route::Path(&path), everything);
        bilevel::put_back(&mut self.params, running);
        Ok(loss?.into())
    }

    fn derive(&self) -> Json {
        self.net.grid().derive(&self.path()).json()
    }

    fn save(&self, checkpoint: &mut Checkpoint) {
        checkpoint.put_params(&self.params);
        self.weights.save(&self.params, checkpoint);
        self.mover.adam.save(&self.params, checkpoint);
    }

    fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        checkpoint.load_params(&mut self.params)?;
        self.weights.load(&self.params, checkpoint)?;
        self.mover.adam.load(&self.params, checkpoint)?;
        Ok(())
    }
}

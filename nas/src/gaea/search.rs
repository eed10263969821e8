//! The search: alternating steps of architecture and weights over a supernet.

use autograd::Tape;
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::schedule::Schedule;
use nn::{
    Builder, Checkpoint, Clip, ExponentiatedGradient, Kind, Mode, Network, OpError, ParamId, Params, Pass, Sgd, Tensor,
};
use serde_json::{Value as Json, json};

use super::Genotype;
use super::architecture::Mixed;
use super::space::OPERATIONS;
use super::supernet::{CellWeights, Mixing, Supernet, SupernetSpec};
use crate::Error;
use crate::bilevel::{self, Step, Subnet, Supernet as Searched};
use crate::method::Problem;
use crate::train::loss_of;
use crate::watch;

/// The rate of the architecture's steps.
const ARCHITECTURE_RATE: f64 = 0.1;

/// How the architecture is updated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant {
    /// How architecture weights mix, and so what they begin with.
    pub mixing: Mixing,
    /// Of the operations of each edge.
    pub alphas: ExponentiatedGradient,
    /// Of edges.
    pub betas: ExponentiatedGradient,
    /// The weights' step comes first.
    pub weights_first: bool,
    /// The first epoch (from 0) in which the architecture moves.
    pub from_epoch: usize,
}

impl Variant {
    /// The original release: simplices mix as they are, edges are normalised a node, operations are kept above 1e-5, and the
    /// architecture moves first, from the beginning.
    pub const ORIGINAL: Self = Self {
        mixing: Mixing::Simplex,
        alphas: ExponentiatedGradient { rows: &[OPERATIONS], floor: 1e-5 },
        betas: ExponentiatedGradient { rows: &[2, 3, 4, 5], floor: 0.0 },
        weights_first: false,
        from_epoch: 0,
    };

    /// The benchmark's: softmax over what is a simplex, all edges normalised together, no floor, all begin at 1, and the
    /// architecture moves behind the weights, from the twelfth epoch on.
    pub const BENCHMARK: Self = Self {
        mixing: Mixing::Softmax,
        alphas: ExponentiatedGradient { rows: &[OPERATIONS], floor: 0.0 },
        betas: ExponentiatedGradient { rows: &[14], floor: 0.0 },
        weights_first: true,
        from_epoch: 11,
    };
}

/// How the weights are updated: SGD with momentum, and a cosine by epoch from `rate` to 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightUpdate {
    /// The rate of the first epoch.
    pub rate: f64,
    /// Epochs of the search.
    pub epochs: usize,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Bound on the gradients' common norm.
    pub clip: f64,
}

impl WeightUpdate {
    /// The published one.
    pub fn new(rate: f64, epochs: usize) -> Self {
        Self { rate, epochs, momentum: 0.9, weight_decay: 3e-4, clip: super::CLIP }
    }
}

/// A search in hand.
pub struct Search<'a> {
    problem: &'a Problem,
    supernet: Supernet,
    params: Params,
    tape: Tape,
    variant: Variant,
    sgd: Sgd,
    clip: Clip,
    schedule: Schedule,
    rate: f64,
    /// The derived network but for its genotype.
    network: Json,
}

impl<'a> Search<'a> {
    /// A fresh one; `spec.mixing` is the variant's, and `network` is what [`Searched::derive`] puts the genotype into.
    ///
    /// # Errors
    /// If the update's numbers make no sense.
    pub fn new(
        problem: &'a Problem,
        spec: SupernetSpec,
        variant: Variant,
        update: WeightUpdate,
        network: Json,
        seed: u64,
        device: Device,
    ) -> Result<Self, Error> {
        let mut params = Params::new();
        let spec = SupernetSpec { mixing: variant.mixing, ..spec };
        let supernet = Supernet::new(&mut Builder::new(&mut params, seed), spec);
        params.move_to(device);
        let (momentum, weight_decay) = (update.momentum as f32, update.weight_decay as f32);
        Ok(Self {
            problem,
            supernet,
            params,
            tape: Tape::new(),
            variant,
            sgd: Sgd::new(Rule { momentum, weight_decay, nesterov: false })?,
            clip: Clip::new(update.clip),
            schedule: Schedule::Cosine { epochs: update.epochs, end: 0.0 },
            rate: update.rate,
            network,
        })
    }

    /// Numbers of supernet and architecture.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The mixed weights of both kinds of cells.
    pub fn mixed(&self) -> (Mixed, Option<Mixed>) {
        let of = |cell: CellWeights| Mixed::of(&self.params, cell, self.variant.mixing);
        (of(self.supernet.normal()), self.supernet.reduce().map(of))
    }

    /// The genotype that is derived now.
    pub fn genotype(&self) -> Genotype {
        let (normal, reduce) = self.mixed();
        Genotype { normal: normal.derive(), reduce: reduce.map(|r| r.derive()) }
    }

    /// One forward and backward; `held` get no gradient.
    fn gradients(&mut self, key: Key, (x, y): (&Value, &Value), held: &[ParamId]) -> Result<Value, Error> {
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Train(key));
        held.iter().for_each(|&id| pass.hold(id));
        let loss = loss(self.problem, &self.supernet, &mut pass, x, y)?;
        pass.backward(&loss)?;
        Ok(loss.into_value())
    }

    /// A step of the weights; gives their loss.
    fn step_weights(&mut self, step: &Step<'_>) -> Result<Value, Error> {
        let held: Vec<ParamId> = self.supernet.architecture().collect();
        let loss = self.gradients(step.key, step.weights, &held)?;
        self.clip.clip(&mut self.params);
        let rate = self.schedule.rate(self.rate, step.epoch);
        self.sgd.step(&mut self.params, rate);
        Ok(loss)
    }

    /// A step of the architecture.
    fn step_architecture(&mut self, step: &Step<'_>) -> Result<(), Error> {
        if step.epoch < self.variant.from_epoch {
            return Ok(());
        }
        let moved: Vec<ParamId> = self.supernet.architecture().collect();
        let entries = self.params.entries().iter().enumerate();
        let held = entries.filter(|(i, e)| e.kind() == Kind::Parameter && !moved.contains(&ParamId(*i)));
        let held: Vec<ParamId> = held.map(|(i, _)| ParamId(i)).collect();
        self.gradients(step.key, step.arch, &held)?;
        for cell in std::iter::once(self.supernet.normal()).chain(self.supernet.reduce()) {
            self.variant.alphas.step(&mut self.params, cell.alphas, ARCHITECTURE_RATE);
            self.variant.betas.step(&mut self.params, cell.betas, ARCHITECTURE_RATE);
        }
        Ok(())
    }
}

/// The loss of a network on a batch.
fn loss(
    problem: &Problem,
    network: &dyn Network,
    pass: &mut Pass<'_>,
    x: &Value,
    y: &Value,
) -> Result<Tensor, OpError> {
    let outputs = problem.forward_read(network, pass, x.to(pass.device()))?;
    loss_of(problem.facts.loss).of(pass, &outputs, y)
}

impl Searched for Search<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<f32, Error> {
        let loss = if self.variant.weights_first {
            let loss = self.step_weights(step)?;
            self.step_architecture(step)?;
            loss
        } else {
            self.step_architecture(step)?;
            self.step_weights(step)?
        };
        Ok(loss.item())
    }

    fn origin(&mut self, step: &Step<'_>) -> String {
        let Self { problem, supernet, params, tape, .. } = self;
        let (x, y) = step.weights;
        watch::origin(tape, params, Mode::Train(step.key), |pass| loss(problem, supernet, pass, x, y).map(drop))
    }

    fn rate(&self, epoch: usize, _: usize, _: usize) -> f64 {
        self.schedule.rate(self.rate, epoch)
    }

    fn log(&self) -> Json {
        let (normal, reduce) = self.mixed();
        json!({
            "normal": normal.log(),
            "reduce": reduce.map(|r| r.log()),
            "genotype": self.genotype().to_json(),
        })
    }

    fn warning(&self) -> Option<String> {
        let skips = super::architecture::skips(&self.genotype().normal);
        // More than half.
        (skips > 4).then(|| format!("{skips} of the 8 edges of the normal cell are skip_connect: the search collapses"))
    }

    fn subnet_loss(&mut self, which: Subnet<'_>, x: &Value, y: &Value) -> Result<f64, Error> {
        let genotype = match which {
            Subnet::Derived => self.genotype(),
            Subnet::Random(stream) => Genotype::random(stream, self.supernet.reduce().is_some()),
        };
        let running = bilevel::running(&self.params);
        let value = {
            let mode = Mode::Train(Key::new(0, Purpose::Search));
            let mut pass = Pass::new(&mut self.tape, &mut self.params, mode);
            pass.tape.pause(true);
            loss(self.problem, &self.supernet.only(&genotype), &mut pass, x, y)?.value().item()
        };
        bilevel::put_back(&mut self.params, running);
        Ok(value.into())
    }

    fn derive(&self) -> Json {
        let mut network = self.network.clone();
        network["genotype"] = self.genotype().to_json();
        network
    }

    fn save(&self, checkpoint: &mut Checkpoint) {
        checkpoint.put_params(&self.params);
        self.sgd.save(&self.params, checkpoint);
    }

    fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        checkpoint.load_params(&mut self.params)?;
        Ok(self.sgd.load(&self.params, checkpoint)?)
    }
}

//! The controller: an LSTM that samples architectures and learns from what they are worth, by REINFORCE.
//!
//! [`super::policy`] says what it computes. It is small (41,984 numbers, whatever the number of layers) and works one token
//! after another, so it stays in this machine's memory and on its CPU, wherever the child lives.

use kernels::ops::optim::adam::Adam as Rule;
use kernels::rng::{Key, Stream};
use kernels::{DType, math};
use nn::{Adam, Builder, Checkpoint, Mode, OpError, ParamId, Params, Pass, Tape};
use serde_json::{Value as Json, json};

use super::policy::{Choose, Raw, Tokens, Weights, squashed};
use super::space::{OPERATIONS, Sequence};
use crate::Error;

/// Adam's learning rate.
pub const RATE: f64 = 1e-3;

/// The weight of the mean penalty of the skips, beside a *sum* over the batch.
const PENALTY: f64 = 1.0;

/// The controller. It lives on the CPU.
#[derive(Debug)]
pub struct Controller {
    layers: usize,
    params: Params,
    weights: Weights,
    adam: Adam,
    tape: Tape,
    tokens: Tokens,
}

/// What the controller would choose, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    /// Of each layer's operations.
    pub operations: Vec<[f64; OPERATIONS.len()]>,
    /// Of each layer's adding of each earlier one.
    pub skips: Vec<Vec<f64>>,
}

/// Probabilities of the operations of one layer, from their raw numbers.
fn of_operations(z: &[f32]) -> [f64; OPERATIONS.len()] {
    let mut p: [f64; OPERATIONS.len()] = std::array::from_fn(|k| math::exp(squashed(z[k])));
    let sum = p.iter().fold(0.0, |s, p| s + p);
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

/// Probability that a layer is added: softmax of -t and t.
fn of_skip(q: f32) -> f64 {
    math::sigmoid(2.0 * squashed(q))
}

/// Tokens by chance, an architecture a stream, in the order of its tokens.
struct Drawn {
    streams: Vec<Stream>,
    sequences: Vec<Sequence>,
}

impl Drawn {
    fn new(key: Key, count: usize) -> Self {
        // The first layer has no skips, and nobody is asked for them.
        let empty = Sequence { operations: Vec::new(), skips: vec![Vec::new()] };
        Self { streams: (0..count as u64).map(|i| key.stream(i)).collect(), sequences: vec![empty; count] }
    }
}

/// The log-probability of each architecture.
fn logs(pass: &mut Pass<'_>, raw: &Raw, tokens: &Tokens) -> Result<Vec<f32>, OpError> {
    Ok(raw.log_probabilities(pass, tokens)?.of_each())
}

impl Choose for Drawn {
    fn operations(&mut self, _: usize, z: &[f32], chosen: &mut Vec<i32>) {
        let each = self.streams.iter_mut().zip(&mut self.sequences).zip(z.chunks_exact(OPERATIONS.len()));
        for ((stream, sequence), z) in each {
            let (p, u, mut sum) = (of_operations(z), stream.uniform64(), 0.0);
            let past = p.iter().position(|p| {
                sum += p;
                u < sum
            });
            // Rounding may leave the sum a hair below 1.
            let operation = past.unwrap_or(OPERATIONS.len() - 1);
            sequence.operations.push(operation);
            chosen.push(operation as i32);
        }
    }

    fn skips(&mut self, layer: usize, q: &[f32], chosen: &mut Vec<i32>) {
        let (n, first) = (self.streams.len(), chosen.len());
        chosen.resize(first + layer * n, 0);
        for (a, (stream, sequence)) in self.streams.iter_mut().zip(&mut self.sequences).enumerate() {
            let row = (0..layer).map(|j| stream.uniform64() < of_skip(q[j * n + a]));
            sequence.skips.push(row.collect());
            let added = sequence.skips[layer].iter().enumerate().filter(|(_, s)| **s);
            added.for_each(|(j, _)| chosen[first + j * n + a] = 1);
        }
    }
}

/// Tokens of architectures that there are.
struct Given<'a>(&'a [Sequence]);

impl Choose for Given<'_> {
    fn operations(&mut self, layer: usize, _: &[f32], chosen: &mut Vec<i32>) {
        chosen.extend(self.0.iter().map(|s| s.operations[layer] as i32));
    }

    fn skips(&mut self, layer: usize, _: &[f32], chosen: &mut Vec<i32>) {
        (0..layer).for_each(|j| chosen.extend(self.0.iter().map(|s| i32::from(s.skips[layer][j]))));
    }
}

impl Controller {
    /// A controller for architectures of `layers` layers; its numbers are drawn from the seed.
    ///
    /// # Panics
    /// If there are no layers.
    pub fn new(layers: usize, seed: u64) -> Self {
        assert!(layers > 0, "a controller of no layers");
        let mut params = Params::new();
        let weights = Weights::new(&mut Builder::new(&mut params, seed));
        // Keras' epsilon. Keras adds it before the root is corrected for its start, PyTorch and we after; it is small beside
        // either.
        let adam = Adam::new(Rule { eps: 1e-7, ..Rule::default() }).expect("numbers that make sense");
        Self { layers, params, weights, adam, tape: Tape::new(), tokens: Tokens::default() }
    }

    /// Layers of its architectures.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Its numbers.
    pub fn params(&self) -> &Params {
        &self.params
    }

    #[cfg(test)]
    pub(super) fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// Samples architectures; number i comes from stream i of the key and does not depend on `count`.
    ///
    /// # Panics
    /// Never: shapes are its own.
    pub fn sample(&mut self, key: Key, count: usize) -> Vec<Sequence> {
        let mut drawn = Drawn::new(key, count);
        if count > 0 {
            self.look(count, &mut drawn, |_, _, _| Ok(())).expect("the shapes of one walk fit");
        }
        drawn.sequences
    }

    /// The same, with each architecture's log-probability: the bits that [`Controller::score`] gives.
    ///
    /// # Panics
    /// Never: shapes are its own.
    pub fn sample_scored(&mut self, key: Key, count: usize) -> (Vec<Sequence>, Vec<f32>) {
        let mut drawn = Drawn::new(key, count);
        if count == 0 {
            return (Vec::new(), Vec::new());
        }
        let log = self.look(count, &mut drawn, logs).expect("the shapes of one walk fit");
        (drawn.sequences, log)
    }

    /// Log-probabilities of architectures.
    ///
    /// # Errors
    /// If one is not of this controller's space.
    pub fn score(&mut self, batch: &[Sequence]) -> Result<Vec<f32>, Error> {
        self.check(batch)?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.look(batch.len(), &mut Given(batch), logs)?)
    }

    /// Goes over `n` architectures, recording nothing, and makes something of the raw numbers.
    fn look<R>(
        &mut self,
        n: usize,
        choose: &mut dyn Choose,
        make: impl FnOnce(&mut Pass<'_>, &Raw, &Tokens) -> Result<R, OpError>,
    ) -> Result<R, OpError> {
        let mut pass = Pass::new(&mut self.tape, &mut self.params, Mode::Eval);
        let raw = self.weights.walk(&mut pass, [self.layers, n], choose, &mut self.tokens)?;
        make(&mut pass, &raw, &self.tokens)
    }

    fn check(&self, batch: &[Sequence]) -> Result<(), Error> {
        let layers = self.layers;
        match batch.iter().position(|s| s.layers() != layers || !s.is_valid()) {
            None => Ok(()),
            Some(i) => Err(Error::Arch(format!(
                "architecture {i} of {} ({:?}) is not of the controller's space: give {layers} layers, operations 0 to {}, \
                 and i skips for layer i",
                batch.len(),
                batch[i],
                OPERATIONS.len() - 1
            ))),
        }
    }

    /// One step of Adam on `sum over the batch of -log p times advantage`, plus the penalty of the skips; gives that loss.
    ///
    /// # Errors
    /// If the batch is empty, is not of the controller's space, has not as many advantages as architectures, or if the loss
    /// is not finite; nothing is changed then.
    pub fn update(&mut self, batch: &[Sequence], advantages: &[f32]) -> Result<f32, Error> {
        let loss = self.gradients(batch, advantages)?;
        self.adam.step(&mut self.params, RATE);
        Ok(loss)
    }

    /// The loss, its gradients being left in the parameters.
    pub(super) fn gradients(&mut self, batch: &[Sequence], advantages: &[f32]) -> Result<f32, Error> {
        self.check(batch)?;
        if batch.is_empty() || batch.len() != advantages.len() {
            return Err(Error::Arch(format!(
                "{} architectures and {} advantages: give the controller at least one, and an advantage for each",
                batch.len(),
                advantages.len()
            )));
        }
        // The key is nobody's: there is nothing random in an update.
        let mode = Mode::Train(Key::new(0, kernels::rng::Purpose::Dropout));
        let mut pass = Pass::new(&mut self.tape, &mut self.params, mode);
        let shape = [self.layers, batch.len()];
        let raw = self.weights.walk(&mut pass, shape, &mut Given(batch), &mut self.tokens)?;
        let log = raw.log_probabilities(&mut pass, &self.tokens)?;
        let loss = log.loss(&mut pass, advantages, self.layers, PENALTY)?;
        let value = loss.value().item();
        if !value.is_finite() {
            let what = format!("the loss of {} architectures is {value}", batch.len());
            return Err(OpError::new("controller", what, "rewards must be finite numbers").into());
        }
        pass.backward(&loss)?;
        Ok(value)
    }

    /// What it would choose after these architectures' earlier tokens: the mean over the batch, for logs.
    ///
    /// # Errors
    /// If the batch is empty or not of the controller's space.
    pub fn probabilities(&mut self, batch: &[Sequence]) -> Result<Probabilities, Error> {
        self.check(batch)?;
        let n = batch.len();
        if n == 0 {
            return Err(Error::Arch("no architectures: probabilities are a mean over at least one".to_owned()));
        }
        let raw = self.look(n, &mut Given(batch), |_, raw, _| Ok(raw.clone()))?;
        let mut operations = vec![[0.0; OPERATIONS.len()]; self.layers];
        for (i, z) in raw.operations().chunks_exact(OPERATIONS.len()).enumerate() {
            let p = of_operations(z);
            operations[i / n].iter_mut().zip(p).for_each(|(sum, p)| *sum += p / n as f64);
        }
        let mut rows = raw.skips().chunks_exact(n);
        let mut mean = || rows.next().expect("a row a skip").iter().fold(0.0, |s, &q| s + of_skip(q) / n as f64);
        let skips = (0..self.layers).map(|layer| (0..layer).map(|_| mean()).collect()).collect();
        Ok(Probabilities { operations, skips })
    }

    /// Puts everything that an update goes on from: the numbers as `state.controller.<name>`, and what Adam keeps.
    ///
    /// # Panics
    /// If it was put before.
    pub fn save(&self, checkpoint: &mut Checkpoint) {
        self.params.entries().iter().for_each(|e| checkpoint.put_state(e.name(), e.value()));
        self.adam.save(&self.params, checkpoint);
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If something is missing or has another shape; nothing is changed then.
    pub fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let read = |e: &nn::Entry| checkpoint.state(e.name(), e.value().shape(), DType::F32);
        let values = self.params.entries().iter().map(read).collect::<Result<Vec<_>, _>>()?;
        self.adam.load(&self.params, checkpoint)?;
        values.into_iter().enumerate().for_each(|(i, v)| self.params.set(ParamId(i), v));
        self.params.zero_grad();
        Ok(())
    }
}

impl Probabilities {
    /// For a log.
    pub fn json(&self) -> Json {
        json!({"operations": self.operations, "skips": self.skips})
    }
}

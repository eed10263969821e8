//! What the controller computes: the recurrence over an architecture's tokens, their log-probabilities, the loss.
//!
//! An LSTM of 64 units goes over the layers. For each layer it reads its input and gives the operation's logits; the
//! chosen operation's embedding is the next input. From the second layer on it reads that too, and its state h then asks
//! of every earlier layer's state h_j (its *anchor*) whether the layer is added:
//! ```text
//! operation:  1.5 tanh(z / 2), z = h W_softmax                  7 logits
//! skip j:     -t and t, t = 1.5 tanh(q / 2), q = v . tanh(h_j W1 + h W2)
//! ```
//! After skips the next input is the sum of the chosen anchors over 1 + their number. The first layer has no skips and no
//! second step: its anchor is the state that chose its operation, its embedding the second layer's input. So L layers
//! are 2 L - 1 steps. (ENAS differs here: it takes the second step in the first layer too, then begins from the start
//! vector again.)
//!
//! Everything is a row's own until the loss, so that an architecture's numbers do not depend on its batch.

use autograd::OpError;
use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::index::embedding::Embedding;
use kernels::ops::index::gather::Gather;
use kernels::ops::linear::linear::Linear;
use kernels::ops::lstm::lstm_cell::LstmCell;
use kernels::ops::reduce::Axes;
use kernels::ops::reduce::sum::Sum;
use kernels::ops::shape::concat::Concat;
use kernels::ops::softmax::Softmax;
use kernels::{Tensor as Value, math};
use nn::layers::Builder;
use nn::{Init, Layout, ParamId, Pass, Tensor};

use super::space::OPERATIONS;

/// Units of the LSTM, and numbers of an embedding.
pub const UNITS: usize = 64;

/// The most that a logit can be, either way.
const BOUND: f32 = 1.5;

/// By what logits are divided before they are squashed.
const TEMPERATURE: f32 = 2.0;

/// Part of the earlier layers that the penalty would have added (it takes logits one by one: see [`penalty`]).
const TARGET: f64 = 0.4;

/// All weights begin uniform in [-0.1, 0.1): 1 / sqrt(100).
const INIT: Init = Init::Uniform { fan_in: 100 };

/// Where the controller's parameters lie; all layers share them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// `[1, 64]`: the first input.
    start: ParamId,
    /// Of inputs and of states, `[64, 256]` each; gates i, f, g, o (ENAS has i, f, o, g, and both in one matrix). No biases.
    lstm: [ParamId; 2],
    /// `[7, 64]`.
    embedding: ParamId,
    /// `[64, 7]`.
    softmax: ParamId,
    /// Of anchors and of the state that asks, `[64, 64]` each.
    attention: [ParamId; 2],
    /// `[64, 1]`.
    vector: ParamId,
}

/// The raw numbers of a batch of N architectures: before temperature and squashing.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    /// N.
    n: usize,
    /// Of the operations, `[L N, 7]`, layer by layer.
    operations: Tensor,
    /// q of the skips, `[S, N, 1]`, S = L (L - 1) / 2; none if there is one layer.
    skips: Option<Tensor>,
}

/// Log-probabilities of a batch's tokens.
pub(super) struct LogProbabilities {
    /// N.
    n: usize,
    /// `[L N, 1]`, layer by layer.
    operations: Tensor,
    /// `[S, N, 1]`.
    skips: Option<Tensor>,
    /// Both logits of the skips, `[S, N, 2]`.
    pairs: Option<Tensor>,
}

/// Where tokens come from: drawn, or given.
pub(super) trait Choose {
    /// The layer's operation for each architecture, from z `[N, 7]`.
    fn operations(&mut self, layer: usize, z: &[f32], chosen: &mut Vec<i32>);
    /// Whether the layer adds each earlier one, 0 or 1, `[layer, N]`, from q `[layer, N]`.
    fn skips(&mut self, layer: usize, q: &[f32], chosen: &mut Vec<i32>);
}

/// Tokens as indices, as the recurrence met them.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// `[L, N]`.
    pub operations: Vec<i32>,
    /// `[S, N]`.
    pub skips: Vec<i32>,
}

/// A squashed logit of a raw number, in f64: for drawing and for logs.
pub(super) fn squashed(raw: f32) -> f64 {
    f64::from(BOUND) * math::tanh(f64::from(raw) / f64::from(TEMPERATURE))
}

fn constant(shape: &[usize], value: f32) -> Tensor {
    Tensor::constant(Value::full(shape, value))
}

/// `1.5 tanh(x / 2)`.
fn squash(pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
    let x = pass.tape.apply(Binary::mul(), &[x, &constant(&[1], 1.0 / TEMPERATURE)])?;
    let x = pass.tape.apply(Pointwise::tanh(), &[&x])?;
    pass.tape.apply(Binary::mul(), &[&x, &constant(&[1], BOUND)])
}

/// `[N, C]` as `[1, N, C]`. There is no op that only renames dimensions; broadcasting a zero does.
fn lifted(pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
    pass.tape.apply(Binary::add(), &[x, &constant(&[1, 1, 1], 0.0)])
}

/// `x W`.
fn product(pass: &mut Pass<'_>, x: &Tensor, w: ParamId) -> Result<Tensor, OpError> {
    let w = pass.param(w);
    pass.tape.apply(Linear { bias: false }, &[x, &w])
}

/// All of them one behind the other.
fn joined(pass: &mut Pass<'_>, parts: &[Tensor], dim: usize) -> Result<Tensor, OpError> {
    let (first, rest) = parts.split_first().expect("at least one");
    let mut all = first.clone();
    // Few at a time: an op has at most 32 inputs.
    for some in rest.chunks(16) {
        let inputs: Vec<&Tensor> = std::iter::once(&all).chain(some).collect();
        all = pass.tape.apply(Concat { dim }, &inputs)?;
    }
    Ok(all)
}

/// Both logits of a choice, -t and t, behind one another.
fn pair(pass: &mut Pass<'_>, t: &Tensor) -> Result<Tensor, OpError> {
    let minus = pass.tape.apply(Binary::mul(), &[t, &constant(&[1], -1.0)])?;
    pass.tape.apply(Concat { dim: 2 }, &[&minus, t])
}

impl Weights {
    /// Makes them under these names; 41,984 numbers.
    pub(super) fn new(at: &mut Builder<'_>) -> Self {
        let mut at = at.scope("controller");
        let mut weight = |name: &str, shape: [usize; 2]| at.parameter(name, shape, Layout::Plain, INIT);
        Self {
            start: weight("start", [1, UNITS]),
            lstm: [weight("lstm.inputs", [UNITS, 4 * UNITS]), weight("lstm.states", [UNITS, 4 * UNITS])],
            embedding: weight("embedding", [OPERATIONS.len(), UNITS]),
            softmax: weight("softmax", [UNITS, OPERATIONS.len()]),
            attention: [weight("attention.anchors", [UNITS, UNITS]), weight("attention.state", [UNITS, UNITS])],
            vector: weight("attention.vector", [UNITS, 1]),
        }
    }

    /// A row of a table for each architecture.
    fn rows(&self, pass: &mut Pass<'_>, table: ParamId, index: &[i32]) -> Result<Tensor, OpError> {
        let (table, index) = (pass.param(table), Value::from_ints([index.len()], index).into());
        pass.tape.apply(Embedding, &[&table, &index])
    }

    /// Goes over `layers` layers of `n` architectures.
    ///
    /// # Errors
    /// None with `n` and `layers` of at least 1.
    pub(super) fn walk(
        &self,
        pass: &mut Pass<'_>,
        [layers, n]: [usize; 2],
        choose: &mut dyn Choose,
        tokens: &mut Tokens,
    ) -> Result<Raw, OpError> {
        tokens.operations.clear();
        tokens.skips.clear();
        let lstm = self.lstm.map(|id| pass.param(id));
        let (bias, zeros) = (constant(&[4 * UNITS], 0.0), constant(&[n, UNITS], 0.0));
        let mut state = [zeros.clone(), zeros];
        let step = |pass: &mut Pass<'_>, x: &Tensor, [h, c]: &[Tensor; 2]| {
            let inputs = [x, h, c, &lstm[0], &lstm[1], &bias, &bias];
            pass.tape.record(LstmCell, &inputs).map(|mut r| [r.take(0), r.take(1)])
        };
        tokens.operations.resize(n, 0);
        let mut x = self.rows(pass, self.start, &tokens.operations)?;
        tokens.operations.clear();
        let (mut operations, mut skips) = (Vec::with_capacity(layers), Vec::with_capacity(layers));
        // Anchors and their products with W1, [layers so far, N, 64].
        let mut anchors: Option<[Tensor; 2]> = None;
        for layer in 0..layers {
            state = step(pass, &x, &state)?;
            let z = product(pass, &state[0], self.softmax)?;
            choose.operations(layer, z.value().data(), &mut tokens.operations);
            operations.push(z);
            x = self.rows(pass, self.embedding, &tokens.operations[layer * n..])?;
            if let Some([anchors, products]) = &anchors {
                state = step(pass, &x, &state)?;
                let asking = product(pass, &state[0], self.attention[1])?;
                let sum = pass.tape.apply(Binary::add(), &[products, &asking])?;
                let query = pass.tape.apply(Pointwise::tanh(), &[&sum])?;
                let q = product(pass, &query, self.vector)?;
                let first = tokens.skips.len();
                choose.skips(layer, q.value().data(), &mut tokens.skips);
                skips.push(q);
                let shares = Tensor::constant(shares(&tokens.skips[first..], n));
                let chosen = pass.tape.apply(Binary::mul(), &[anchors, &shares])?;
                x = pass.tape.apply(Sum { axes: Axes::of(&[0]), keepdim: false }, &[&chosen])?;
            }
            if layer + 1 < layers {
                let new = [lifted(pass, &state[0])?, {
                    let product = product(pass, &state[0], self.attention[0])?;
                    lifted(pass, &product)?
                }];
                anchors = Some(match anchors.take() {
                    None => new,
                    Some([a, p]) => [joined(pass, &[a, new[0].clone()], 0)?, joined(pass, &[p, new[1].clone()], 0)?],
                });
            }
        }
        let skips = if skips.is_empty() { None } else { Some(joined(pass, &skips, 0)?) };
        Ok(Raw { n, operations: joined(pass, &operations, 0)?, skips })
    }
}

/// What each earlier layer's anchor weighs in the next input, `[layer, N, 1]`: 1 / (1 + those chosen), or 0.
fn shares(chosen: &[i32], n: usize) -> Value {
    let layer = chosen.len() / n;
    let mut shares = Value::zeros([layer, n, 1]);
    let to = shares.data_mut();
    for a in 0..n {
        let all = || (0..layer).map(|j| j * n + a).filter(|&i| chosen[i] == 1);
        let share = 1.0 / (1 + all().count()) as f32;
        all().for_each(|i| to[i] = share);
    }
    shares
}

impl Raw {
    /// Of these tokens.
    ///
    /// # Errors
    /// None with tokens of the same walk.
    pub(super) fn log_probabilities(&self, pass: &mut Pass<'_>, tokens: &Tokens) -> Result<LogProbabilities, OpError> {
        let picked = |pass: &mut Pass<'_>, logits: &Tensor, dim: usize, tokens: &[i32]| {
            let log = pass.tape.apply(Softmax::log(-1), &[logits])?;
            let index = Value::from_ints(log.shape().with(dim, 1), tokens).into();
            pass.tape.apply(Gather { dim }, &[&log, &index])
        };
        let logits = squash(pass, &self.operations)?;
        let operations = picked(pass, &logits, 1, &tokens.operations)?;
        let Some(q) = &self.skips else {
            return Ok(LogProbabilities { n: self.n, operations, skips: None, pairs: None });
        };
        let t = squash(pass, q)?;
        let pairs = pair(pass, &t)?;
        let skips = picked(pass, &pairs, 2, &tokens.skips)?;
        Ok(LogProbabilities { n: self.n, operations, skips: Some(skips), pairs: Some(pairs) })
    }

    /// z, `[L N, 7]`.
    pub(super) fn operations(&self) -> &[f32] {
        self.operations.value().data()
    }

    /// q, `[S, N]`.
    pub(super) fn skips(&self) -> &[f32] {
        self.skips.as_ref().map_or(&[], |q| q.value().data())
    }
}

impl LogProbabilities {
    /// Of each architecture: the plain sum in f64 over its operations by layer, then its skips, rounded once.
    pub(super) fn of_each(&self) -> Vec<f32> {
        let skips = self.skips.as_ref().map_or(&[][..], |s| s.value().data());
        let one = |a: usize| {
            let all = self.operations.value().data().iter().chain(skips).skip(a).step_by(self.n);
            all.fold(0.0, |sum, &p| sum + f64::from(p)) as f32
        };
        (0..self.n).map(one).collect()
    }

    /// `sum over architectures of -log p times advantage`, and `weight` times the mean penalty of the skips.
    ///
    /// # Errors
    /// None with as many advantages as architectures.
    pub(super) fn loss(
        &self,
        pass: &mut Pass<'_>,
        advantages: &[f32],
        layers: usize,
        weight: f64,
    ) -> Result<Tensor, OpError> {
        let n = advantages.len();
        let total = |pass: &mut Pass<'_>, x: &Tensor, by: Value| {
            let x = pass.tape.apply(Binary::mul(), &[x, &by.into()])?;
            pass.tape.apply(Sum { axes: Axes::ALL, keepdim: false }, &[&x])
        };
        let mut by = Value::uninit([layers * n, 1]);
        by.data_mut().chunks_exact_mut(n).for_each(|row| row.iter_mut().zip(advantages).for_each(|(b, a)| *b = -a));
        let operations = total(pass, &self.operations, by)?;
        let (Some(skips), Some(pairs)) = (&self.skips, &self.pairs) else { return Ok(operations) };
        let mut by = Value::uninit([n, 1]);
        by.data_mut().iter_mut().zip(advantages).for_each(|(b, a)| *b = -a);
        let skips = total(pass, skips, by)?;
        let policy = pass.tape.apply(Binary::add(), &[&operations, &skips])?;
        let penalty = penalty(pass, pairs)?;
        let penalty = total(pass, &penalty, shares_of_layers(layers, n, weight))?;
        pass.tape.apply(Binary::add(), &[&policy, &penalty])
    }
}

/// `s ln(s / target)` of both logits of every skip, `[S, N, 2]`, where s is the *sigmoid* of each logit and the targets
/// are .6 (not added) and .4 (added).
///
/// That the logits are t and -t makes it a divergence between s and target, least at t = ln(.4 / .6); but skips are drawn by
/// the logits' softmax, sigmoid(2 t), which there is .308. The reference's slip, and part of its protocol.
fn penalty(pass: &mut Pass<'_>, pairs: &Tensor) -> Result<Tensor, OpError> {
    let targets = [1.0 - TARGET, TARGET].map(|t| math::ln(t) as f32);
    let s = pass.tape.apply(Pointwise::sigmoid(), &[pairs])?;
    let log = pass.tape.apply(Pointwise::log(), &[&s])?;
    let ratio = pass.tape.apply(Binary::sub(), &[&log, &Value::from_slice([2], &targets).into()])?;
    pass.tape.apply(Binary::mul(), &[&s, &ratio])
}

/// What each skip's penalty weighs, `[S, 1, 1]`: the mean over a layer's skips, then over layers, then over `n`
/// architectures.
fn shares_of_layers(layers: usize, n: usize, weight: f64) -> Value {
    let mut shares = Value::uninit([layers * (layers - 1) / 2, 1, 1]);
    let mut rest = shares.data_mut();
    for layer in 1..layers {
        let (row, after) = rest.split_at_mut(layer);
        row.fill((weight / (layer * (layers - 1) * n) as f64) as f32);
        rest = after;
    }
    shares
}

//! Controllers: the peer's, token by token, and AMBER's.

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::index::embedding::Embedding;
use kernels::ops::index::gather::Gather;
use kernels::ops::linear::linear::Linear;
use kernels::ops::lstm::lstm_cell::LstmCell;
use kernels::ops::optim::adam::Adam as Rule;
use kernels::ops::reduce::{Axes, sum::Sum};
use kernels::ops::softmax::Softmax;
use kernels::rng::{Key, Purpose};
use kernels::{Shape, Tensor as Value};
use nas::amber::{Controller, space};
use nn::{Adam, Builder, Init, Layout, Mode, OpError, Params, Pass, Tape, Tensor};

use super::workloads::Step;

/// Architectures of an update.
const BATCH: usize = 20;
/// Units of the LSTM.
const UNITS: usize = 64;
/// Tokens of an architecture.
const TOKENS: usize = 78;
/// What a token may be; one more row of the embedding is the first input.
const CHOICES: usize = 7;

/// A token of each architecture, drawn by probabilities `[20, 7]`.
fn drawn(p: &[f32], mut uniform: impl FnMut() -> f32, tokens: &mut [i32; BATCH]) {
    for (token, p) in tokens.iter_mut().zip(p.chunks_exact(CHOICES)) {
        let (u, mut sum) = (uniform(), 0.0);
        let past = p.iter().position(|p| {
            sum += p;
            u < sum
        });
        *token = past.unwrap_or(CHOICES - 1) as i32;
    }
}

/// The peer's update: an LSTM cell with biases, an embedding of 8 rows and a linear head sample 78 tokens for each of 20
/// architectures; then REINFORCE's gradients, every reward being 1, and Adam.
///
/// # Errors
/// What an op refuses.
pub fn peer() -> Result<Step, OpError> {
    let (mut params, mut tape) = (Params::new(), Tape::new());
    let mut at = Builder::new(&mut params, 0);
    let mut weight = |name: &str, shape: &[usize], init| at.parameter(name, Shape::new(shape), Layout::Plain, init);
    let near_root = Init::Uniform { fan_in: UNITS };
    let cell = [
        weight("cell.inputs", &[UNITS, 4 * UNITS], near_root),
        weight("cell.states", &[UNITS, 4 * UNITS], near_root),
        weight("cell.input_bias", &[4 * UNITS], near_root),
        weight("cell.state_bias", &[4 * UNITS], near_root),
    ];
    let embedding = weight("embedding", &[CHOICES + 1, UNITS], Init::Normal(1.0));
    let head = [weight("head", &[UNITS, CHOICES], near_root), weight("head_bias", &[CHOICES], near_root)];
    let mut adam = Adam::new(Rule::default())?;
    let mut step = 0;
    Ok(Box::new(move || {
        step += 1;
        let key = Key::new(0, Purpose::Search).at(0, step);
        let mut stream = key.stream(0);
        let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(key));
        let (cell, embedding) = (cell.map(|id| pass.param(id)), pass.param(embedding));
        let head = head.map(|id| pass.param(id));
        let mut state = [0, 1].map(|_| Tensor::constant(Value::zeros([BATCH, UNITS])));
        let mut tokens = [CHOICES as i32; BATCH];
        let mut total: Option<Tensor> = None;
        for _ in 0..TOKENS {
            let x = pass.tape.apply(Embedding, &[&embedding, &Value::from_ints([BATCH], &tokens).into()])?;
            let [h, c] = &state;
            let inputs = [&x, h, c, &cell[0], &cell[1], &cell[2], &cell[3]];
            let mut next = pass.tape.record(LstmCell, &inputs)?;
            state = [next.take(0), next.take(1)];
            let logits = pass.tape.apply(Linear { bias: true }, &[&state[0], &head[0], &head[1]])?;
            let log = pass.tape.apply(Softmax::log(-1), &[&logits])?;
            let p = pass.tape.apply(Pointwise::exp(), &[&log.detached()])?;
            drawn(p.value().data(), || stream.uniform(), &mut tokens);
            let chosen = pass.tape.apply(Gather { dim: 1 }, &[&log, &Value::from_ints([BATCH, 1], &tokens).into()])?;
            total = Some(match total {
                Some(total) => pass.tape.apply(Binary::add(), &[&total, &chosen])?,
                None => chosen,
            });
        }
        let total = total.expect("there are tokens");
        let sum = pass.tape.apply(Sum { axes: Axes::ALL, keepdim: false }, &[&total])?;
        let loss = pass.tape.apply(Binary::mul(), &[&sum, &Value::full([1], -1.0).into()])?;
        pass.backward(&loss)?;
        adam.step(&mut params, 1e-3);
        Ok(())
    }))
}

/// AMBER's own controller: samples 20 architectures of 12 layers, and one update by made-up advantages.
///
/// # Errors
/// None at present.
pub fn amber() -> Result<Step, OpError> {
    let mut controller = Controller::new(space::LAYERS, 0);
    let advantages: [f32; BATCH] = std::array::from_fn(|i| (i % 5) as f32 * 0.01 - 0.02);
    let mut step = 0;
    Ok(Box::new(move || {
        step += 1;
        let batch = controller.sample(Key::new(0, Purpose::Search).at(0, step), BATCH);
        let done = controller.update(&batch, &advantages);
        done.map(drop).map_err(|e| OpError::new("controller", e.to_string(), "this is a fault of the program"))
    }))
}

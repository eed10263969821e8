//! One forward, and the gradients of it.

use autograd::{OpError, Tape, Tensor};
use kernels::rng::{Key, Stream};
use kernels::{Device, Op};

use crate::{Kind, ParamId, Params};

/// What a forward is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, dropout with masks of this key (at the run's epoch and step), everything recorded.
    Train(Key),
    /// Running statistics, no dropout, nothing recorded.
    Eval,
}

/// What a forward needs: the tape, the numbers, the mode. It borrows all for one step.
///
/// In training: make one, run the network and the loss, call [`Pass::backward`], then the optimiser. When a pass ends the
/// tape is cleared and no parameter is shared, so the update writes in place; a steady step allocates nothing new.
pub struct Pass<'a> {
    /// Where ops are recorded.
    pub tape: &'a mut Tape,
    /// The numbers; layers read them through [`Pass::param`] and write running statistics.
    pub params: &'a mut Params,
    /// Probability with which drop-path layers drop a sample in this step, 0 unless set: it grows with the training. At 0
    /// they record nothing, so a step that was captured at 0 is captured anew when it is another.
    pub drop_path: f32,
    mode: Mode,
    draws: u64,
}

impl<'a> Pass<'a> {
    /// Begins a pass: clears the tape, and in training forgets the last gradients.
    pub fn new(tape: &'a mut Tape, params: &'a mut Params, mode: Mode) -> Self {
        tape.clear();
        tape.pause(mode == Mode::Eval);
        if mode != Mode::Eval {
            params.zero_grad();
        }
        params.leaves.clear();
        params.leaves.resize(params.entries().len(), None);
        Self { tape, params, drop_path: 0.0, mode, draws: 0 }
    }

    /// Where the parameters live, and so where this pass computes.
    pub fn device(&self) -> Device {
        self.params.device()
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether batch statistics and dropout are on.
    pub fn training(&self) -> bool {
        matches!(self.mode, Mode::Train(_))
    }

    /// An entry as an input of ops: a leaf, the same one all through the pass; a buffer is a constant.
    pub fn param(&mut self, id: ParamId) -> Tensor {
        if let Some(leaf) = &self.params.leaves[id.0] {
            return leaf.clone();
        }
        let entry = &self.params.entries()[id.0];
        let value = entry.value().clone();
        if entry.kind() == Kind::Buffer {
            return Tensor::constant(value);
        }
        let leaf = self.tape.leaf(value);
        self.params.leaves[id.0] = Some(leaf.clone());
        leaf
    }

    /// Takes a parameter as a constant for the rest of this pass: its gradient is not computed, and it gets none.
    pub fn hold(&mut self, id: ParamId) {
        let value = self.params.value(id).clone();
        self.params.leaves[id.0] = Some(Tensor::constant(value));
    }

    /// Key and number of this step's next random op (dropout, drop-path); `None` in evaluation.
    pub fn draw(&mut self) -> Option<(Key, u64)> {
        let Mode::Train(key) = self.mode else { return None };
        self.draws += 1;
        Some((key, self.draws - 1))
    }

    /// Stream of this step's next random op; `None` in evaluation.
    pub fn stream(&mut self) -> Option<Stream> {
        self.draw().map(|(key, index)| key.stream(index))
    }

    /// Records an op of one visible output; a refusal names `layer`.
    ///
    /// # Errors
    /// What the op refuses.
    pub fn apply<O: Op>(&mut self, layer: &str, op: O, inputs: &[&Tensor]) -> Result<Tensor, OpError> {
        self.tape.apply(op, inputs).map_err(|e| e.in_layer(layer))
    }

    /// Gradients of `loss`, then [`Pass::finish`].
    ///
    /// # Errors
    /// If the loss is not one number or depends on no parameter.
    pub fn backward(self, loss: &Tensor) -> Result<(), OpError> {
        self.tape.backward(loss)?;
        self.finish();
        Ok(())
    }

    /// Moves the gradients of a backward run on [`Pass::tape`] into [`Params::grad`]; what the loss does not depend on
    /// gets none.
    pub fn finish(self) {
        for i in 0..self.params.leaves.len() {
            let grad = self.params.leaves[i].as_ref().and_then(|leaf| self.tape.grad(leaf)).cloned();
            self.params.set_grad(ParamId(i), grad);
        }
    }
}

impl Drop for Pass<'_> {
    /// Lets go of everything the pass held: nothing shares a parameter or gradient any more.
    fn drop(&mut self) {
        self.params.leaves.clear();
        self.tape.clear();
        self.tape.pause(false);
    }
}

//! An optimiser of any kind, as a training loop holds it.

use kernels::cuda::step::Changing;
use kernels::ops::optim::{adam, sgd};

use crate::{Adam, Checkpoint, CheckpointError, OpError, ParamId, Params, Sgd};

/// What moves a network's parameters.
#[derive(Debug)]
pub enum Optimiser {
    /// SGD.
    Sgd(Sgd),
    /// Adam or AdamW.
    Adam(Adam),
}

impl Optimiser {
    /// SGD with this rule.
    ///
    /// # Errors
    /// If the rule's numbers make no sense.
    pub fn sgd(rule: sgd::Sgd) -> Result<Self, OpError> {
        Ok(Self::Sgd(Sgd::new(rule)?))
    }

    /// Adam or AdamW with this rule.
    ///
    /// # Errors
    /// If the rule's numbers make no sense.
    pub fn adam(rule: adam::Adam) -> Result<Self, OpError> {
        Ok(Self::Adam(Adam::new(rule)?))
    }

    /// From now on these entries alone have weight decay.
    pub fn decay_only(&mut self, entries: &[ParamId]) {
        match self {
            Self::Sgd(sgd) => sgd.decay_only(entries),
            Self::Adam(adam) => adam.decay_only(entries),
        }
    }

    /// Moves every parameter that has a gradient, in place.
    pub fn step(&mut self, params: &mut Params, rate: f64) {
        match self {
            Self::Sgd(sgd) => sgd.step(params, rate),
            Self::Adam(adam) => adam.step(params, rate),
        }
    }

    /// The numbers of a step that a card repeats from a graph: what the captured one put, with those of now. To be told of
    /// every such step once before ([`Optimiser::repeat`]).
    pub fn now(&self, captured: Changing, rate: f64) -> Changing {
        match (captured, self) {
            (Changing::Rate(_), Self::Sgd(_)) => Changing::Rate(rate as f32),
            (Changing::Adam(_), Self::Adam(adam)) => adam.now(rate),
            (other, _) => other,
        }
    }

    /// A captured step is about to be repeated: counts it.
    pub fn repeat(&mut self) {
        if let Self::Adam(adam) = self {
            adam.repeat();
        }
    }

    /// Whether a step may be captured: all that has moved has moved as often.
    pub fn in_step(&self) -> bool {
        match self {
            Self::Sgd(_) => true,
            Self::Adam(adam) => adam.in_step(),
        }
    }

    /// Puts its state.
    pub fn save(&self, params: &Params, checkpoint: &mut Checkpoint) {
        match self {
            Self::Sgd(sgd) => sgd.save(params, checkpoint),
            Self::Adam(adam) => adam.save(params, checkpoint),
        }
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If something has another shape, or lacks another part of itself; nothing is changed then.
    pub fn load(&mut self, params: &Params, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        match self {
            Self::Sgd(sgd) => sgd.load(params, checkpoint),
            Self::Adam(adam) => adam.load(params, checkpoint),
        }
    }
}

//! What can go wrong with a cell.

use crate::run::RunError;

/// A cell failed or was stopped. What was saved before stands, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run's folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The task's data.
    #[error(transparent)]
    Data(#[from] tasks::Error),
    /// A network refused its input.
    #[error(transparent)]
    Op(#[from] nn::OpError),
    /// A checkpoint does not fit.
    #[error(transparent)]
    Checkpoint(#[from] nn::CheckpointError),
    /// An architecture's description.
    #[error("{0}")]
    Arch(String),
    /// Numbers ran away.
    #[error(
        "the loss is {value} in epoch {epoch}, step {step} (learning rate {rate}): {origin}; the last checkpoint is kept; try a smaller lr"
    )]
    NotFinite {
        /// What the loss was.
        value: f32,
        /// Where it began: layer and op.
        origin: String,
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1, within the epoch.
        step: usize,
        /// The learning rate of the step.
        rate: f64,
    },
    /// Ctrl-C or a request to end.
    #[error(
        "stopped on request in epoch {epoch}, after {steps} steps of it; everything is saved: the same command goes on"
    )]
    Interrupted {
        /// Counted from 1.
        epoch: usize,
        /// Steps done of it.
        steps: usize,
    },
}

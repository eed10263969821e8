//! What stands between stored items and a network, where a task normalises: fitted on the items that are fitted.

use kernels::Tensor;

/// A task's normalisation, fitted; see [`crate::Task::transform`].
pub trait Transform: Send {
    /// What the network reads for a batch of stored inputs `[B, ...]`.
    fn input(&self, x: &Tensor) -> Tensor;

    /// `outputs * scale + shift` is in the targets' unit; both have the shape of one target. `None`: outputs are.
    fn output(&self) -> Option<(&Tensor, &Tensor)> {
        None
    }
}

//! Exponentiated gradient over parameters whose rows are distributions.

use kernels::ops::optim::exponentiated::Exponentiated;

use crate::{ParamId, Params};

/// Exponentiated gradient: the step of [`kernels::ops::optim::exponentiated`]. It keeps nothing, so checkpoints need nothing
/// of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentiatedGradient {
    /// Lengths of a parameter's rows, over and over.
    pub rows: &'static [usize],
    /// Least number before a row is normalised; 0: none.
    pub floor: f64,
}

impl ExponentiatedGradient {
    /// Moves one parameter in place, if it has a gradient.
    pub fn step(&self, params: &mut Params, id: ParamId, rate: f64) {
        if let Some((value, grad)) = params.value_and_grad_mut(id) {
            Exponentiated { rows: self.rows, floor: self.floor }.step(rate, value, grad);
        }
    }
}

//! Exponentiated gradient over parameters whose rows are distributions.

use kernels::ops::optim::exponentiated;

use crate::{Kind, ParamId, Params};

/// Exponentiated gradient: the step of [`kernels::ops::optim::exponentiated`]. It keeps nothing, so checkpoints need nothing
/// of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExponentiatedGradient;

impl ExponentiatedGradient {
    /// Moves every parameter that has a gradient, in place.
    pub fn step(&self, params: &mut Params, rate: f64) {
        for i in 0..params.entries().len() {
            if params.entries()[i].kind() == Kind::Parameter
                && let Some((value, grad)) = params.value_and_grad_mut(ParamId(i))
            {
                exponentiated::step(rate, value, grad);
            }
        }
    }
}

//! Dropout.

use autograd::{OpError, Tensor};

use kernels::ops::elementwise::dropout::Dropout as Op;

use super::Builder;
use crate::Pass;

/// Zeroes each number with probability p in training and divides the others by 1 - p.
///
/// The mask is keyed by the pass's key and the number of the random op in the step; with p = 0 nothing is recorded, but
/// the number is taken, so the masks of other layers do not depend on it.
#[derive(Debug, Clone)]
pub struct Dropout {
    name: String,
    p: f32,
}

impl Builder<'_> {
    /// A dropout; the name is only for messages.
    ///
    /// # Panics
    /// If p is not in [0, 1).
    pub fn dropout(&mut self, name: &str, p: f32) -> Dropout {
        let name = self.path(name);
        assert!((0.0..1.0).contains(&p), "'{name}': dropout with probability {p}");
        Dropout { name, p }
    }
}

impl Dropout {
    /// Drops in training, passes through in evaluation.
    ///
    /// # Errors
    /// None at present.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        match pass.draw() {
            Some((key, index)) if self.p > 0.0 => pass.apply(&self.name, Op::new(key, index, self.p), &[x]),
            _ => Ok(x.clone()),
        }
    }
}

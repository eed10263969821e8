//! Clipping by the global norm of all gradients.

use kernels::ops::optim::grad_norm::{Scratch, scale, sum_of_squares};
use kernels::tree;

use crate::{ParamId, Params};

/// Scales all gradients so that their common norm is at most `max_norm`, as PyTorch does.
///
/// Each gradient's sum of squares is f64 in the order of [`kernels::ops::optim::grad_norm`] (of our layout); the sums of
/// the parameters that have a gradient are added in the fixed tree, in insertion order; norm = their square root. The
/// factor `min(1, max_norm / (norm + 1e-6))` is f64, rounded once to f32; a factor of 1 changes nothing, NaN stays NaN.
#[derive(Debug)]
pub struct Clip {
    max_norm: f64,
    scratch: Scratch,
    sums: Vec<f64>,
}

impl Clip {
    /// With this bound.
    pub fn new(max_norm: f64) -> Self {
        Self { max_norm, scratch: Scratch::default(), sums: Vec::new() }
    }

    /// Clips; gives the norm before.
    pub fn clip(&mut self, params: &mut Params) -> f64 {
        self.sums.clear();
        for e in params.entries() {
            if let Some(g) = e.grad() {
                self.sums.push(sum_of_squares(g, &mut self.scratch));
            }
        }
        let norm = tree::sum(&mut self.sums).sqrt();
        let factor = self.max_norm / (norm + 1e-6);
        let factor = if factor > 1.0 { 1.0 } else { factor as f32 };
        if factor != 1.0 {
            for i in 0..params.entries().len() {
                if let Some((_, g)) = params.value_and_grad_mut(ParamId(i)) {
                    scale(g, factor);
                }
            }
        }
        norm
    }
}

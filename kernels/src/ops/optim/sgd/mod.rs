//! Stochastic gradient descent, with PyTorch's semantics (dampening 0).
//!
//! For every element, each line rounded once:
//! ```text
//! g' = fma(weight_decay, p, g)        where weight_decay is not 0, else g
//! b  = g'                             on the first step,
//!      fma(momentum, b, g')           afterwards             (momentum 0: no b, d = g')
//! d  = fma(momentum, b, g')           with Nesterov, else b
//! p  = fma(-lr, d, p)
//! ```
//! `lr` is the schedule's f64 rounded once to f32; `-lr` is exact. Elements are independent, so there is no order.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::{Device, OpError, Tensor};

/// What stays the same from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Share of the old direction; 0 keeps none.
    pub momentum: f32,
    /// Multiple of the parameter that joins its gradient.
    pub weight_decay: f32,
    /// Look ahead along the new direction.
    pub nesterov: bool,
}

impl Sgd {
    /// Refuses what PyTorch refuses, and numbers that are none.
    ///
    /// # Errors
    /// A negative or non-finite number, or Nesterov without momentum.
    pub fn check(&self) -> Result<(), OpError> {
        for (name, x) in [("momentum", self.momentum), ("weight decay", self.weight_decay)] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(OpError::new("sgd", format!("{name} {x}"), "give a finite number, 0 or more"));
            }
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(OpError::new("sgd", "Nesterov with momentum 0", "give a momentum or switch Nesterov off"));
        }
        Ok(())
    }

    /// One step: `p`, `g` and `buffer` have one shape, and `buffer` (the old direction) is overwritten with the new one.
    /// On the first step its contents do not matter; with momentum 0 it is `None`.
    ///
    /// # Panics
    /// If the shapes differ or `buffer` is missing.
    pub fn step(&self, lr: f32, p: &mut Tensor, g: &Tensor, buffer: Option<&mut Tensor>, first: bool) {
        assert_eq!(p.shape(), g.shape(), "a gradient has the shape of its parameter");
        let buffer = buffer.filter(|_| self.momentum != 0.0);
        assert!(self.momentum == 0.0 || buffer.is_some(), "a step with momentum needs a buffer");
        assert!(
            buffer.as_ref().is_none_or(|b| b.shape() == p.shape()),
            "a momentum buffer has the shape of its parameter"
        );
        if p.device() != Device::Cpu {
            return cuda::step(self, lr, p, g, buffer, first);
        }
        match buffer {
            Some(b) => cpu::with_momentum(self, lr, p.data_mut(), g.data(), b.data_mut(), first),
            None => cpu::plain(self, lr, p.data_mut(), g.data()),
        }
    }
}

//! A bound on the norms of a kernel's columns, with Keras' semantics (`MaxNorm` along the first axis).
//!
//! A parameter is taken as a matrix of *taps* rows; a convolution's `[k, I, O]` has k taps and I O columns. For every column, in
//! f32, each operation rounded:
//! ```text
//! s = fma(w, w, s)         from +0, taps ascending
//! n = sqrt(s)
//! f = (n > most ? most : n) / (n + eps)
//! w = w * f                each tap
//! ```
//! So a column of a norm below the bound shrinks too, by a factor of about `1 - eps / n`, as Keras' does. NaN stays NaN.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::{Device, OpError, Tensor};

/// The bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxNorm {
    /// The largest norm.
    pub most: f32,
    /// Added to a norm that is divided by.
    pub eps: f32,
}

impl MaxNorm {
    /// Keras' rule: 1e-7 is added to norms.
    pub fn keras(most: f32) -> Self {
        Self { most, eps: 1e-7 }
    }

    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// A bound or an addend that is not above 0.
    pub fn check(&self) -> Result<(), OpError> {
        for (name, x) in [("norm", self.most), ("eps", self.eps)] {
            if !(x > 0.0 && x.is_finite()) {
                return Err(OpError::new("max_norm", format!("{name} {x}"), "give a finite number above 0"));
            }
        }
        Ok(())
    }

    /// Bounds the columns of a parameter, whose first dimension is its taps, in place.
    pub fn apply(&self, w: &mut Tensor) {
        if w.is_empty() {
            return;
        }
        let taps = w.shape()[0];
        match w.device() {
            Device::Cpu => cpu::apply(self, w.data_mut(), taps),
            Device::Cuda(_) => cuda::apply(self, w, taps),
        }
    }
}

//! RMSprop, with PyTorch's semantics.
//!
//! In f64, then rounded once to f32: `c = 1 - alpha`, `eps`, `wd`, `momentum`, `lr`. For every element, each operation
//! rounded:
//! ```text
//! g' = fma(wd, p, g)                  where wd is not 0, else g
//! v  = fma(c, g' * g' - v, v)         from +0
//! a  = fma(c, g' - a, a)              from +0; centred only
//! w  = fma(-a, a, v), +0 if below 0   centred, else v
//! d  = g' / (sqrt(w) + eps)
//! b  = fma(momentum, b, d)            from +0; where momentum is not 0
//! p  = fma(-lr, b, p)                 b being d for momentum 0
//! ```
//! (PyTorch takes the root of what is below 0 by rounding, and gets NaN.) Elements are independent, so there is no order.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::{Device, OpError, Tensor};

/// What stays the same from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// Share of the old squares.
    pub alpha: f64,
    /// Added to the root.
    pub eps: f64,
    /// Multiple of the parameter that joins its gradient.
    pub weight_decay: f64,
    /// Share of the old direction; 0 keeps none.
    pub momentum: f64,
    /// Divides by the deviation from the mean gradient.
    pub centered: bool,
}

impl Default for RmsProp {
    /// PyTorch's.
    fn default() -> Self {
        Self { alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false }
    }
}

/// The f32 numbers of one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub c: f32,
    pub eps: f32,
    pub wd: f32,
    pub momentum: f32,
    pub lr: f32,
}

/// What is kept for a parameter; each of its shape, and +0 before the first step.
#[derive(Debug)]
pub struct State<'a, T: ?Sized> {
    /// Mean of squares.
    pub square: &'a mut T,
    /// Mean gradient; centred only.
    pub mean: Option<&'a mut T>,
    /// Direction; with momentum only.
    pub buffer: Option<&'a mut T>,
}

impl RmsProp {
    /// Refuses what PyTorch refuses, and numbers that are none.
    ///
    /// # Errors
    /// An alpha outside [0, 1), a negative or non-finite number.
    pub fn check(&self) -> Result<(), OpError> {
        if !(0.0..1.0).contains(&self.alpha) {
            return Err(OpError::new("rmsprop", format!("alpha {}", self.alpha), "give 0 or more and less than 1"));
        }
        for (name, x) in [("eps", self.eps), ("weight decay", self.weight_decay), ("momentum", self.momentum)] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(OpError::new("rmsprop", format!("{name} {x}"), "give a finite number, 0 or more"));
            }
        }
        Ok(())
    }

    pub(crate) fn numbers(&self, lr: f64) -> Numbers {
        Numbers {
            c: (1.0 - self.alpha) as f32,
            eps: self.eps as f32,
            wd: self.weight_decay as f32,
            momentum: self.momentum as f32,
            lr: lr as f32,
        }
    }

    /// One step of a parameter; `lr` is rounded once to f32.
    ///
    /// # Panics
    /// If the shapes differ, or the state has more or less than the rule asks for.
    pub fn step(&self, lr: f64, p: &mut Tensor, g: &Tensor, state: State<'_, Tensor>) {
        assert_eq!(p.shape(), g.shape(), "a gradient has the shape of its parameter");
        assert!(
            state.mean.is_some() == self.centered && state.buffer.is_some() == (self.momentum != 0.0),
            "a centred rule keeps a mean, one with momentum a buffer"
        );
        let shape = p.shape();
        let State { square, mean, buffer } = state;
        let fits = |t: Option<&Tensor>| t.is_none_or(|t| t.shape() == shape);
        assert!(
            fits(Some(square)) && fits(mean.as_deref()) && fits(buffer.as_deref()),
            "averages have the shape of their parameter"
        );
        let state = State { square, mean, buffer };
        if p.device() != Device::Cpu {
            return cuda::step(self, self.numbers(lr), p, g, state);
        }
        let State { square, mean, buffer } = state;
        let slices =
            State { square: square.data_mut(), mean: mean.map(Tensor::data_mut), buffer: buffer.map(Tensor::data_mut) };
        cpu::step(self, self.numbers(lr), p.data_mut(), g.data(), slices);
    }
}

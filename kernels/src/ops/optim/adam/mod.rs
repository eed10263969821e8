//! Adam, and AdamW, with PyTorch's semantics (no AMSGrad).
//!
//! In f64, then rounded once to f32: `c1 = 1 - beta1`, `c2 = 1 - beta2`, `eps`, `wd`; and for step t = 1, 2, ... at rate lr
//! `a = lr / (1 - beta1^t)`, `r = 1 / sqrt(1 - beta2^t)`, `k = lr wd`, powers by [`crate::math::pow`]. Then for every element,
//! each operation rounded:
//! ```text
//! p  = fma(-k, p, p)                  AdamW, where wd is not 0
//! g' = fma(wd, p, g)                  Adam, where wd is not 0, else g
//! m  = fma(c1, g' - m, m)             from +0
//! v  = fma(c2, g' * g' - v, v)        from +0
//! p  = fma(-a, m / fma(sqrt(v), r, eps), p)
//! ```
//! Elements are independent, so there is no order.

mod cpu;
pub mod cuda;
mod reference;
#[cfg(test)]
mod tests;

pub use reference::reference;

use crate::cuda::step::Changing;
use crate::math::pow;
use crate::{Device, OpError, Tensor};

/// What stays the same from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Share of the old direction.
    pub beta1: f64,
    /// Share of the old squares.
    pub beta2: f64,
    /// Added to the root.
    pub eps: f64,
    /// Multiple of the parameter that joins its gradient, or, decoupled, that is taken from it at the learning rate.
    pub weight_decay: f64,
    /// AdamW.
    pub decoupled: bool,
}

impl Default for Adam {
    /// PyTorch's Adam.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

/// The f32 numbers of one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub c1: f32,
    pub c2: f32,
    pub eps: f32,
    pub wd: f32,
    pub a: f32,
    pub r: f32,
    pub k: f32,
}

impl Numbers {
    /// Those of them that change from step to step.
    fn changing(self) -> Changing {
        Changing::Adam([self.a, self.r, self.k])
    }
}

impl Adam {
    /// PyTorch's AdamW.
    pub fn w() -> Self {
        Self { weight_decay: 1e-2, decoupled: true, ..Self::default() }
    }

    /// Refuses what PyTorch refuses, and numbers that are none.
    ///
    /// # Errors
    /// A beta outside [0, 1), a negative or non-finite number.
    pub fn check(&self) -> Result<(), OpError> {
        for (name, x) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&x) {
                return Err(OpError::new("adam", format!("{name} {x}"), "give 0 or more and less than 1"));
            }
        }
        for (name, x) in [("eps", self.eps), ("weight decay", self.weight_decay)] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(OpError::new("adam", format!("{name} {x}"), "give a finite number, 0 or more"));
            }
        }
        Ok(())
    }

    /// The numbers of step `t`, counted from 1.
    pub(crate) fn numbers(&self, lr: f64, t: u32) -> Numbers {
        let seen = |beta: f64| 1.0 - pow(beta, f64::from(t));
        Numbers {
            c1: (1.0 - self.beta1) as f32,
            c2: (1.0 - self.beta2) as f32,
            eps: self.eps as f32,
            wd: self.weight_decay as f32,
            a: (lr / seen(self.beta1)) as f32,
            r: (1.0 / seen(self.beta2).sqrt()) as f32,
            k: (lr * self.weight_decay) as f32,
        }
    }

    /// What a card reads in step `t`, counted from 1.
    pub fn changing(&self, lr: f64, t: u32) -> Changing {
        self.numbers(lr, t).changing()
    }

    /// Step `t` of a parameter, counted from 1. `p`, `g`, the direction `m` and the squares `v` have one shape; before the
    /// first step `m` and `v` are +0.
    ///
    /// # Panics
    /// If the shapes differ, or `t` is 0.
    pub fn step(&self, lr: f64, t: u32, p: &mut Tensor, g: &Tensor, m: &mut Tensor, v: &mut Tensor) {
        assert!(t > 0, "steps are counted from 1");
        assert_eq!(p.shape(), g.shape(), "a gradient has the shape of its parameter");
        assert!(m.shape() == p.shape() && v.shape() == p.shape(), "averages have the shape of their parameter");
        let numbers = self.numbers(lr, t);
        match p.device() {
            Device::Cpu => cpu::step(self, numbers, p.data_mut(), g.data(), m.data_mut(), v.data_mut()),
            Device::Cuda(_) => cuda::step(self, numbers, p, g, m, v),
        }
    }
}

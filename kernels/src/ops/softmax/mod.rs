//! Softmax and its logarithm along one dimension.
//!
//! x `[...]` -> y `[...]`. Of each line along `dim`, in f64: m = its maximum (comparisons; NaN makes the whole line
//! NaN), `e_i = exp(x_i - m)`, s = the long sum of e ([`crate::math::sum`]); then `y_i = e_i (1 / s)`, or
//! `y_i = (x_i - m) - ln s`, rounded once. Numbers of -inf give 0 and -inf; a line of nothing else gives NaN.
//!
//! Gradients from y and dy, likewise in f64 with long sums: `y_i (dy_i - sum y dy)`, and `dy_i - exp(y_i) sum dy`.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;
pub(crate) mod scratch;

pub(crate) use cpu::{exponentials, maximum};

use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Softmax or log-softmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax {
    /// Dimension; negative ones count from the last.
    pub dim: isize,
    /// The logarithm.
    pub log: bool,
}

impl Softmax {
    /// Softmax along `dim` (-1: the last).
    pub fn new(dim: isize) -> Self {
        Self { dim, log: false }
    }

    /// Log-softmax along `dim` (-1: the last).
    pub fn log(dim: isize) -> Self {
        Self { dim, log: true }
    }

    /// (lines outside, length of a line, step along it), if the shape has the dimension.
    fn lines(&self, x: &Shape) -> Option<[usize; 3]> {
        let rank = x[..].len() as isize;
        let dim = if self.dim < 0 { self.dim + rank } else { self.dim };
        let dim = usize::try_from(dim).ok().filter(|&d| d < x[..].len())?;
        Some([x[..dim].iter().product(), x[dim], x[dim + 1..].iter().product()])
    }
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    /// Any one shape that has the dimension, not of size 0.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(self.name(), format!("{} inputs", inputs.len()), "give one"));
        };
        match self.lines(x) {
            Some([_, length, _]) if length > 0 => Ok(Outputs::one(*x)),
            _ => Err(OpError::new(
                self.name(),
                format!("{x} has no numbers along dimension {}", self.dim),
                "choose another",
            )),
        }
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0, outputs: 1 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let lines = self.lines(&inputs[0].shape()).expect("infer has seen the shape");
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self.log, lines, inputs[0].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(self.log, lines, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let lines = self.lines(&b.shapes[0]).expect("infer has seen the shape");
            let mut g = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(self.log, lines, b.output(0).data(), b.dy().data(), g.data_mut()),
                Device::Cuda(_) => cuda::backward(self.log, lines, b.output(0), b.dy(), &mut g),
            }
            dx[0] = Some(g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("softmax", &super::cases::cases());
    }

    #[test]
    fn dimensions_that_are_not_there_are_refused() {
        assert!(Softmax::new(2).infer(&[Shape::from([2, 3])]).is_err());
        assert!(Softmax::new(-3).infer(&[Shape::from([2, 3])]).is_err());
        assert!(Softmax::new(-1).infer(&[Shape::from([2, 0])]).is_err());
        assert!(Softmax::log(-1).infer(&[Shape::scalar()]).is_err());
    }
}

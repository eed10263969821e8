//! Relative L2 error a sample: `norm(x - t) / norm(t)`.
//!
//! x `[N, ...]`, target of the same shape (floats) -> the reduction over samples (`[]`; with none, `[N]`). Both norms
//! are roots of long sums of squares over all of a sample's numbers ([`crate::math::sum`]), in f64; samples are summed
//! in the fixed tree, and the mean divides by N.
//!
//! Gradient: `g (1 / (norm(x - t) norm(t))) (x - t)`; 0 where `x = t` throughout.

pub mod cases;
mod cpu;
mod reference;

use super::{Reduction, cuda};
use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Relative L2 error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelativeL2 {
    /// Mean over samples, sum, or none.
    pub reduction: Reduction,
}

impl RelativeL2 {
    /// Relative L2 error.
    pub fn new(reduction: Reduction) -> Self {
        Self { reduction }
    }
}

impl Op for RelativeL2 {
    fn name(&self) -> &'static str {
        "relative_l2"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let error = |what: String, fix: &str| Err(OpError::new("relative_l2", what, fix));
        let [x, target] = inputs else {
            return error(format!("{} inputs", inputs.len()), "give x and the target");
        };
        if x != target || x[..].is_empty() {
            return error(format!("x is {x}, the target {target}"), "give both one shape, samples first");
        }
        Ok(Outputs::one(self.reduction.shape(Shape::from([x[0]]))))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self.reduction, inputs[0], inputs[1].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::relative(self.reduction, inputs[0], inputs[1], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (mut g, x, t) = (b.room(0), b.input(0), b.input(1));
            match b.device() {
                Device::Cpu => cpu::backward(self.reduction, x, t.data(), b.dy().data(), g.data_mut()),
                Device::Cuda(_) => cuda::relative_gradient(self.reduction, x, t, b.dy(), &mut g),
            }
            dx[0] = Some(g);
        }
    }
}

/// A sample's factor of `x - t` in its gradient.
fn factor(g: f64, difference: f64, target: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { g * (1.0 / (difference * target)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("loss/relative_l2", &super::cases::cases());
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let op = RelativeL2::new(Reduction::Mean);
        assert!(op.infer(&[Shape::from([2, 3]), Shape::from([2, 3, 1])]).is_err());
        assert!(op.infer(&[Shape::scalar(), Shape::scalar()]).is_err());
    }
}

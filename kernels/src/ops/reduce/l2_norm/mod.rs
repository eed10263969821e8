//! The 2-norm over dimensions.
//!
//! # Specification
//! `q = x * x`; the sum of the q in [`super::sum`]'s order: x's row-major order, chunks of 4,096, `s = s + q` from +0
//! inside, the fixed tree over the chunks. Then `y = sqrt(s)`. (Squares are f32: a number beyond 1.8e19 has norm infinity,
//! one below 1e-23 norm 0, as in PyTorch.)
//!
//! Backward: `g = dy / y`, or +0 where y is 0; `dx = g * x`.

pub mod cases;
mod cpu;
mod reference;

use super::cuda::{self, Mode};
use super::{Axes, Plan};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The 2-norm over dimensions. One input x; one output y, without those dimensions, or with size 1 there if `keepdim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L2Norm {
    /// Dimensions that go.
    pub axes: Axes,
    /// Keeps them, of size 1.
    pub keepdim: bool,
}

const NAME: &str = "l2_norm";

impl L2Norm {
    fn plan(&self, inputs: &[Shape]) -> Result<(Plan, Shape), OpError> {
        Plan::of(NAME, inputs, self.axes, self.keepdim)
    }
}

impl Op for L2Norm {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; a dimension that it lacks; no elements.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(self.plan(inputs)?.1))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 1, outputs: 1 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (plan, _) = self.plan(&[inputs[0].shape()]).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => cpu::forward(&plan, inputs[0], &mut outputs[0]),
            Device::Cuda(_) => cuda::forward(&plan, Mode::Norm, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (plan, _) = self.plan(b.shapes).expect("inferred");
            let (x, y) = (b.input(0), b.output(0));
            dx[0] = Some(match b.device() {
                Device::Cpu => cpu::backward(&plan, x, y, b.dy()),
                Device::Cuda(_) => {
                    let mut out = b.room(0);
                    cuda::backward(&plan, Mode::Norm, b.dy(), Some(x), Some(y), &mut out);
                    out
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("reduce/l2_norm", &super::cases::cases());
    }

    #[test]
    fn a_dimension_too_many_is_refused() {
        let op = L2Norm { axes: Axes::of(&[3]), keepdim: false };
        let e = op.infer(&[Shape::new(&[2, 3, 4])]).unwrap_err().to_string();
        assert!(e.contains("dimension 3 of x [2, 3, 4]"), "{e}");
    }
}

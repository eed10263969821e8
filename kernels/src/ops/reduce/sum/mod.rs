//! The sum over dimensions.
//!
//! # Specification
//! Terms of one element of y are taken in x's row-major order: chunks of 4,096, `s = s + x` from +0 inside; then the
//! fixed tree over the chunks.
//!
//! Backward: dx is dy, broadcast.

pub mod cases;
mod reference;

use super::cuda::{self, Mode};
use super::{Axes, Plan};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The sum over dimensions. One input x; one output y, without those dimensions, or with size 1 there if `keepdim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Dimensions that go.
    pub axes: Axes,
    /// Keeps them, of size 1.
    pub keepdim: bool,
}

const NAME: &str = "sum";

impl Sum {
    fn plan(&self, inputs: &[Shape]) -> Result<(Plan, Shape), OpError> {
        Plan::of(NAME, inputs, self.axes, self.keepdim)
    }
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; a dimension that it lacks; no elements.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(self.plan(inputs)?.1))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (plan, _) = self.plan(&[inputs[0].shape()]).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => plan.sum(inputs[0], &mut outputs[0]),
            Device::Cuda(_) => cuda::forward(&plan, Mode::Sum, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (plan, _) = self.plan(b.shapes).expect("inferred");
            let mut out = b.room(0);
            match b.device() {
                Device::Cpu => plan.broadcast(b.dy(), &mut out),
                Device::Cuda(_) => cuda::backward(&plan, Mode::Sum, b.dy(), None, None, &mut out),
            }
            dx[0] = Some(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("reduce/sum", &super::cases::cases());
    }

    #[test]
    fn a_dimension_too_many_is_refused() {
        let op = Sum { axes: Axes::of(&[1, 3]), keepdim: false };
        let e = op.infer(&[Shape::new(&[2, 3, 4])]).unwrap_err().to_string();
        assert!(e.contains("dimension 3 of x [2, 3, 4]"), "{e}");
    }
}

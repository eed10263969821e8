//! The variance over dimensions, in two passes.
//!
//! # Specification
//! The mean is [`super::mean`]'s. Then `d = x - mean`, `q = d * d`, and the sum of the q in [`super::sum`]'s order: x's
//! row-major order, chunks of 4,096, `s = s + q` from +0 inside, the fixed tree over the chunks. Then
//! `y = s / (count - correction)`.
//!
//! Backward: `g = 2 dy / (count - correction)`, one rounding; `dx = g * (x - mean)`.

pub mod cases;
mod cpu;
mod reference;

use super::cuda::{self, Mode};
use super::{Axes, Plan};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The variance over dimensions. One input x; one output y, without those dimensions, or with size 1 there if `keepdim`;
/// hidden: the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Var {
    /// Dimensions that go.
    pub axes: Axes,
    /// Keeps them, of size 1.
    pub keepdim: bool,
    /// What is taken from the count: 1 for the unbiased estimate, 0 for the plain mean of squares.
    pub correction: usize,
}

const NAME: &str = "var";

impl Var {
    fn plan(&self, inputs: &[Shape]) -> Result<(Plan, Shape), OpError> {
        Plan::of(NAME, inputs, self.axes, self.keepdim)
    }
}

impl Op for Var {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; a dimension that it lacks; no elements; no more terms than the correction.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let (plan, y) = self.plan(inputs)?;
        if plan.terms() <= self.correction {
            let what = format!("{} of x {} with correction {}", terms(plan.terms()), inputs[0], self.correction);
            return Err(OpError::new(NAME, what, "reduce more dimensions, or lower the correction"));
        }
        Ok(Outputs::new(&[y], &[y]))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 1, outputs: 0b10 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (plan, _) = self.plan(&[inputs[0].shape()]).expect("inferred");
        let [y, mean] = outputs else { unreachable!("inferred") };
        match inputs[0].device() {
            Device::Cpu => cpu::forward(&plan, self.correction, inputs[0], y, mean),
            Device::Cuda(_) => {
                cuda::forward(&plan, Mode::Mean, inputs[0], mean);
                cuda::forward(&plan, Mode::Var(mean, self.correction), inputs[0], y);
            }
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (plan, _) = self.plan(b.shapes).expect("inferred");
            let (x, mean) = (b.input(0), b.output(1));
            dx[0] = Some(match b.device() {
                Device::Cpu => cpu::backward(&plan, self.correction, x, mean, b.dy()),
                Device::Cuda(_) => {
                    let mut out = b.room(0);
                    cuda::backward(&plan, Mode::Var(mean, self.correction), b.dy(), Some(x), None, &mut out);
                    out
                }
            });
        }
    }
}

fn terms(n: usize) -> String {
    if n == 1 { "the variance of 1 term".to_owned() } else { format!("the variance of {n} terms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("reduce/var", &super::cases::cases());
    }

    #[test]
    fn too_few_terms_are_refused() {
        let op = Var { axes: Axes::of(&[1]), keepdim: false, correction: 1 };
        let e = op.infer(&[Shape::new(&[3, 1])]).unwrap_err().to_string();
        assert!(e.contains("the variance of 1 term of x [3, 1] with correction 1"), "{e}");
        assert!(Var { correction: 0, ..op }.infer(&[Shape::new(&[3, 1])]).is_ok());
    }
}

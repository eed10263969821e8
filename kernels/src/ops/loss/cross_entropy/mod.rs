//! Cross entropy of class scores and class numbers.
//!
//! x `[N, ..., C]` (the classes last), target `[N, ...]` (integers) -> the reduction of one term a row (`[]`; with
//! none, the target's shape). Of a row, in f64: m = its maximum, s = the long sum of `exp(x_i - m)`
//! ([`crate::math::sum`]), `l = ln s`; the term is `(1 - e) (l - (x_t - m)) + e (l - sum(x_i - m) / C)` with label
//! smoothing e (its second half, a long sum, only if e > 0). Terms are summed in the order of [`crate::ops::loss`].
//!
//! Gradient: `g (p_i - q_i)`, `p_i = exp(x_i - m) (1 / s)`, `q_i = e / C`, and `1 - e` more for the target. A target
//! that is no class makes its row's term and gradient NaN; [`super::check_targets`] refuses it beforehand.

pub mod cases;
mod cpu;
mod reference;

use super::{Reduction, cuda};
use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Cross entropy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossEntropy {
    /// The share of the target that is spread over all classes, 0 to 1.
    pub label_smoothing: f32,
    /// Mean over rows, sum, or none.
    pub reduction: Reduction,
}

impl CrossEntropy {
    /// Cross entropy; 0 is no smoothing.
    pub fn new(label_smoothing: f32, reduction: Reduction) -> Self {
        Self { label_smoothing, reduction }
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let error = |what: String, fix: &str| Err(OpError::new("cross_entropy", what, fix));
        let [x, target] = inputs else {
            return error(format!("{} inputs", inputs.len()), "give x and the target");
        };
        let Some((&classes, rows)) = x.split_last() else {
            return error(format!("x is {x}"), "give it a last dimension of classes");
        };
        if classes == 0 || target[..] != *rows {
            return error(
                format!("x is {x}, the target {target}"),
                "x's shape without its last size must be the target's",
            );
        }
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return error(format!("label smoothing of {}", self.label_smoothing), "give 0 to 1");
        }
        Ok(Outputs::one(self.reduction.shape(*target)))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b11, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self, inputs[0], inputs[1], outputs[0].data_mut()),
            Device::Cuda(_) => cuda::entropy(self, inputs[0], inputs[1], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let mut g = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(self, b.input(0), b.input(1).ints(), b.dy().data(), g.data_mut()),
                Device::Cuda(_) => cuda::entropy_gradient(self, b.input(0), b.input(1), b.dy(), &mut g),
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
        crate::check::table("loss/cross_entropy", &super::cases::cases());
    }

    #[test]
    fn wrong_shapes_are_refused_and_wrong_classes_are_nan() {
        let s = |d: &[usize]| Shape::new(d);
        let op = CrossEntropy::new(0.0, Reduction::None);
        assert!(op.infer(&[s(&[2, 3]), s(&[3])]).unwrap_err().to_string().contains("x is [2, 3], the target [3]"));
        assert!(op.infer(&[s(&[]), s(&[])]).is_err());
        assert!(op.infer(&[s(&[2, 0]), s(&[2])]).is_err());
        assert!(CrossEntropy::new(1.5, Reduction::Mean).infer(&[s(&[2, 3]), s(&[2])]).is_err());
        let x = Tensor::zeros([3, 2]);
        let t = Tensor::from_ints([3], &[0, 2, -1]);
        let up = [Some(Tensor::full([3], 1.0))];
        let (y, dx) = crate::check::run(&op, &[x, t], &[true, false], &up);
        assert!(y[0].data()[0].is_finite() && y[0].data()[1].is_nan() && y[0].data()[2].is_nan());
        let dx = dx[0].as_ref().expect("a gradient").data();
        assert!(dx[..2].iter().all(|g| g.is_finite()) && dx[2..].iter().all(|g| g.is_nan()));
    }
}

//! Losses by name, with their targets checked before anything is recorded.

use autograd::{OpError, Tensor};
use kernels::ops::elementwise::binary::Binary;

use kernels::ops::loss::{CrossEntropy, PointwiseLoss, Reduction, RelativeL2, check_targets};
use kernels::ops::reduce::Axes;
use kernels::ops::reduce::sum::Sum;
use kernels::{DType, Device, Shape, Tensor as Value};

use crate::Pass;

/// A loss: one number from an output `x` and a target that has no gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Mean over rows; targets are class numbers (integers), of x's shape without its last size.
    CrossEntropy,
    /// The same, a share of each target spread over all classes.
    SmoothedCrossEntropy {
        /// The share, 0 to 1.
        smoothing: f32,
    },
    /// Mean over all numbers; targets in [0, 1].
    BceWithLogits,
    /// Mean of squares.
    Mse,
    /// Mean of absolute values.
    L1,
    /// Mean of Huber's loss over beta.
    SmoothL1 {
        /// Where it turns from square to straight.
        beta: f32,
    },
    /// Norm of the error over norm of the target, a sample each, summed over the batch.
    RelativeL2Sum,
    /// The same, averaged.
    RelativeL2Mean,
}

impl Loss {
    fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy | Self::SmoothedCrossEntropy { .. } => "cross_entropy",
            Self::BceWithLogits => "bce_with_logits",
            Self::Mse => "mse",
            Self::L1 => "l1",
            Self::SmoothL1 { .. } => "smooth_l1",
            Self::RelativeL2Sum | Self::RelativeL2Mean => "relative_l2",
        }
    }

    /// Refuses a target of the wrong type, class numbers that `x` does not have, and labels outside [0, 1].
    ///
    /// # Errors
    /// Names the first wrong number. (Shapes are refused when the op is recorded.)
    pub fn check(self, x: Shape, target: &Value) -> Result<(), OpError> {
        let name = self.name();
        let classes = matches!(self, Self::CrossEntropy | Self::SmoothedCrossEntropy { .. });
        let wanted = if classes { DType::I32 } else { DType::F32 };
        if target.dtype() != wanted {
            let fix = if wanted == DType::I32 { "give class numbers" } else { "give numbers" };
            return Err(OpError::new(name, format!("the target {} is {:?}", target.shape(), target.dtype()), fix));
        }
        let target = &target.to(Device::Cpu);
        match self {
            Self::CrossEntropy | Self::SmoothedCrossEntropy { .. } => check_targets(target, x.last()),
            Self::BceWithLogits => match target.data().iter().position(|t| !(0.0..=1.0).contains(t)) {
                None => Ok(()),
                Some(i) => {
                    let what = format!("target number {i} of shape {} is {}", target.shape(), target.data()[i]);
                    Err(OpError::new(name, what, "labels go from 0 to 1"))
                }
            },
            _ => Ok(()),
        }
    }

    /// The loss of `x`, one number; the target may still live in this machine's memory.
    ///
    /// # Errors
    /// What [`Loss::check`] refuses, and shapes that do not fit.
    pub fn of(self, pass: &mut Pass<'_>, x: &Tensor, target: &Value) -> Result<Tensor, OpError> {
        self.check(x.shape(), target)?;
        self.record(pass, x, &target.to(x.value().device()))
    }

    /// The same for a target that [`Loss::check`] has seen and that lives where `x` does: nothing waits for the device.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn record(self, pass: &mut Pass<'_>, x: &Tensor, target: &Value) -> Result<Tensor, OpError> {
        use Reduction::{Mean, Sum};
        let t = Tensor::constant(target.clone());
        let inputs = [x, &t];
        let tape = &mut *pass.tape;
        match self {
            Self::CrossEntropy => tape.apply(CrossEntropy::new(0.0, Mean), &inputs),
            Self::SmoothedCrossEntropy { smoothing } => tape.apply(CrossEntropy::new(smoothing, Mean), &inputs),
            Self::BceWithLogits => tape.apply(PointwiseLoss::bce_with_logits(Mean), &inputs),
            Self::Mse => tape.apply(PointwiseLoss::mse(Mean), &inputs),
            Self::L1 => tape.apply(PointwiseLoss::l1(Mean), &inputs),
            Self::SmoothL1 { beta } => tape.apply(PointwiseLoss::smooth_l1(beta, Mean), &inputs),
            Self::RelativeL2Sum => tape.apply(RelativeL2::new(Sum), &inputs),
            Self::RelativeL2Mean => tape.apply(RelativeL2::new(Mean), &inputs),
        }
    }

    /// The mean over the places where `keep` is 1 (0 elsewhere): for the losses that are a mean over numbers. Terms, their
    /// products with `keep`, the sum of these, then a division by the number of kept places (+0 if there are none).
    ///
    /// # Errors
    /// As [`Loss::of`]; a `keep` of another shape or with other numbers; a loss that is no mean over numbers.
    pub fn masked(self, pass: &mut Pass<'_>, x: &Tensor, target: &Value, keep: &Value) -> Result<Tensor, OpError> {
        use Reduction::None as Each;
        self.check(x.shape(), target)?;
        let name = self.name();
        if keep.shape() != x.shape() || keep.dtype() != DType::F32 {
            let what = format!("x is {}, the mask {} {:?}", x.shape(), keep.shape(), keep.dtype());
            return Err(OpError::new(name, what, "give a mask of x's shape"));
        }
        let host = keep.to(Device::Cpu);
        let kept = host.data().iter().filter(|&&k| k == 1.0).count();
        if kept + host.data().iter().filter(|&&k| k == 0.0).count() != keep.len() {
            return Err(OpError::new(name, "a mask with other numbers than 0 and 1", "give 1 where the loss counts"));
        }
        let device = x.value().device();
        let t = Tensor::constant(target.to(device));
        let inputs = [x, &t];
        let tape = &mut *pass.tape;
        let terms = match self {
            Self::BceWithLogits => tape.apply(PointwiseLoss::bce_with_logits(Each), &inputs),
            Self::Mse => tape.apply(PointwiseLoss::mse(Each), &inputs),
            Self::L1 => tape.apply(PointwiseLoss::l1(Each), &inputs),
            Self::SmoothL1 { beta } => tape.apply(PointwiseLoss::smooth_l1(beta, Each), &inputs),
            _ => Err(OpError::new(name, "a mask", "it is no mean over numbers; leave the mask out")),
        }?;
        let terms = tape.apply(Binary::mul(), &[&terms, &Tensor::constant(keep.to(device))])?;
        let sum = tape.apply(Sum { axes: Axes::ALL, keepdim: false }, &[&terms])?;
        let count: Tensor = Value::scalar(if kept == 0 { 1.0 } else { kept as f32 }).to(device).into();
        tape.apply(Binary::div(), &[&sum, &count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Params, Tape};

    fn with_pass<R>(f: impl FnOnce(&mut Pass<'_>) -> R) -> R {
        f(&mut Pass::new(&mut Tape::new(), &mut Params::new(), Mode::Eval))
    }

    #[test]
    fn wrong_targets_are_refused_before_anything_runs() {
        let x = Tensor::constant(Value::zeros([2, 3]));
        with_pass(|p| {
            let mut refused = |loss: Loss, target: Value| loss.of(p, &x, &target).unwrap_err().to_string();
            assert!(refused(Loss::CrossEntropy, Value::from_ints([2], &[0, 3])).contains("is 3"));
            assert!(refused(Loss::CrossEntropy, Value::zeros([2])).contains("give class numbers"));
            let smoothed = |smoothing| Loss::SmoothedCrossEntropy { smoothing };
            assert!(refused(smoothed(0.1), Value::from_ints([2], &[-1, 2])).contains("is -1"));
            assert!(refused(smoothed(1.5), Value::from_ints([2], &[0, 2])).contains("label smoothing of 1.5"));
            assert!(refused(Loss::BceWithLogits, Value::full([2, 3], 1.5)).contains("is 1.5"));
            assert!(refused(Loss::BceWithLogits, Value::full([2, 3], f32::NAN)).contains("is NaN"));
            assert!(refused(Loss::Mse, Value::from_ints([2, 3], &[0; 6])).contains("give numbers"));
            assert!(refused(Loss::Mse, Value::zeros([3])).contains("[3]"));
        });
    }

    #[test]
    fn smoothing_mixes_in_the_mean_over_classes() {
        let x = Tensor::constant(Value::from_slice([1, 3], &[1.0, -2.0, 0.5]));
        let of =
            |loss: Loss, class| with_pass(|p| loss.of(p, &x, &Value::from_ints([1], &[class])).unwrap().value().item());
        let plain = [0, 1, 2].map(|class| of(Loss::CrossEntropy, class));
        let got = of(Loss::SmoothedCrossEntropy { smoothing: 0.3 }, 1);
        let want = 0.7 * plain[1] + 0.1 * (plain[0] + plain[1] + plain[2]);
        assert!((got - want).abs() < 1e-6, "{got}, not {want}");
        assert_eq!(of(Loss::SmoothedCrossEntropy { smoothing: 0.0 }, 2), plain[2]);
    }

    #[test]
    fn a_mask_leaves_out() {
        let x = Tensor::constant(Value::from_slice([2, 2], &[1.0, 5.0, 3.0, -100.0]));
        let t = Value::zeros([2, 2]);
        with_pass(|p| {
            let keep = Value::from_slice([2, 2], &[1.0, 0.0, 1.0, 0.0]);
            assert_eq!(Loss::Mse.masked(p, &x, &t, &keep).unwrap().value().item(), 5.0);
            assert_eq!(Loss::Mse.masked(p, &x, &t, &Value::zeros([2, 2])).unwrap().value().item(), 0.0);
            assert!(Loss::RelativeL2Sum.masked(p, &x, &t, &keep).is_err());
            assert!(Loss::Mse.masked(p, &x, &t, &Value::full([2, 2], 0.5)).is_err());
        });
    }
}

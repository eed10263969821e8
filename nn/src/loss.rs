//! Losses by name, with their targets checked before anything is recorded.

use autograd::{OpError, Tape, Tensor};
use kernels::ops::activation::{Pointwise, Relu};
use kernels::ops::elementwise::binary::Binary;

use kernels::ops::loss::{CrossEntropy, PointwiseLoss, Reduction, RelativeL2, check_targets};
use kernels::ops::reduce::Axes;
use kernels::ops::reduce::sum::Sum;
use kernels::ops::shape::slice::Slice;
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
    /// The same over the places that count: targets `[..., 2]` are (label, keep) of outputs `[..., 1]`, keep being 1 where
    /// the place counts and 0 elsewhere. Terms, their products with keep, the sum of these over that of keep; +0 where
    /// nothing counts.
    MaskedBceWithLogits,
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
            Self::MaskedBceWithLogits => "masked_bce_with_logits",
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
            Self::MaskedBceWithLogits => {
                let (x, t) = (x, target.shape());
                let pairs = x.last() == 1 && t.last() == 2 && x[..].len() == t[..].len();
                if !pairs || x[..].split_last().map(|l| l.1) != t[..].split_last().map(|l| l.1) {
                    let fix = "give outputs [..., 1] and targets [..., 2]: label, keep";
                    return Err(OpError::new(name, format!("x is {x}, the target {t}"), fix));
                }
                let odd = |p: &[f32]| !(0.0..=1.0).contains(&p[0]) || !(p[1] == 0.0 || p[1] == 1.0);
                match target.data().chunks_exact(2).position(odd) {
                    None => Ok(()),
                    Some(i) => {
                        let (label, keep) = (target.data()[2 * i], target.data()[2 * i + 1]);
                        let what = format!("target number {i} of shape {t} is label {label}, keep {keep}");
                        Err(OpError::new(name, what, "labels go from 0 to 1, keep is 0 or 1"))
                    }
                }
            }
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
            Self::MaskedBceWithLogits => masked_bce(tape, x, &t),
            Self::Mse => tape.apply(PointwiseLoss::mse(Mean), &inputs),
            Self::L1 => tape.apply(PointwiseLoss::l1(Mean), &inputs),
            Self::SmoothL1 { beta } => tape.apply(PointwiseLoss::smooth_l1(beta, Mean), &inputs),
            Self::RelativeL2Sum => tape.apply(RelativeL2::new(Sum), &inputs),
            Self::RelativeL2Mean => tape.apply(RelativeL2::new(Mean), &inputs),
        }
    }
}

/// Everything on the device, the number of kept places too: a captured step takes other masks.
fn masked_bce(tape: &mut Tape, x: &Tensor, target: &Tensor) -> Result<Tensor, OpError> {
    let last = target.shape()[..].len() - 1;
    let mut channel = |k| tape.apply(Slice::along(last, k, k + 1, 1), &[target]);
    let (label, keep) = (channel(0)?, channel(1)?);
    let terms = tape.apply(PointwiseLoss::bce_with_logits(Reduction::None), &[x, &label])?;
    let terms = tape.apply(Binary::mul(), &[&terms, &keep])?;
    let mut sum = |v: &Tensor| tape.apply(Sum { axes: Axes::ALL, keepdim: false }, &[v]);
    let (sum, kept) = (sum(&terms)?, sum(&keep)?);
    // The larger of the count and 1: exact, for counts are whole.
    let one: Tensor = Value::full_on(x.value().device(), [], 1.0).into();
    let more = tape.apply(Binary::sub(), &[&kept, &one])?;
    let more = tape.apply(Pointwise(Relu {}), &[&more])?;
    let count = tape.apply(Binary::add(), &[&more, &one])?;
    tape.apply(Binary::div(), &[&sum, &count])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Params};

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
        let x = Tensor::constant(Value::from_slice([3, 1], &[0.0, 5.0, 0.0]));
        let of = |t: &[f32]| {
            with_pass(|p| Loss::MaskedBceWithLogits.of(p, &x, &Value::from_slice([3, 2], t)).map(|l| l.value().item()))
        };
        let ln2 = std::f32::consts::LN_2;
        assert_eq!(of(&[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap(), ln2);
        assert!(of(&[1.0, 1.0, 0.0, 1.0, 0.0, 1.0]).unwrap() > 1.0);
        assert_eq!(of(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap().to_bits(), 0);
        assert!(of(&[1.0, 0.5, 0.0, 0.0, 0.0, 0.0]).unwrap_err().to_string().contains("number 0"));
        assert!(of(&[1.0, 1.0, 0.0, 1.0, 2.0, 1.0]).unwrap_err().to_string().contains("number 2"));
        let plain = with_pass(|p| Loss::MaskedBceWithLogits.of(p, &x, &Value::zeros([3, 1])).unwrap_err().to_string());
        assert!(plain.contains("label, keep"), "{plain}");
    }
}

//! Losses that compare number with number: mse, l1, smooth_l1, bce_with_logits; one table, one op.
//!
//! x `[N, ...]`, target of the same shape (floats), for bce_with_logits optionally pos_weight, `[C]` or a single
//! number, which broadcasts over the last dimension -> the reduction of the terms (`[]`; with none, x's shape). Terms,
//! their slopes and all sums are f64, in the order of [`crate::ops::loss`].
//!
//! With `d = x - t`:
//! - mse: `d^2`; slope `2 d`
//! - l1: `|d|`; slope -1, 0 (at 0), 1
//! - smooth_l1: `d^2 / (2 beta)` where `|d| < beta`, else `|d| - beta / 2`; slope `d / beta`, else l1's
//! - bce_with_logits: `(1 - t) ln(1 + e^x) + w t ln(1 + e^-x)`; slope `(1 - t) s(x) - w t s(-x)`, s the logistic
//!   function

pub mod cases;
mod cpu;
mod reference;
mod table;

pub use table::{BceWithLogits, L1, Mse, Row, SmoothL1};

use super::{Reduction, cuda};
use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// A loss of the table, with its reduction: `PointwiseLoss::mse(Reduction::Mean)`, ...
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointwiseLoss<R: Row> {
    /// Which.
    pub row: R,
    /// Mean, sum or none.
    pub reduction: Reduction,
}

impl<R: Row> Op for PointwiseLoss<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let error = |what: String, fix: &str| Err(OpError::new(R::NAME, what, fix));
        if !(inputs.len() == 2 || inputs.len() == 3 && R::WEIGHTED) {
            return error(format!("{} inputs", inputs.len()), "give x and the target");
        }
        if inputs[0] != inputs[1] {
            return error(format!("x is {}, the target {}", inputs[0], inputs[1]), "give both one shape");
        }
        if let Some(w) = inputs.get(2).filter(|w| w.len() != 1 && !(w[..].len() == 1 && w.len() == inputs[0].last())) {
            return error(
                format!("x is {}, pos_weight {w}", inputs[0]),
                "give as many weights as x's last size, or one",
            );
        }
        if let Err(what) = self.row.check() {
            return error(what, "see the op's parameters");
        }
        Ok(Outputs::one(self.reduction.shape(inputs[0])))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: if R::WEIGHTED { 0b111 } else { 0b11 }, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (x, t, w) = (inputs[0], inputs[1], inputs.get(2).copied());
        match x.device() {
            Device::Cpu => cpu::forward(self, x, t.data(), w.map(Tensor::data), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::pointwise(self.row.kind(), self.reduction, x, t, w, &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (mut g, all) = (b.room(0), [b.input(0), b.input(1), b.dy()]);
            let w = b.inputs.get(2).and_then(Option::as_ref);
            match b.device() {
                Device::Cpu => {
                    let [x, t, dy] = all.map(Tensor::data);
                    cpu::backward(self, x, t, w.map(Tensor::data), dy, g.data_mut());
                }
                Device::Cuda(_) => cuda::pointwise_gradient(self.row.kind(), self.reduction, all, w, &mut g),
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
        crate::check::table("loss/pointwise", &super::cases::cases());
    }

    #[test]
    fn wrong_inputs_are_refused() {
        let s = |d: &[usize]| Shape::new(d);
        let bce = PointwiseLoss::bce_with_logits(Reduction::Mean);
        assert!(bce.infer(&[s(&[2, 3]), s(&[2, 3]), s(&[3])]).is_ok());
        assert!(bce.infer(&[s(&[2, 3]), s(&[2, 3]), s(&[2])]).is_err());
        assert!(PointwiseLoss::mse(Reduction::Mean).infer(&[s(&[2, 3]), s(&[3])]).is_err());
        assert!(PointwiseLoss::mse(Reduction::Sum).infer(&[s(&[3]), s(&[3]), s(&[3])]).is_err());
        assert!(PointwiseLoss::smooth_l1(0.0, Reduction::Sum).infer(&[s(&[3]), s(&[3])]).is_err());
    }
}

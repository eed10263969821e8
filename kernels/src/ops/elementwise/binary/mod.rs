//! a + b, a - b, a * b, a / b with NumPy's broadcasting.
//!
//! a, b -> y: shapes aligned at their last dimensions; sizes equal, or one of them 1 or absent.
//!
//! Gradients: `dy`; `-dy`; `dy b`, `dy a`; `dy / b`, `-(dy a) / (b b)` (the last in f64, rounded once). Where an input
//! was broadcast, its gradient is a sum of these terms in f64, rounded once, in this order. Drop the dimensions of size
//! 1 and merge neighbours along which the same inputs are broadcast. Then
//! - *the last dimension is the input's own*: the other places (row-major) give one term a number; chunks of [`ROWS`]
//!   terms, from +0, ascending; then the fixed tree over chunks;
//! - *the input is broadcast along the last dimension*: each run along it is one long sum's worth of chunks
//!   ([`crate::math::sum`]: 4,096 terms, eight accumulators); then the fixed tree over all chunks of all runs,
//!   row-major.

pub mod cases;
mod cpu;
pub mod cuda;
mod plan;
mod reference;

use plan::{Plan, broadcast};

use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Terms of a chunk where sums run down columns.
pub const ROWS: usize = 512;

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a * b.
    Mul,
    /// a / b.
    Div,
}

/// Arithmetic of two tensors. Sums and differences save nothing; products and quotients their inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binary {
    /// Which.
    pub kind: Kind,
}

impl Binary {
    /// a + b.
    pub fn add() -> Self {
        Self { kind: Kind::Add }
    }

    /// a - b.
    pub fn sub() -> Self {
        Self { kind: Kind::Sub }
    }

    /// a * b.
    pub fn mul() -> Self {
        Self { kind: Kind::Mul }
    }

    /// a / b.
    pub fn div() -> Self {
        Self { kind: Kind::Div }
    }
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Add => "add",
            Kind::Sub => "sub",
            Kind::Mul => "mul",
            Kind::Div => "div",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [a, b] = inputs else {
            return Err(OpError::new(self.name(), format!("{} inputs", inputs.len()), "give two"));
        };
        let y = broadcast(a, b).ok_or_else(|| {
            OpError::new(
                self.name(),
                format!("{a} and {b} do not broadcast"),
                "sizes, aligned at the last, must be equal or 1",
            )
        })?;
        Ok(Outputs::one(y))
    }

    fn saves(&self) -> Saves {
        match self.kind {
            Kind::Add | Kind::Sub => Saves::NONE,
            Kind::Mul | Kind::Div => Saves { inputs: 0b11, outputs: 0 },
        }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let plan = Plan::new(&inputs[0].shape(), &inputs[1].shape());
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self.kind, &plan, inputs[0].data(), inputs[1].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(self.kind, &plan, inputs[0], inputs[1], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let plan = Plan::new(&b.shapes[0], &b.shapes[1]);
        let dy = b.dy();
        for i in (0..2).filter(|&i| b.wants(i)) {
            let plain = self.kind == Kind::Add || (self.kind == Kind::Sub && i == 0);
            dx[i] = Some(if plain && !plan.reduces(i) {
                dy.reshaped(b.shapes[i]) // shares the data
            } else {
                let mut g = b.room(i);
                let saved = [b.inputs[0].as_ref(), b.inputs[1].as_ref()];
                match dy.device() {
                    Device::Cpu => {
                        let saved = saved.map(|t| t.map(Tensor::data));
                        cpu::backward(self.kind, i, &plan, dy.data(), saved, g.data_mut());
                    }
                    Device::Cuda(_) => cuda::backward(self.kind, i, &plan, dy, saved, &mut g),
                }
                g
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("elementwise/binary", &super::cases::cases());
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_refused() {
        let e = Binary::add().infer(&[Shape::from([2, 3]), Shape::from([2])]).unwrap_err();
        assert!(e.to_string().contains("[2, 3] and [2]"), "{e}");
        assert_eq!(broadcast(&Shape::from([4, 1, 3]), &Shape::from([2, 1])), Some(Shape::from([4, 2, 3])));
        assert_eq!(broadcast(&Shape::from([0, 3]), &Shape::from([1, 3])), Some(Shape::from([0, 3])));
    }
}

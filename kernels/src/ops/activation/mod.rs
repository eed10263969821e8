//! Pointwise functions: one table, one op.
//!
//! x `[...]` -> y `[...]`, `y = f(x)`, `dx = g(v, dy)`, where v is x or y, whichever the row saves. No sums,
//! so no order.
//!
//! A *narrow* row is arithmetic and comparisons, the same in f32 and f64, each operation rounded. A *wide* row is
//! computed in f64 ([`crate::math`]) and rounded once. Kinks and NaN as the table's comparisons have them: what
//! compares false passes, so NaN goes through.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;
mod table;

pub use table::{Exp, Gelu, GeluTanh, LeakyRelu, Log, Relu, Relu6, Row, Sigmoid, Softplus, Tanh};

use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// A pointwise function as an op: `Pointwise::relu()`, `Pointwise::gelu(..)`, ...
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointwise<R: Row>(pub R);

impl<R: Row> Op for Pointwise<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    /// Any one shape.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(R::NAME, format!("{} inputs", inputs.len()), "give one"));
        };
        self.0.check().map_err(|what| OpError::new(R::NAME, what, "see the op's parameters"))?;
        Ok(Outputs::one(*x))
    }

    fn saves(&self) -> Saves {
        if R::SAVES_OUTPUT { Saves { inputs: 0, outputs: 1 } } else { Saves { inputs: 1, outputs: 0 } }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self.0, inputs[0].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(self.0, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let v = if R::SAVES_OUTPUT { b.output(0) } else { b.input(0) };
            let mut g = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(self.0, v.data(), b.dy().data(), g.data_mut()),
                Device::Cuda(_) => cuda::backward(self.0, v, b.dy(), &mut g),
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
        crate::check::table("activation", &super::cases::cases());
    }

    #[test]
    fn parameters_without_sense_are_refused() {
        let x = [Shape::from([3])];
        assert!(Pointwise::leaky_relu(-0.1).infer(&x).is_err());
        assert!(Pointwise::softplus(0.0, 20.0).infer(&x).is_err());
        assert!(Pointwise::relu().infer(&[]).is_err());
    }
}

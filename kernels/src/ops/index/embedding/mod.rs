//! Rows of a table: weight `[V, D]`, index `[..]` (integers) -> y `[.., D]`.
//!
//! # Specification
//! Row p of y is row `index[p]` of the weight. Backward: row v of dw is the plain sum from +0 of dy's rows whose index is v,
//! in ascending position (row-major). An index outside `0 .. V` makes its row NaN and adds to no row of dw;
//! [`super::check_indices`] refuses it beforehand.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::shape::MAX_RANK;
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Rows of the first input by the second; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedding;

const NAME: &str = "embedding";

impl Op for Embedding {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not a matrix and indices; more dimensions than a tensor can have.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [weight, index] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give the weight and the index"));
        };
        let rank = index[..].len();
        if weight[..].len() != 2 || rank >= MAX_RANK {
            let what = format!("weight {weight}, index {index}");
            return Err(OpError::new(NAME, what, format!("give [V, D] and fewer than {MAX_RANK} dimensions")));
        }
        let mut y = [0; MAX_RANK];
        y[..rank].copy_from_slice(index);
        y[rank] = weight[1];
        Ok(Outputs::one(y[..=rank].into()))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b10, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        if inputs[0].device() != Device::Cpu {
            return cuda::forward(inputs[0], inputs[1], &mut outputs[0]);
        }
        let [v, d] = [inputs[0].shape()[0], inputs[0].shape()[1]];
        cpu::forward(v, d, inputs[0].data(), inputs[1].ints(), outputs[0].data_mut());
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (mut dw, [v, d]) = (b.room(0), [b.shapes[0][0], b.shapes[0][1]]);
            match b.device() {
                Device::Cpu => cpu::backward(v, d, b.input(1).ints(), b.dy().data(), dw.data_mut()),
                Device::Cuda(_) => cuda::backward(b.input(1), b.dy(), &mut dw),
            }
            dx[0] = Some(dw);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("index/embedding", &super::cases::cases());
    }

    #[test]
    fn wrong_shapes_are_refused_and_wrong_indices_are_nan() {
        let e = Embedding.infer(&[Shape::new(&[3]), Shape::new(&[2])]).unwrap_err().to_string();
        assert!(e.contains("weight [3], index [2]"), "{e}");
        let (w, i) = (Tensor::full([2, 2], 1.0), Tensor::from_ints([3], &[-1, 1, 2]));
        let up = [Some(Tensor::full([3, 2], 1.0))];
        let (y, dx) = crate::check::run(&Embedding, &[w, i], &[true, false], &up);
        let y = y[0].data();
        assert!(y[..2].iter().chain(&y[4..]).all(|y| y.is_nan()) && y[2..4] == [1.0, 1.0]);
        assert_eq!(dx[0].as_ref().expect("a gradient").data(), [0.0, 0.0, 1.0, 1.0]);
    }
}

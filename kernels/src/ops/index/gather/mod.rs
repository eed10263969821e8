//! Elements along one dimension: x and index (integers) of one rank -> y of the index's shape.
//!
//! # Specification
//! With dim 1, for instance, `y[i, j, k] = x[i, index[i, j, k], k]`; in the other dimensions the index is at most as large as
//! x. Backward: an element of dx is the plain sum from +0 of dy over the places that took it, ascending along `dim`. An index
//! outside x makes its element NaN and adds to no element of dx; [`super::check_indices`] refuses it beforehand.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Elements of the first input by the second; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// Counted from the outermost.
    pub dim: usize,
}

const NAME: &str = "gather";

impl Op for Gather {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not x and an index of its rank that is no larger in other dimensions; no such dimension.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x, index] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give x and the index"));
        };
        if self.dim >= x[..].len() {
            let what = format!("dimension {} of x {x}", self.dim);
            return Err(OpError::new(NAME, what, "gather along a dimension that x has"));
        }
        let fits = |(d, (n, i)): (usize, (&usize, &usize))| d == self.dim || i <= n;
        if x[..].len() != index[..].len() || !x.iter().zip(index.iter()).enumerate().all(fits) {
            let fix = format!("give them one rank, and the index at most x's sizes but in dimension {}", self.dim);
            return Err(OpError::new(NAME, format!("x {x}, index {index}"), fix));
        }
        Ok(Outputs::one(*index))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b10, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self.dim, inputs[0], inputs[1], &mut outputs[0]),
            Device::Cuda(_) => cuda::forward(self.dim, inputs[0], inputs[1], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            dx[0] = Some(match b.device() {
                Device::Cpu => cpu::backward(self.dim, b.shapes[0], b.input(1), b.dy()),
                Device::Cuda(_) => {
                    let mut d = b.room(0);
                    cuda::backward(self.dim, b.input(1), b.dy(), &mut d);
                    d
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
        crate::check::table("index/gather", &super::cases::cases());
    }

    #[test]
    fn wrong_shapes_are_refused_and_wrong_indices_are_nan() {
        let says = |dim, x: &[usize], i: &[usize]| {
            Gather { dim }.infer(&[Shape::new(x), Shape::new(i)]).unwrap_err().to_string()
        };
        assert!(says(2, &[2, 3], &[2, 3]).contains("dimension 2 of x [2, 3]"));
        assert!(says(1, &[2, 3], &[3, 9]).contains("x [2, 3], index [3, 9]"));
        assert!(says(1, &[2, 3], &[2]).contains("one rank"));
        let (x, i) = (Tensor::full([2], 1.0), Tensor::from_ints([4], &[-1, 1, 2, 1]));
        let up = [Some(Tensor::full([4], 1.0))];
        let (y, dx) = crate::check::run(&Gather { dim: 0 }, &[x, i], &[true, false], &up);
        let y = y[0].data();
        assert!(y[0].is_nan() && y[2].is_nan() && y[1] == 1.0 && y[3] == 1.0);
        assert_eq!(dx[0].as_ref().expect("a gradient").data(), [0.0, 2.0]);
    }
}

//! Padding by reflection.
//!
//! # Specification
//! Along every dimension of size n, y has `left + n + right` places; place j holds x at `j - left`, mirrored at 0 and
//! at n - 1 (which are not repeated): -1 is 1, n is n - 2.
//!
//! Backward: an element of dx sums dy over the places that hold it, row-major, from +0.

pub mod cases;
mod cpu;
mod reference;

use crate::shape::MAX_RANK;
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// One input and its reflections; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadReflect {
    /// [left, right] of each dimension.
    sides: [[usize; 2]; MAX_RANK],
}

const NAME: &str = "pad_reflect";

impl PadReflect {
    /// [left, right] of the first dimensions, outermost first; those left out stay.
    ///
    /// # Panics
    /// If there are more than a tensor can have.
    pub fn new(first: &[[usize; 2]]) -> Self {
        let mut sides = [[0; 2]; MAX_RANK];
        sides[..first.len()].copy_from_slice(first);
        Self { sides }
    }

    /// Rows and columns of `[N, H, W, C]`: [top, bottom], [left, right].
    pub fn images(rows: [usize; 2], columns: [usize; 2]) -> Self {
        Self::new(&[[0, 0], rows, columns])
    }

    /// Columns of `[N, L, C]`: [left, right].
    pub fn series(columns: [usize; 2]) -> Self {
        Self::new(&[[0, 0], columns])
    }

    fn shape(&self, x: &Shape) -> Result<Shape, OpError> {
        let (mut y, rank) = (*x, x[..].len());
        for (d, &[left, right]) in self.sides.iter().enumerate() {
            let size = if d < rank { x[d] } else { 1 };
            if [left, right] != [0, 0] && (left >= size || right >= size) {
                let what = format!("{left} and {right} around dimension {d} of x {x}");
                return Err(OpError::new(NAME, what, "reflect less than the dimension's size"));
            }
            if d < rank {
                y = y.with(d, size + left + right);
            }
        }
        Ok(y)
    }
}

impl Op for PadReflect {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; sides as large as the dimension.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        match inputs {
            [x] => Ok(Outputs::one(self.shape(x)?)),
            _ => Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x")),
        }
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        cpu::forward(self, inputs[0], &mut outputs[0]);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            dx[0] = Some(cpu::backward(self, b.dy(), b.shapes[0]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("shape/pad_reflect", &super::cases::cases());
    }

    #[test]
    fn reflecting_too_much_is_refused() {
        let e = PadReflect::series([4, 0]).infer(&[Shape::new(&[2, 4, 3])]).unwrap_err().to_string();
        assert!(e.contains("4 and 0 around dimension 1 of x [2, 4, 3]"), "{e}");
    }
}

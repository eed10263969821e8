//! Padding with zeros, or cropping.
//!
//! # Specification
//! Along every dimension `left` numbers +0 are put before x and `right` behind it; a negative count takes so many away.
//! Backward: dx has dy where x is in y, and +0 where it was cropped.

pub mod cases;
mod cpu;
mod reference;

use crate::shape::MAX_RANK;
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// One input among zeros; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pad {
    /// [left, right] of each dimension.
    sides: [[isize; 2]; MAX_RANK],
}

const NAME: &str = "pad";

impl Pad {
    /// [left, right] of the first dimensions, outermost first; those left out stay.
    ///
    /// # Panics
    /// If there are more than a tensor can have.
    pub fn new(first: &[[isize; 2]]) -> Self {
        let mut sides = [[0; 2]; MAX_RANK];
        sides[..first.len()].copy_from_slice(first);
        Self { sides }
    }

    /// Rows and columns of `[N, H, W, C]`: [top, bottom], [left, right].
    pub fn images(rows: [isize; 2], columns: [isize; 2]) -> Self {
        Self::new(&[[0, 0], rows, columns])
    }

    /// Columns of `[N, L, C]`: [left, right].
    pub fn series(columns: [isize; 2]) -> Self {
        Self::new(&[[0, 0], columns])
    }

    fn shape(&self, x: &Shape) -> Result<Shape, OpError> {
        let (mut y, rank) = (*x, x[..].len());
        for (d, &[left, right]) in self.sides.iter().enumerate() {
            if d >= rank {
                if [left, right] != [0, 0] {
                    let what = format!("{left} and {right} around dimension {d} of x {x}");
                    return Err(OpError::new(NAME, what, format!("x has dimensions below {rank}")));
                }
                continue;
            }
            // Cropping one side may not reach into the other's padding.
            let size = x[d] as isize;
            if size + left.min(0) + right.min(0) < 0 {
                let what = format!("{left} and {right} around dimension {d} of x {x}");
                return Err(OpError::new(NAME, what, format!("crop at most its {size} numbers")));
            }
            y = y.with(d, (size + left + right) as usize);
        }
        Ok(y)
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; a dimension that it lacks; cropping more than there is.
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
        crate::check::table("shape/pad", &super::cases::cases());
    }

    #[test]
    fn cropping_too_much_is_refused() {
        let e = Pad::new(&[[0, 0], [-3, -2]]).infer(&[Shape::new(&[2, 4])]).unwrap_err().to_string();
        assert!(e.contains("-3 and -2 around dimension 1 of x [2, 4]"), "{e}");
    }
}

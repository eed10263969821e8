//! Slices.
//!
//! # Specification
//! Along every dimension y has the elements start, start + step, ... below stop. Backward: dx has dy there and +0
//! elsewhere.

pub mod cases;
mod cpu;
mod reference;

use super::boxes::Place;
use crate::shape::MAX_RANK;
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// A part of one input; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// (start, stop, step) of each dimension; a stop of [`Slice::END`] is the size.
    ranges: [(usize, usize, usize); MAX_RANK],
}

const NAME: &str = "slice";

impl Slice {
    /// The end of a dimension, whatever its size.
    pub const END: usize = usize::MAX;

    /// (start, stop, step) of the first dimensions; those left out are whole.
    ///
    /// # Panics
    /// If there are more than a tensor can have.
    pub fn new(first: &[(usize, usize, usize)]) -> Self {
        let mut ranges = [(0, Self::END, 1); MAX_RANK];
        ranges[..first.len()].copy_from_slice(first);
        Self { ranges }
    }

    /// Part of one dimension; the others are whole.
    ///
    /// # Panics
    /// If no tensor has such a dimension.
    pub fn along(dim: usize, start: usize, stop: usize, step: usize) -> Self {
        let mut all = Self::new(&[]);
        all.ranges[dim] = (start, stop, step);
        all
    }

    /// Where y lies in x, and its shape.
    fn place(&self, x: &Shape) -> Result<(Place, Shape), OpError> {
        let (mut place, mut y) = (Place::whole(*x), *x);
        let rank = x[..].len();
        for (d, &(start, stop, step)) in self.ranges.iter().enumerate() {
            let size = if d < rank { x[d] } else { 1 };
            let end = if stop == Self::END { size } else { stop };
            if d >= rank && (start, end, step) != (0, 1, 1) {
                let what = format!("{start}..{stop} of dimension {d} of x {x}");
                return Err(OpError::new(NAME, what, format!("x has dimensions below {rank}")));
            }
            if step == 0 || start > end || end > size {
                let what = format!("{start}..{end} by {step} of dimension {d} of x {x}");
                return Err(OpError::new(NAME, what, "give start <= stop <= size and a step of at least 1"));
            }
            if d < rank {
                (place.start[d], place.step[d]) = (start, step);
                y = y.with(d, (end - start).div_ceil(step));
            }
        }
        Ok((place, y))
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; a part that it lacks.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        match inputs {
            [x] => Ok(Outputs::one(self.place(x)?.1)),
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
        crate::check::table("shape/slice", &super::cases::cases());
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let e = Slice::along(1, 2, 5, 1).infer(&[Shape::new(&[2, 4])]).unwrap_err().to_string();
        assert!(e.contains("2..5 by 1 of dimension 1 of x [2, 4]"), "{e}");
        let e = Slice::along(2, 0, 1, 2).infer(&[Shape::new(&[2, 4])]).unwrap_err().to_string();
        assert!(e.contains("dimension 2 of x [2, 4]"), "{e}");
    }
}

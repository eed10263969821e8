//! Permutations of dimensions.
//!
//! # Specification
//! Dimension i of y is dimension `dims[i]` of x. Backward: the inverse permutation of dy.

pub mod cases;
pub(super) mod cpu;
mod reference;

use crate::shape::MAX_RANK;
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// A permutation of one input's dimensions; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permute {
    dims: [usize; MAX_RANK],
    rank: usize,
}

const NAME: &str = "permute";

impl Permute {
    /// Dimension i of y is dimension `dims[i]` of x; `infer` refuses what is no permutation of x's dimensions.
    ///
    /// # Panics
    /// If there are more than a tensor can have.
    pub fn new(dims: &[usize]) -> Self {
        let mut all = [0; MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        Self { dims: all, rank: dims.len() }
    }

    /// The order of dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// The permutation that undoes this one.
    fn inverse(&self) -> Self {
        let mut dims = [0; MAX_RANK];
        for (i, &d) in self.dims().iter().enumerate() {
            dims[d] = i;
        }
        Self { dims, rank: self.rank }
    }

    /// y's shape.
    fn shape(&self, x: &Shape) -> Shape {
        let mut y = *x;
        for (i, &d) in self.dims().iter().enumerate() {
            y = y.with(i, x[d]);
        }
        y
    }
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; no permutation of its dimensions.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x"));
        };
        let rank = x[..].len();
        if self.rank != rank || !(0..rank).all(|d| self.dims().contains(&d)) {
            let what = format!("dimensions {:?} of x {x}", self.dims());
            return Err(OpError::new(NAME, what, format!("name each of 0 to {} once", rank.saturating_sub(1))));
        }
        Ok(Outputs::one(self.shape(x)))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        cpu::permute(&inputs[0].shape(), self.dims(), inputs[0], &mut outputs[0]);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (dy, mut d) = (b.dy(), b.room(0));
            cpu::permute(&dy.shape(), self.inverse().dims(), dy, &mut d);
            dx[0] = Some(d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("shape/permute", &super::cases::cases());
    }

    #[test]
    fn what_is_no_permutation_is_refused() {
        let x = Shape::new(&[2, 3, 4]);
        for dims in [&[0, 1][..], &[0, 1, 1], &[0, 1, 3], &[0, 1, 2, 3]] {
            let e = Permute::new(dims).infer(&[x]).unwrap_err().to_string();
            assert!(e.contains("x [2, 3, 4]; name each of 0 to 2 once"), "{e}");
        }
    }
}

//! A tensor in two parts.
//!
//! # Specification
//! y are the parts of x before `at` and from `at` on along `dim`. Backward: the parts' gradients, one behind the other; +0 where
//! the loss does not depend on a part.

pub mod cases;
mod reference;

use super::boxes::{self, Place};
use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Two parts of one input along `dim`; two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Counted from the outermost.
    pub dim: usize,
    /// Where the second part begins.
    pub at: usize,
}

const NAME: &str = "split";

impl Split {
    fn parts(&self, x: Shape) -> [Shape; 2] {
        [self.at, x[self.dim] - self.at].map(|n| x.with(self.dim, n))
    }

    /// Where part `i` lies in x.
    fn place(&self, x: Shape, i: usize) -> Place {
        Place::from(x, self.dim, i * self.at)
    }
}

impl Op for Split {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input; no such dimension, or a shorter one.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let &[x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one"));
        };
        if x.get(self.dim).is_none_or(|&n| n < self.at) {
            let what = format!("x {x} at {} of dimension {}", self.at, self.dim);
            return Err(OpError::new(NAME, what, "split a dimension that x has, within its size"));
        }
        Ok(Outputs::new(&self.parts(x), &[]))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let x = inputs[0];
        for (i, y) in outputs.iter_mut().enumerate() {
            let size = y.shape();
            boxes::copy(size, x, &self.place(x.shape(), i), y, &Place::whole(size));
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if !b.wants(0) {
            return;
        }
        let shape = b.shapes[0];
        let mut out = if b.dy.iter().any(Option::is_none) { boxes::zeros(b.device(), shape) } else { b.room(0) };
        for (i, dy) in b.dy.iter().enumerate() {
            if let Some(dy) = dy {
                boxes::copy(dy.shape(), dy, &Place::whole(dy.shape()), &mut out, &self.place(shape, i));
            }
        }
        dx[0] = Some(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("shape/split", &super::cases::cases());
    }

    #[test]
    fn a_part_without_gradient_is_zero() {
        let op = Split { dim: 1, at: 1 };
        let dy = Tensor::full([2, 2], 3.0);
        let b = Backward {
            shapes: &[[2, 3].into()],
            inputs: &[None],
            outputs: &[None, None],
            dy: &[None, Some(dy)],
            wants: &[true],
        };
        let mut dx = [None];
        op.backward(&b, &mut dx);
        let want = Tensor::from_slice([2, 3], &[0.0, 3.0, 3.0, 0.0, 3.0, 3.0]);
        assert!(dx[0].as_ref().is_some_and(|dx| dx.same_bits(&want)));
    }

    #[test]
    fn beyond_the_end_is_refused() {
        let e = Split { dim: 1, at: 4 }.infer(&[[2, 3].into()]).unwrap_err().to_string();
        assert!(e.contains("x [2, 3] at 4 of dimension 1"), "{e}");
    }
}

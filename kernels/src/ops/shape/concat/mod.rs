//! Concatenation.
//!
//! # Specification
//! y is the inputs one behind the other along `dim`; their other sizes are equal. Backward: each input's part of dy.

pub mod cases;
mod cpu;
mod reference;

use crate::{Backward, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Concatenation of any number of inputs along `dim`; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    /// Counted from the outermost.
    pub dim: usize,
}

const NAME: &str = "concat";

impl Op for Concat {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// No inputs; no such dimension; sizes that differ elsewhere.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let Some(&first) = inputs.first() else {
            return Err(OpError::new(NAME, "no inputs", "give at least one"));
        };
        if self.dim >= first[..].len() {
            let what = format!("dimension {} of {first}", self.dim);
            return Err(OpError::new(NAME, what, "concatenate along a dimension that the inputs have"));
        }
        let mut size = 0;
        for (i, s) in inputs.iter().enumerate() {
            if s[..].len() != first[..].len() || s.with(self.dim, first[self.dim]) != first {
                let what = format!("input {i} is {s} and input 0 {first}");
                return Err(OpError::new(NAME, what, format!("make all sizes but dimension {} equal", self.dim)));
            }
            size += s[self.dim];
        }
        Ok(Outputs::one(first.with(self.dim, size)))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        cpu::forward(self.dim, inputs, &mut outputs[0]);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        cpu::backward(self.dim, b, dx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("shape/concat", &super::cases::cases());
    }

    #[test]
    fn other_sizes_are_refused() {
        let shapes = [Shape::new(&[2, 3, 4]), Shape::new(&[2, 5, 5])];
        let e = Concat { dim: 1 }.infer(&shapes).unwrap_err().to_string();
        assert!(e.contains("input 1 is [2, 5, 5] and input 0 [2, 3, 4]"), "{e}");
    }
}

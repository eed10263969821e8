//! Weighted sums, one a group of columns: what a mixed edge makes of its operations, and a node of its edges.
//!
//! # Specification
//! w `[E, first + T]` and T terms, each `[.., E q]`, or `[.., q]` where it is *shared* by all E groups -> y `[.., E q]`.
//! Column `e q + c` of y is one fma chain from +0 over the terms, ascending, of `w[e, first + t] x_t`, where a shared term
//! gives its column c. The `first` leading columns of w weigh terms that are zero: they add nothing.
//!
//! Gradients:
//! - of a term, `w[e, first + t] dy`; of a shared term one fma chain from +0 over e, ascending, of `w[e, first + t] dy`;
//! - of `w[e, first + t]`, a sum of `x_t dy` over positions (what leads the columns, row-major) and columns. A chunk is
//!   [`CHUNK`] positions. In a chunk each column of y has 16 / gcd(E q, 16) fma chains from +0: chain j takes the positions
//!   p with p = j modulo the number of chains, ascending. The chains are added in the fixed tree (an empty one is +0), then
//!   the chunks, then the q columns of the group; of a weight of the leading columns, +0.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::op::{Backward, Op, Outputs, Saves};
use crate::{Device, OpError, Shape, Tensor};

/// Positions of a chunk of the weights' gradients.
pub const CHUNK: usize = 256;
/// Most terms.
pub const TERMS: usize = 16;

/// A weighted sum a group of columns. Inputs w and the terms; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightedSum {
    /// Leading columns of w, whose terms are zero.
    pub first: usize,
    /// Bit t set: all groups share term t.
    pub shared: u32,
}

/// Sizes of one.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Groups E.
    groups: usize,
    /// Columns of a group.
    q: usize,
    /// Columns of y, E q.
    width: usize,
    /// Positions.
    positions: usize,
    /// Terms.
    terms: usize,
    /// Columns of w.
    weights: usize,
}

impl Sizes {
    /// Chains of a column in a chunk.
    fn chains(&self) -> usize {
        16 >> self.width.trailing_zeros().min(4)
    }

    /// Chunks; none only if there are no positions.
    fn chunks(&self) -> usize {
        self.positions.div_ceil(CHUNK)
    }
}

const NAME: &str = "weighted_sum";

impl WeightedSum {
    fn shares(&self, term: usize) -> bool {
        self.shared >> term & 1 == 1
    }

    fn sizes(&self, inputs: &[Shape]) -> Result<(Sizes, Shape), OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new(NAME, what, fix));
        let (Some((w, terms)), true) = (inputs.split_first(), (2..=TERMS + 1).contains(&inputs.len())) else {
            return refuse(format!("{} inputs", inputs.len()), "give w and 1 to 16 terms");
        };
        let [groups, weights] = w[..] else { return refuse(format!("weights {w}"), "give w [groups, terms]") };
        if weights != self.first + terms.len() || groups == 0 {
            let what = format!("weights {w}, {} terms behind {} that are zero", terms.len(), self.first);
            return refuse(what, "give one weight a term and a group");
        }
        let q = if self.shares(0) { terms[0].last() } else { terms[0].last() / groups };
        let y = match terms[0].len() {
            _ if terms[0].is_empty() || terms[0].iter().count() == 0 => {
                return refuse(format!("term {}", terms[0]), "give terms [.., columns]");
            }
            _ => terms[0].with(terms[0].iter().count() - 1, groups * q),
        };
        for (t, x) in terms.iter().enumerate() {
            let want = if self.shares(t) { y.with(y.iter().count() - 1, q) } else { y };
            if *x != want {
                let what =
                    format!("term {t} is {x}, with weights {w} and the first term {} it would be {want}", terms[0]);
                return refuse(what, "give terms of one size, [.., groups q] or, shared, [.., q]");
            }
        }
        let (width, terms) = (groups * q, terms.len());
        Ok((Sizes { groups, q, width, positions: y.len() / width, terms, weights }, y))
    }
}

impl Op for WeightedSum {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Weights or terms that do not fit.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(self.sizes(inputs)?.1))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: u32::MAX, outputs: 0 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let mut shapes = [Shape::scalar(); TERMS + 1];
        shapes.iter_mut().zip(inputs).for_each(|(s, x)| *s = x.shape());
        let (sizes, _) = self.sizes(&shapes[..inputs.len()]).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self, &sizes, inputs, &mut outputs[0]),
            Device::Cuda(_) => cuda::forward(self, &sizes, inputs, &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let (sizes, _) = self.sizes(b.shapes).expect("inferred");
        for (i, dx) in dx.iter_mut().enumerate().filter(|(i, _)| b.wants(*i)) {
            *dx = Some(b.room(i));
        }
        match b.device() {
            Device::Cpu => cpu::backward(self, &sizes, b, dx),
            Device::Cuda(_) => cuda::backward(self, &sizes, b, dx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("elementwise/weighted_sum", &super::cases::cases());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let says = |op: WeightedSum, shapes: &[Shape]| op.infer(shapes).unwrap_err().to_string();
        let (op, x) = (WeightedSum { first: 1, shared: 0b10 }, Shape::from([5, 8]));
        assert_eq!(op.infer(&[[2, 3].into(), x, [5, 4].into()]).unwrap().all(), [x]);
        assert!(says(op, &[[2, 3].into(), x, x]).contains("term 1 is [5, 8]"));
        assert!(says(op, &[[2, 2].into(), x, [5, 4].into()]).contains("weights [2, 2], 2 terms behind 1"));
        assert!(says(op, &[[3, 3].into(), x, [5, 4].into()]).contains("term 0 is [5, 8]"));
        assert!(says(op, &[[2, 1].into()]).contains("1 inputs"));
    }
}

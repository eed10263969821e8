//! Losses, and the order in which every one of them sums.
//!
//! A sample is an index of x's first dimension. A sample's loss is the long sum of its terms ([`crate::math::sum`]), so
//! it does not depend on what else is in the batch; samples are summed in the fixed tree ([`crate::tree`]). All of it
//! is f64, rounded once at the end. The mean divides the sum by the number of terms.
//!
//! Only x gets a gradient, never the target.

pub mod cross_entropy;
pub mod cuda;
pub mod pointwise;
pub mod relative_l2;

pub use cross_entropy::CrossEntropy;
pub use pointwise::PointwiseLoss;
pub use relative_l2::RelativeL2;

use crate::math::sum::{CHUNK, Tree};
use crate::{OpError, Shape, Tensor, pool};

/// What becomes of the terms of a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean, a scalar.
    Mean,
    /// Their sum, a scalar.
    Sum,
    /// They are handed out.
    None,
}

impl Reduction {
    /// The loss's shape, where the terms have shape `terms`.
    pub(crate) fn shape(self, terms: Shape) -> Shape {
        if self == Self::None { terms } else { Shape::scalar() }
    }

    /// The sum or the mean, of a sum of `count` terms.
    pub(crate) fn finish(self, sum: f64, count: usize) -> f64 {
        if self == Self::Mean { sum / count as f64 } else { sum }
    }

    /// Gradient with respect to term `i`.
    pub(crate) fn upstream(self, dy: &[f32], i: usize, count: usize) -> f64 {
        match self {
            Self::Mean => f64::from(dy[0]) / count as f64,
            Self::Sum => dy[0].into(),
            Self::None => dy[i].into(),
        }
    }
}

/// Refuses class numbers that are not among `0 .. classes`; call it on targets that come from outside. Unchecked, such
/// a target makes its row's loss and gradient NaN.
///
/// # Errors
/// Names the first one.
pub fn check_targets(target: &Tensor, classes: usize) -> Result<(), OpError> {
    match target.ints().iter().position(|&t| usize::try_from(t).map_or(true, |t| t >= classes)) {
        None => Ok(()),
        Some(i) => Err(OpError::new(
            "cross_entropy",
            format!(
                "target number {i} of shape {} is {}, and there are {classes} classes",
                target.shape(),
                target.ints()[i]
            ),
            format!("class numbers go from 0 to {}", classes as i64 - 1),
        )),
    }
}

/// (samples, terms in each) of terms of this shape.
pub(crate) fn samples(terms: &Shape) -> (usize, usize) {
    (terms.first().copied().unwrap_or(1), terms.iter().skip(1).product())
}

/// The long sums of K quantities over each of n samples of m terms: `leaf(first, count)` gives a chunk's, `each(sample,
/// sums)` is handed them in order.
pub(crate) fn sample_sums<const K: usize>(
    n: usize,
    m: usize,
    leaf: impl Fn(usize, usize) -> [f64; K] + Sync,
    mut each: impl FnMut(usize, [f64; K]),
) {
    let leaves = m.div_ceil(CHUNK);
    let mut scratch = Tensor::uninit([2 * K * n * leaves]); // f64 [n, leaves, K]
    let group = CHUNK.div_ceil(m.clamp(1, CHUNK)); // leaves a task takes
    pool::chunks_mut(scratch.data_mut(), 2 * K * group, |t, out| {
        for (j, out) in bytemuck::cast_slice_mut::<f32, f64>(out).chunks_mut(K).enumerate() {
            let (sample, l) = ((t * group + j) / leaves, (t * group + j) % leaves);
            out.copy_from_slice(&leaf(sample * m + l * CHUNK, CHUNK.min(m - l * CHUNK)));
        }
    });
    let sums: &[f64] = bytemuck::cast_slice(scratch.data());
    for sample in 0..n {
        let mut trees = [const { Tree::new() }; K];
        for l in 0..leaves {
            for (k, tree) in trees.iter_mut().enumerate() {
                tree.push(sums[(sample * leaves + l) * K + k]);
            }
        }
        each(sample, trees.map(|t| t.sum()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_out_of_range_are_named() {
        let t = |v: &[i32]| check_targets(&Tensor::from_ints([v.len()], v), 3);
        assert!(t(&[0, 1, 2]).is_ok());
        assert!(t(&[0, 3]).unwrap_err().to_string().contains("target number 1 of shape [2] is 3"));
        assert!(t(&[-1]).is_err());
    }
}

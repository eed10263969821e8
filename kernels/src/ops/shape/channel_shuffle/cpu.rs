//! Channel shuffle: a permutation of rows seen as matrices.

use super::super::permute::cpu::permute;
use crate::Tensor;

/// y = x, its channels as `[groups, rest]` turned into `[rest, groups]`.
pub(super) fn shuffle(groups: usize, x: &Tensor, y: &mut Tensor) {
    let channels = x.shape().last();
    if x.is_empty() {
        return;
    }
    permute(&[x.len() / channels, groups, channels / groups], &[0, 2, 1], x, y);
}

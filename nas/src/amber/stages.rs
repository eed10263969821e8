//! How the layers of an architecture follow one another: stages of equal width and length.
//!
//! Between two stages every stored layer that is still read passes a 1x1 convolution to the next width and a max pool of 4
//! places, step 4; lengths are rounded up.

use super::space::Sequence;

/// What a pool between stages steps by.
pub const REDUCTION: usize = 4;

/// Stages in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    /// Layers of each.
    pub layers: Vec<usize>,
    /// Channels of each.
    pub widths: Vec<usize>,
}

impl Stages {
    /// The published ones: twelve layers in four stages of three, the width doubling from `first` on.
    pub fn published(first: usize) -> Self {
        Self { layers: vec![3; 4], widths: (0..4).map(|s| first << s).collect() }
    }

    /// Layers of all stages.
    pub fn total(&self) -> usize {
        self.layers.iter().sum()
    }

    /// The stage of a layer.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn of(&self, layer: usize) -> usize {
        let mut end = 0;
        let ends = |n: &usize| {
            end += n;
            layer < end
        };
        self.layers.iter().position(ends).unwrap_or_else(|| panic!("layer {layer} of {}", self.total()))
    }

    /// Channels of a layer.
    pub fn width(&self, layer: usize) -> usize {
        self.widths[self.of(layer)]
    }

    /// Whether a stage ends with this layer and another follows.
    pub fn ends(&self, layer: usize) -> bool {
        layer + 1 < self.total() && self.of(layer) != self.of(layer + 1)
    }

    /// Length of a series of `length` places in the last stage.
    pub fn last_length(&self, length: usize) -> usize {
        (1..self.widths.len()).fold(length, |n, _| n.div_ceil(REDUCTION))
    }
}

/// Whether anything after layer `end` reads layer `from`, `from <= end`: the next layer reads the one before it, others what
/// they add.
pub fn read_after(sequence: &Sequence, end: usize, from: usize) -> bool {
    from == end || sequence.skips[end + 1..].iter().any(|row| row[from])
}

/// Zeros before and after a series of `length` places, such that windows of `k` at distance `step` give ceil(length / step)
/// of them: the smaller half first, as TensorFlow's "SAME" has it.
pub fn same(length: usize, k: usize, step: usize) -> [usize; 2] {
    let all = ((length.div_ceil(step) - 1) * step + k).saturating_sub(length);
    [all / 2, all - all / 2]
}

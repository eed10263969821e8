//! A depthwise convolution of 3x3 or 5x5 that keeps the size, some rows of an image at a time: a part of fused ops.

use super::super::Geometry;
use super::band::Taps;
use super::{gather, weight_grad};
use crate::Tensor;

/// Which sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// y of x.
    Forward,
    /// dx of dy.
    InputGradient,
}

/// The sum, its weights laid out.
pub struct Rows {
    taps: Taps,
    weights: Tensor,
}

impl Rows {
    /// Of weights `[kh, kw, C]`.
    ///
    /// # Panics
    /// If the kernel is neither 3x3 nor 5x5, the stride not 1, or y of another size than x.
    pub fn new(g: &Geometry, direction: Direction, w: &[f32]) -> Self {
        assert!(g.conv.stride == [1, 1] && g.size == g.out && matches!(g.kernel, [3, 3] | [5, 5]), "{g:?}");
        let (taps, reversed) = match direction {
            Direction::Forward => (Taps::of(g), false),
            Direction::InputGradient => (Taps::of_input_gradient(g), true),
        };
        Self { taps, weights: gather::repeat_weights(&taps, w, reversed, taps.period()) }
    }

    /// The band under some rows of the result; `fill` writes a row of the source.
    pub fn band(&self, first: usize, rows: usize, fill: impl Fn(usize, &mut [f32])) -> Tensor {
        let t = &self.taps;
        t.band_of(first, rows, |y, row| {
            let ([h, w], c) = (t.src_size, t.c);
            let Some(y) = usize::try_from(y).ok().filter(|&y| y < h) else { return row.fill(0.0) };
            // Sizes are equal: no source begins before its padding.
            let left = t.origin[1].unsigned_abs() * c;
            row[..left].fill(0.0);
            fill(y, &mut row[left..left + w * c]);
            row[left + w * c..].fill(0.0);
        })
    }

    /// The rows' results of their band.
    pub fn run(&self, band: &[f32], y: &mut [f32]) {
        if self.taps.kernel == [3, 3] {
            gather::square3(&self.taps, band, self.weights.data(), y);
        } else {
            gather::square5(&self.taps, band, self.weights.data(), y);
        }
    }

    /// Sums `[kh, kw, C]` of a chunk of the weight gradient, of the band under the chunk's rows.
    pub fn chunk_sums(&self, band: &[f32], dy: &[f32], to: &mut [f32]) {
        weight_grad::chunk(&self.taps, &[], band, dy, to);
    }

    /// Rows of the source, from one on and below another, that some rows of the result see.
    pub fn sees(&self, first: usize, rows: usize) -> (usize, usize) {
        let t = &self.taps;
        let low = first as isize + t.origin[0];
        let high = low + (rows + (t.kernel[0] - 1) * t.dilation[0]) as isize;
        let inside = |y: isize| (y.max(0) as usize).min(t.src_size[0]);
        (inside(low).min(first), inside(high).max(first + rows))
    }
}

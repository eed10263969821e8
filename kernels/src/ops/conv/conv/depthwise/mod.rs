//! Depthwise convolution: one channel in, one out.
//!
//! Lanes run along the flat run (column, c) of a row, so few channels waste nothing; a tap is the same run of a padded
//! source row, shifted. Kernels of 3x3 and 5x5 at stride 1 walk down the rows and read a source row once for all its rows
//! of taps. The input gradient at other strides is a sum at stride 1 for each phase of positions.

mod band;
pub(in crate::ops) mod cuda;
mod gather;
mod rows;
mod strided;
mod weight_grad;

use super::Geometry;
use band::Taps;
use gather::Sum;

pub use band::chains;
pub use rows::{Direction, Rows};
pub use weight_grad::chunk_rows;

impl Taps {
    /// What an output reads of x.
    fn of(g: &Geometry) -> Self {
        Self {
            src_size: g.size,
            dst_size: g.out,
            c: g.c,
            origin: g.conv.padding.map(|[before, _]| -(before as isize)),
            stride: g.conv.stride,
            kernel: g.kernel,
            dilation: g.conv.dilation,
        }
    }

    /// What an element of dx reads of dy at stride 1, taps from the last to the first.
    fn of_input_gradient(g: &Geometry) -> Self {
        let origin = [0, 1].map(|d| g.conv.padding[d][0] as isize - ((g.kernel[d] - 1) * g.conv.dilation[d]) as isize);
        Self { src_size: g.out, dst_size: g.size, origin, ..Self::of(g) }
    }
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    Sum { taps: Taps::of(g), src: x, n: g.n, weights: w, reversed: false, bias }.run(y);
}

/// dx (+ bias): taps in ascending output position, those whose output position is whole.
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    if g.conv.stride == [1, 1] {
        Sum { taps: Taps::of_input_gradient(g), src: dy, n: g.n, weights: w, reversed: true, bias }.run(dx);
    } else {
        strided::input_gradient(g, dy, w, bias, dx);
    }
}

/// dw: the chunks and chains of the [convolution's](super) specification.
pub fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    weight_grad::weight_gradient(&Taps::of(g), g.n, x, dy, dw);
}

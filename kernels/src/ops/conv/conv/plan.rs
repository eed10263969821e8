//! The convolution as gathers and a scatter of [`crate::product`]: what both devices run.

use super::Geometry;
use crate::product::gather::{Axis, Gather, WeightStrides};
use crate::product::scatter::Scatter;

/// y gathers from x.
pub(super) fn forward(g: &Geometry) -> Gather {
    let strides = WeightStrides { tap: g.group_c() * g.k, group: g.group_k(), k: g.k, out: 1 };
    Gather { n: g.n, c: g.group_c(), out: g.group_k(), groups: g.conv.groups, strides }
}

/// Its rows and columns.
pub(super) fn forward_axes(g: &Geometry) -> [Axis; 2] {
    [0, 1].map(|d| Axis {
        size: g.size[d],
        grid: g.out[d],
        step: g.conv.stride[d],
        taps: g.kernel[d],
        first: -(g.conv.padding[d][0] as isize),
        dilation: g.conv.dilation[d],
        weight: 0,
        weight_step: weights(g, d) as isize,
        dst_size: g.out[d],
        dst_start: 0,
        dst_step: 1,
    })
}

/// dx gathers from dy with flipped, transposed weights.
pub(super) fn input_gradient(g: &Geometry) -> Gather {
    let strides = WeightStrides { tap: g.group_c() * g.k, group: g.group_k(), k: 1, out: g.k };
    Gather { n: g.n, c: g.group_k(), out: g.group_c(), groups: g.conv.groups, strides }
}

/// One dimension of it (0 rows, 1 columns), a part for each phase of the source position: the taps whose output position
/// is whole are the same for positions a stride apart.
pub(super) fn phases(g: &Geometry, d: usize) -> impl Iterator<Item = Axis> {
    let (stride, dilation, number) = (g.conv.stride[d], g.conv.dilation[d], weights(g, d));
    let (size, out, pad, kernel) = (g.size[d], g.out[d], g.conv.padding[d][0], g.kernel[d]);
    (0..stride.min(size)).map(move |phase| {
        // Output position of tap t: (phase + pad - t * dilation) / stride, whole for every `period`-th t.
        let whole = |t: &usize| (phase + pad).abs_diff(t * dilation).is_multiple_of(stride);
        let mut taps = (0..kernel).rev().filter(whole);
        let count = taps.clone().count();
        let top = taps.next().unwrap_or(0);
        let period = taps.next().map_or(0, |second| top - second);
        Axis {
            size: out,
            grid: (size - phase).div_ceil(stride),
            step: 1,
            taps: count,
            first: ((phase + pad) as isize - (top * dilation) as isize).div_euclid(stride as isize),
            dilation: period * dilation / stride,
            weight: top * number,
            weight_step: -((period * number) as isize),
            dst_size: size,
            dst_start: phase,
            dst_step: stride,
        }
    })
}

/// dw.
pub(super) fn weight_gradient(g: &Geometry) -> Scatter {
    Scatter {
        n: g.n,
        size: g.size,
        c: g.group_c(),
        out: g.group_k(),
        groups: g.conv.groups,
        grid: g.out,
        kernel: g.kernel,
        stride: g.conv.stride,
        dilation: g.conv.dilation,
        padding: [g.conv.padding[0][0], g.conv.padding[1][0]],
    }
}

/// From the weights of a tap to those of the next in this dimension.
fn weights(g: &Geometry, d: usize) -> usize {
    if d == 0 { g.kernel[1] } else { 1 }
}

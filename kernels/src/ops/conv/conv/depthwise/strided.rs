//! The input gradient at strides other than 1: positions a stride apart see the same taps, so each phase of rows and columns
//! is a sum at stride 1 over its own taps, and is spread over dx afterwards.

use super::super::{Geometry, plan};
use super::band::Taps;
use super::gather::Sum;
use crate::Tensor;
use crate::pool::{self, Ptr};
use crate::product::gather::Axis;

/// Numbers a task should at least move.
const TASK: usize = 1 << 14;

/// dx (+ bias): taps in ascending output position, those whose output position is whole.
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    for rows in plan::phases(g, 0) {
        for columns in plan::phases(g, 1) {
            phase(g, [rows, columns], dy, w, bias, dx);
        }
    }
}

/// The positions of one phase in each direction.
fn phase(g: &Geometry, axes: [Axis; 2], dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    let ([height, width], c) = (axes.map(|a| a.grid), g.c);
    let mut sums = Tensor::uninit([g.n * height * width * c]);
    let kernel = axes.map(|a| a.taps);
    if kernel.contains(&0) {
        sums.data_mut().fill(0.0);
    } else {
        let mut weights = Tensor::uninit([kernel[0] * kernel[1] * c]);
        for (t, to) in weights.data_mut().chunks_exact_mut(c).enumerate() {
            let step = |a: &Axis, i: usize| a.weight as isize + i as isize * a.weight_step;
            let tap = step(&axes[0], t / kernel[1]) + step(&axes[1], t % kernel[1]);
            to.copy_from_slice(&w[tap as usize * c..][..c]);
        }
        let taps = Taps {
            src_size: g.out,
            dst_size: [height, width],
            c,
            origin: axes.map(|a| a.first),
            stride: [1, 1],
            kernel,
            dilation: axes.map(|a| a.dilation),
        };
        Sum { taps, src: dy, n: g.n, weights: weights.data(), reversed: false, bias: None }.run(sums.data_mut());
    }
    let ([h, wd], sums, out) = (g.size, sums.data(), Ptr(dx.as_mut_ptr()));
    let per = (TASK / (width * c)).max(1);
    pool::run((g.n * height).div_ceil(per), |item| {
        for i in item * per..((item + 1) * per).min(g.n * height) {
            let row = i / height * h + axes[0].dst_start + i % height * axes[0].dst_step;
            for (q, sum) in sums[i * width * c..][..width * c].chunks_exact(c).enumerate() {
                let at = row * wd + axes[1].dst_start + q * axes[1].dst_step;
                // SAFETY: each position belongs to one row of one phase.
                let to = unsafe { out.slice(at * c, c) };
                to.copy_from_slice(sum);
                if let Some(bias) = bias {
                    to.iter_mut().zip(bias).for_each(|(y, b)| *y += *b);
                }
            }
        }
    });
}

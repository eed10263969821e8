//! The convolution on the card: gathers and scatters of [`crate::product`].

use super::{Geometry, plan, winograd};
use crate::cuda::{Module, driver};
use crate::product::cuda;
use crate::product::gather::Axis;
use crate::{Backward, Tensor};

/// The kernels of the forms that are neither gather nor scatter.
pub static KERNELS: Module = Module::new("conv/conv", include_str!("kernel.cu"));

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    special(g);
    let [rows, columns] = plan::forward_axes(g);
    cuda::gather(&plan::forward(g), [&[rows], &[columns]], x, w, bias, y);
}

/// dx; the bias (one number an input channel) is the transposed convolution's.
pub fn input_gradient(g: &Geometry, dy: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &mut Tensor) {
    special(g);
    let [rows, columns] = [0, 1].map(|d| plan::phases(g, d).collect::<Vec<Axis>>());
    cuda::gather(&plan::input_gradient(g), [&rows, &columns], dy, w, bias, dx);
}

/// dw.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    special(g);
    cuda::scatter(&plan::weight_gradient(g), x, dy, dw);
}

/// All gradients that are wanted.
pub(super) fn backward(g: &Geometry, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let (x, w, dy) = (b.input(0), b.input(1), b.dy());
    if b.wants(0) {
        input_gradient(g, dy, w, None, dx[0].insert(b.room(0)));
    }
    if b.wants(1) {
        weight_gradient(g, x, dy, dx[1].insert(b.room(1)));
    }
    if b.wants(2) {
        cuda::row_sums(dy, dx[2].insert(b.room(2)));
    }
}

/// Forms that are specified otherwise.
fn special(g: &Geometry) {
    if g.depthwise() || winograd::applies(g) {
        driver::raise("conv: this form is not on the card yet");
    }
}

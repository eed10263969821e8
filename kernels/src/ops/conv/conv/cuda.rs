//! The convolution on the card: gathers and scatters of [`crate::product`], Winograd's forms, depthwise and narrow pointwise
//! ones by kernels of their own.

use super::{Geometry, depthwise, plan, pointwise, winograd};
use crate::cuda::cudnn;
use crate::product::cuda;
use crate::product::gather::Axis;
use crate::{Backward, Tensor};

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    if winograd::applies(g) {
        return winograd::cuda::forward(g, x, w, bias, y);
    }
    if depthwise::cuda::takes(g) {
        return depthwise::cuda::forward(g, x, w, bias, y);
    }
    let [rows, columns] = plan::forward_axes(g);
    cuda::gather(&plan::forward(g), [&[rows], &[columns]], x, w, bias, y);
}

/// dx; the bias (one number an input channel) is the transposed convolution's.
pub fn input_gradient(g: &Geometry, dy: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &mut Tensor) {
    if winograd::applies(g) {
        return winograd::cuda::input_gradient(g, dy, w, bias, dx);
    }
    if depthwise::cuda::takes(g) {
        return depthwise::cuda::input_gradient(g, dy, w, bias, dx);
    }
    let [rows, columns] = [0, 1].map(|d| plan::phases(g, d).collect::<Vec<Axis>>());
    cuda::gather(&plan::input_gradient(g), [&rows, &columns], dy, w, bias, dx);
}

/// dw.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    if winograd::applies(g) {
        return winograd::cuda::weight_gradient(g, x, dy, dw);
    }
    if g.depthwise() {
        return depthwise::cuda::weight_gradient(g, x, dy, dw);
    }
    if pointwise::applies(g) {
        return pointwise::cuda::weight_gradient(g, x, dy, dw);
    }
    cuda::scatter(&plan::weight_gradient(g), x, dy, dw);
}

/// All gradients that are wanted, through cuDNN in speed mode where it takes the shape.
pub(super) fn backward(g: &Geometry, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let (x, w, dy) = (b.input(0), b.input(1), b.dy());
    if b.wants(0) {
        let d = dx[0].insert(b.room(0));
        if !cudnn::input_gradient(g, dy, w, d) {
            input_gradient(g, dy, w, None, d);
        }
    }
    if b.wants(1) {
        let d = dx[1].insert(b.room(1));
        if !cudnn::weight_gradient(g, x, dy, d) {
            weight_gradient(g, x, dy, d);
        }
    }
    if b.wants(2) {
        cuda::row_sums(dy, dx[2].insert(b.room(2)));
    }
}

//! The transposed convolution on the card: the convolution's launches, roles exchanged.

use crate::ops::conv::conv::{Geometry, cuda};
use crate::{Backward, Tensor};

/// y from x: the convolution's input gradient.
pub(super) fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    cuda::input_gradient(g, x, w, bias, y);
}

/// All gradients that are wanted.
pub(super) fn backward(g: &Geometry, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let (x, w, dy) = (b.input(0), b.input(1), b.dy());
    if b.wants(0) {
        cuda::forward(g, dy, w, None, dx[0].insert(b.room(0)));
    }
    if b.wants(1) {
        cuda::weight_gradient(g, dy, x, dx[1].insert(b.room(1)));
    }
    if b.wants(2) {
        crate::product::cuda::row_sums(dy, dx[2].insert(b.room(2)));
    }
}

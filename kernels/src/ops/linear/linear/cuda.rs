//! The linear layer on the card: products.

use crate::product::cuda;
use crate::product::scatter::Scatter;
use crate::{Backward, Tensor};

/// y = x w (+ bias) over m rows.
pub(super) fn forward([m, i, o]: [usize; 3], x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    cuda::matmul(x, w, bias, [m, i, o], [o, 1], y);
}

/// All gradients that are wanted.
pub(super) fn backward([m, i, o]: [usize; 3], b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let dy = b.dy();
    if b.wants(0) {
        cuda::matmul(dy, b.input(1), None, [m, o, i], [1, o], dx[0].insert(b.room(0)));
    }
    if b.wants(1) {
        cuda::scatter(&Scatter::rows(m, i, o), b.input(0), dy, dx[1].insert(b.room(1)));
    }
    if b.wants(2) {
        cuda::row_sums(dy, dx[2].insert(b.room(2)));
    }
}

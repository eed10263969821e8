//! Concatenation by boxes.

use super::super::boxes::{self, Place};
use crate::{Backward, Tensor};

pub(super) fn forward(dim: usize, inputs: &[&Tensor], y: &mut Tensor) {
    let (shape, mut start) = (y.shape(), 0);
    for x in inputs {
        let size = x.shape();
        boxes::copy(size, x, &Place::whole(size), y, &Place::from(shape, dim, start));
        start += size[dim];
    }
}

pub(super) fn backward(dim: usize, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let (dy, mut start) = (b.dy(), 0);
    for (i, &size) in b.shapes.iter().enumerate() {
        if b.wants(i) {
            let mut out = b.room(i);
            let from = Place::from(dy.shape(), dim, start);
            boxes::copy(size, dy, &from, &mut out, &Place::whole(size));
            dx[i] = Some(out);
        }
        start += size[dim];
    }
}

//! Padding by boxes.

use super::super::boxes::{self, Place};
use super::Pad;
use crate::{Shape, Tensor};

/// What x and y share: its size, where it begins in x and in y.
fn shared(op: &Pad, x: Shape, y: Shape) -> (Shape, Place, Place) {
    let (mut size, mut from, mut to) = (x, Place::whole(x), Place::whole(y));
    for d in 0..x[..].len() {
        let [left, right] = op.sides[d];
        let cropped = |side: isize| side.min(0).unsigned_abs();
        size = size.with(d, x[d] - cropped(left) - cropped(right));
        (from.start[d], to.start[d]) = (cropped(left), left.max(0) as usize);
    }
    (size, from, to)
}

pub(super) fn forward(op: &Pad, x: &Tensor, y: &mut Tensor) {
    let (size, from, to) = shared(op, x.shape(), y.shape());
    if size != y.shape() {
        boxes::zero(y);
    }
    boxes::copy(size, x, &from, y, &to);
}

pub(super) fn backward(op: &Pad, dy: &Tensor, x: Shape) -> Tensor {
    let (size, from, to) = shared(op, x, dy.shape());
    let device = dy.device();
    let mut dx = if size == x { Tensor::uninit_on(device, x) } else { boxes::zeros(device, x) };
    boxes::copy(size, dy, &to, &mut dx, &from);
    dx
}

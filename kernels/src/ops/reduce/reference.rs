//! Sums over dimensions, one number at a time: these lines define the bits.

use super::{Axes, CHUNK};
use crate::host::{Host, Real};
use crate::{Shape, tree};

/// Which element of y (row-major) element `i` of x belongs to.
fn owner(x: &Shape, axes: Axes, mut i: usize) -> usize {
    let (mut at, mut stride) = (0, 1);
    for d in (0..x[..].len()).rev() {
        if !axes.has(d) {
            at += i % x[d] * stride;
            stride *= x[d];
        }
        i /= x[d];
    }
    at
}

/// Sums (and how many terms each has): terms in x's row-major order.
pub(super) fn sums<T: Real>(x: &Host<T>, axes: Axes, y: Shape) -> (Host<T>, usize) {
    let mut terms = vec![Vec::new(); y.len()];
    for (i, v) in x.data.iter().enumerate() {
        terms[owner(&x.shape, axes, i)].push(*v);
    }
    let sum = |terms: &Vec<T>| {
        let chain = |chunk: &[T]| chunk.iter().fold(T::of(0.0), |s, v| s + *v);
        tree::sum(&mut terms.chunks(CHUNK).map(chain).collect::<Vec<T>>())
    };
    let count = terms[0].len();
    (Host::new(y, terms.iter().map(sum).collect()), count)
}

/// Each element of x takes its sum's number.
pub(super) fn broadcast<T: Real>(dy: &Host<T>, axes: Axes, x: Shape) -> Host<T> {
    Host::new(x, (0..x.len()).map(|i| dy.data[owner(&x, axes, i)]).collect())
}

//! Slices, one number at a time.

use super::super::boxes::{flat, indices};
use super::Slice;
use crate::Shape;
use crate::host::{Host, Real};
use crate::op::Reference;

/// Flat positions in x of y's elements, in order.
fn taken(op: &Slice, x: &Shape) -> (Shape, Vec<usize>) {
    let (_, y) = op.place(x).expect("inferred");
    let at = indices(y).map(|mut at| {
        for (at, (start, _, step)) in at.iter_mut().zip(op.ranges) {
            *at = start + *at * step;
        }
        flat(x, &at)
    });
    (y, at.collect())
}

impl Reference for Slice {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (y, at) = taken(self, &inputs[0].shape);
        vec![Host::new(y, at.into_iter().map(|i| inputs[0].data[i]).collect())]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, g) in taken(self, &inputs[0].shape).1.into_iter().zip(&dy.data) {
            dx.data[i] = *g;
        }
        vec![Some(dx)]
    }
}

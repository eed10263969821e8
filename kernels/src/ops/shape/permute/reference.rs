//! Permutation, one number at a time.

use super::super::boxes::{flat, indices};
use super::Permute;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::shape::MAX_RANK;

/// x with its dimensions in the order of `op`.
fn permuted<T: Real>(op: &Permute, x: &Host<T>) -> Host<T> {
    let mut y = Host::zeros(op.shape(&x.shape));
    for (v, from) in x.data.iter().zip(indices(x.shape)) {
        let mut to = [0; MAX_RANK];
        for (to, &d) in to.iter_mut().zip(op.dims()) {
            *to = from[d];
        }
        y.data[flat(&y.shape, &to)] = *v;
    }
    y
}

impl Reference for Permute {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        vec![permuted(self, &inputs[0])]
    }

    fn reference_backward<T: Real>(
        &self,
        _: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        vec![dy[0].as_ref().map(|dy| permuted(&self.inverse(), dy))]
    }
}

//! A tensor in two parts, one number at a time.

use super::super::boxes::{flat, indices};
use super::Split;
use crate::host::{Host, Real};
use crate::op::Reference;

impl Reference for Split {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let part = |(i, shape)| {
            let take = indices(shape).map(|mut at| {
                at[self.dim] += i * self.at;
                x.data[flat(&x.shape, &at)]
            });
            Host::new(shape, take.collect())
        };
        self.parts(x.shape).into_iter().enumerate().map(part).collect()
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, dy) in dy.iter().enumerate() {
            let Some(dy) = dy else { continue };
            for (g, mut at) in dy.data.iter().zip(indices(dy.shape)) {
                at[self.dim] += i * self.at;
                dx.data[flat(&inputs[0].shape, &at)] = *g;
            }
        }
        vec![Some(dx)]
    }
}

//! Concatenation, one number at a time.

use super::super::boxes::{flat, indices};
use super::Concat;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::{Op, Shape};

impl Reference for Concat {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let shapes: Vec<Shape> = inputs.iter().map(|x| x.shape).collect();
        let mut y = Host::zeros(self.infer(&shapes).expect("inferred").all()[0]);
        let mut start = 0;
        for x in inputs {
            for (v, mut at) in x.data.iter().zip(indices(x.shape)) {
                at[self.dim] += start;
                y.data[flat(&y.shape, &at)] = *v;
            }
            start += x.shape[self.dim];
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None; inputs.len()] };
        let mut start = 0;
        let mut part = |x: &Host<T>| {
            let take = indices(x.shape).map(|mut at| {
                at[self.dim] += start;
                dy.data[flat(&dy.shape, &at)]
            });
            let dx = Host::new(x.shape, take.collect());
            start += x.shape[self.dim];
            Some(dx)
        };
        inputs.iter().map(&mut part).collect()
    }
}

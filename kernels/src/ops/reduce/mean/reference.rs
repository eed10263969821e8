//! The mean over dimensions.

use super::Mean;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::reduce::reference::{broadcast, sums};

impl Reference for Mean {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (_, shape) = self.plan(&[inputs[0].shape]).expect("inferred");
        let (mut y, count) = sums(&inputs[0], self.axes, shape);
        for v in &mut y.data {
            *v = *v / T::of(count as f64);
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let mut dx = broadcast(dy, self.axes, inputs[0].shape);
        let count = T::of((inputs[0].data.len() / dy.data.len()) as f64);
        for v in &mut dx.data {
            *v = *v / count;
        }
        vec![Some(dx)]
    }
}

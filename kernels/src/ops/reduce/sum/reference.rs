//! The sum over dimensions.

use super::Sum;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::reduce::reference::{broadcast, sums};

impl Reference for Sum {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (_, shape) = self.plan(&[inputs[0].shape]).expect("inferred");
        vec![sums(&inputs[0], self.axes, shape).0]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        vec![Some(broadcast(dy, self.axes, inputs[0].shape))]
    }
}

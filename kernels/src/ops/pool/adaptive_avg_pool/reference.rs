//! Average pooling to a given size: what `mean` sums one number at a time defines the bits.

use super::super::mean;
use super::AdaptiveAvgPool;
use crate::host::{Host, Real};
use crate::op::Reference;

impl Reference for AdaptiveAvgPool {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (p, shape) = self.plane(&inputs[0].shape).expect("inferred");
        let mut y = Host::zeros(shape);
        mean::reference(&p, &inputs[0], &mut y);
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let (p, _) = self.plane(&inputs[0].shape).expect("inferred");
        let mut dx = Host::zeros(inputs[0].shape);
        mean::reference_backward(&p, dy, &mut dx);
        vec![Some(dx)]
    }
}

//! The 2-norm over dimensions.

use super::L2Norm;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::reduce::reference::{broadcast, sums};

impl Reference for L2Norm {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let (_, shape) = self.plan(&[x.shape]).expect("inferred");
        let squares = Host::new(x.shape, x.data.iter().map(|x| *x * *x).collect());
        let (mut y, _) = sums(&squares, self.axes, shape);
        y.data.iter_mut().for_each(|y| *y = y.sqrt());
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let zero = T::of(0.0);
        let factor = |(dy, y): (&T, &T)| if *y == zero { zero } else { *dy / *y };
        let g = Host::new(dy.shape, dy.data.iter().zip(&outputs[0].data).map(factor).collect());
        let mut dx = broadcast(&g, self.axes, inputs[0].shape);
        dx.data.iter_mut().zip(&inputs[0].data).for_each(|(dx, x)| *dx = *dx * *x);
        vec![Some(dx)]
    }
}

//! The variance over dimensions.

use super::Var;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::reduce::reference::{broadcast, sums};

impl Reference for Var {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let (_, shape) = self.plan(&[x.shape]).expect("inferred");
        let (mut mean, count) = sums(x, self.axes, shape);
        mean.data.iter_mut().for_each(|m| *m = *m / T::of(count as f64));
        let mut squares = broadcast(&mean, self.axes, x.shape);
        for (q, x) in squares.data.iter_mut().zip(&x.data) {
            let d = *x - *q;
            *q = d * d;
        }
        let (mut y, _) = sums(&squares, self.axes, shape);
        y.data.iter_mut().for_each(|y| *y = *y / T::of((count - self.correction) as f64));
        vec![y, mean]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let x = &inputs[0];
        let mean = broadcast(&outputs[1], self.axes, x.shape);
        let mut dx = broadcast(dy, self.axes, x.shape);
        let divisor = T::of((x.data.len() / dy.data.len() - self.correction) as f64);
        for (i, dx) in dx.data.iter_mut().enumerate() {
            *dx = (T::of(2.0) * *dx) / divisor * (x.data[i] - mean.data[i]);
        }
        vec![Some(dx)]
    }
}

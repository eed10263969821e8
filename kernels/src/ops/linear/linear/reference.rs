//! Defines the bits: the 1x1 convolution's reference over rows.

use super::{Linear, as_conv};
use crate::host::{Host, Real};
use crate::op::Reference;

/// Inputs as the convolution sees them.
fn flat<T: Real>(inputs: &[Host<T>]) -> Vec<Host<T>> {
    let mut all = inputs.to_vec();
    let [i, o] = [inputs[1].shape[0], inputs[1].shape[1]];
    all[0].shape = [inputs[0].data.len() / i, 1, i].into();
    all[1].shape = [1, i, o].into();
    all
}

impl Reference for Linear {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let mut y = as_conv(*self).reference(&flat(inputs));
        let x = inputs[0].shape;
        y[0].shape = x.with(x.iter().count() - 1, inputs[1].shape[1]);
        y
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let mut grads = as_conv(*self).reference_backward(&flat(inputs), outputs, dy);
        for (g, x) in grads.iter_mut().zip(inputs) {
            g.as_mut().expect("a gradient an input").shape = x.shape;
        }
        grads
    }
}

//! Defines the bits of the transposed convolution: the convolution's references, roles exchanged.

use super::ConvTranspose;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::conv::conv::reference;

impl Reference for ConvTranspose {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, w) = (&inputs[0], &inputs[1]);
        let g = self.geometry(x.shape, w.shape).expect("checked");
        let bias = self.bias.then(|| &inputs[2].data[..]);
        vec![reference::input_gradient(&g, &x.data, w, bias)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let (x, w) = (&inputs[0], &inputs[1]);
        let dy = &dy[0].as_ref().expect("one output").data;
        let g = self.geometry(x.shape, w.shape).expect("checked");
        let dx = Host::new(x.shape, reference::forward(&g, dy, w, None));
        let mut grads = vec![Some(dx), Some(reference::weight_gradient(&g, dy, &x.data, w))];
        if self.bias {
            grads.push(Some(reference::bias_gradient(g.c, dy)));
        }
        grads
    }
}

//! Defines the bits: a series of one step.

use super::{LstmCell, sizes};
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::lstm::reference::{Layer, Trace, backward, forward};

fn layer<T>(inputs: &[Host<T>]) -> Layer<'_, T> {
    Layer { w: [&inputs[3].data, &inputs[4].data], b: [&inputs[5].data, &inputs[6].data] }
}

impl Reference for LstmCell {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let [x, h, c] = [0, 1, 2].map(|i| &inputs[i]);
        let trace = forward(sizes(x.shape, h.shape), &x.data, [&h.data, &c.data], layer(inputs));
        vec![
            Host::new(h.shape, trace.states),
            Host::new(h.shape, trace.cells),
            Host::new(h.shape.with(1, 4 * h.shape[1]), trace.gates),
            Host::new(h.shape, trace.tanhs),
        ]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let [x, h, c] = [0, 1, 2].map(|i| &inputs[i]);
        let [states, cells, gates, tanhs] = [0, 1, 2, 3].map(|i| outputs[i].data.clone());
        let trace = Trace { gates, cells, tanhs, states };
        let [dh, dc] = [0, 1].map(|i| dy[i].clone().unwrap_or_else(|| Host::zeros(h.shape)).data);
        let start = [&h.data[..], &c.data[..]];
        let g = backward(sizes(x.shape, h.shape), &x.data, start, layer(inputs), &trace, None, &dh, &dc);
        let all = [g.x, g.h0, g.c0, g.w_ih, g.w_hh, g.b.clone(), g.b];
        all.into_iter().zip(inputs).map(|(g, x)| Some(Host::new(x.shape, g))).collect()
    }
}

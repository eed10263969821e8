//! Defines the bits: layer after layer.

use super::{FIRST, Lstm, sizes};
use crate::host::{Host, Real};
use crate::op::{Op, Reference};
use crate::ops::lstm::reference::{Layer, Trace, backward, forward};

fn layer<T>(inputs: &[Host<T>], l: usize) -> Layer<'_, T> {
    let w = |k: usize| &inputs[FIRST + 4 * l + k].data[..];
    Layer { w: [w(0), w(1)], b: [w(2), w(3)] }
}

impl Reference for Lstm {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let [x, h0, c0] = [0, 1, 2].map(|i| &inputs[i]);
        let m = h0.shape[1] * h0.shape[2];
        let mut all = Trace::default();
        let (mut h, mut c) = (Vec::new(), Vec::new());
        let mut from = x.data.clone();
        for l in 0..self.layers {
            let start = [&h0.data[l * m..][..m], &c0.data[l * m..][..m]];
            let trace = forward(sizes(x.shape, h0.shape, l), &from, start, layer(inputs, l));
            h.extend(&trace.states[trace.states.len() - m..]);
            c.extend(&trace.cells[trace.cells.len() - m..]);
            all.gates.extend(&trace.gates);
            all.cells.extend(&trace.cells);
            all.tanhs.extend(&trace.tanhs);
            all.states.extend(&trace.states);
            from = trace.states;
        }
        let shapes: Vec<_> = inputs.iter().map(|i| i.shape).collect();
        let outputs = [from, h, c, all.gates, all.cells, all.tanhs, all.states];
        let inferred = self.infer(&shapes).expect("checked");
        outputs.into_iter().zip(inferred.all()).map(|(data, s)| Host::new(*s, data)).collect()
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let [x, h0, c0] = [0, 1, 2].map(|i| &inputs[i]);
        let m = h0.shape[1] * h0.shape[2];
        let whole = x.shape[0] * m;
        let [dh, dc] = [1, 2].map(|i| dy[i].clone().unwrap_or_else(|| Host::zeros(h0.shape)).data);
        let mut up = dy[0].as_ref().map(|d| d.data.clone());
        let mut grads: Vec<Host<T>> = inputs.iter().map(|i| Host::zeros(i.shape)).collect();
        for l in (0..self.layers).rev() {
            let of = |i: usize, width: usize| outputs[i].data[l * width..][..width].to_vec();
            let trace =
                Trace { gates: of(3, 4 * whole), cells: of(4, whole), tanhs: of(5, whole), states: of(6, whole) };
            let from = if l == 0 { &x.data[..] } else { &outputs[6].data[(l - 1) * whole..][..whole] };
            let start = [&h0.data[l * m..][..m], &c0.data[l * m..][..m]];
            let (s, ends) = (sizes(x.shape, h0.shape, l), [&dh[l * m..][..m], &dc[l * m..][..m]]);
            let g = backward(s, from, start, layer(inputs, l), &trace, up.as_deref(), ends[0], ends[1]);
            grads[1].data[l * m..][..m].copy_from_slice(&g.h0);
            grads[2].data[l * m..][..m].copy_from_slice(&g.c0);
            for (k, data) in [g.w_ih, g.w_hh, g.b.clone(), g.b].into_iter().enumerate() {
                grads[FIRST + 4 * l + k].data = data;
            }
            up = Some(g.x);
        }
        grads[0].data = up.expect("at least one layer");
        grads.into_iter().map(Some).collect()
    }
}

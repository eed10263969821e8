//! The layers on the card, one after another; what lies where is as on the processor.

use super::super::cuda::{self, Trace, at};
use super::{FIRST, sizes};
use crate::cuda::driver;
use crate::cuda::module::Address;
use crate::{Backward, Tensor};

/// What layer `l` leaves, `whole` states in all.
fn trace_of([gates, cells, tanhs, states]: [Address; 4], l: usize, whole: usize) -> Trace {
    Trace {
        gates: at(gates, 4 * l * whole),
        cells: at(cells, l * whole),
        tanhs: at(tanhs, l * whole),
        states: at(states, l * whole),
    }
}

pub(super) fn forward(layers: usize, inputs: &[&Tensor], outputs: &mut [Tensor]) {
    let (x, h0, c0) = (inputs[0], inputs[1], inputs[2]);
    let [y, h, c, rest @ ..] = outputs else { unreachable!("inferred") };
    let [gates, cells, tanhs, states] = rest else { unreachable!("inferred") };
    let all = [gates, cells, tanhs, states].map(|t| Address(t.address_mut()));
    let last = sizes(x.shape(), h0.shape(), layers);
    let m = last.n * last.h;
    let whole = last.t * m;
    let copy = |to: Address, from: Address, n: usize| driver::card().copy(to.0, from.0, 4 * n);
    for l in 0..layers {
        let trace = trace_of(all, l, whole);
        let from = if l == 0 { Address(x.address()) } else { trace_of(all, l - 1, whole).states };
        let start = [h0, c0].map(|t| at(Address(t.address()), l * m));
        let w = [0, 1, 2, 3].map(|k| inputs[FIRST + 4 * l + k]);
        cuda::forward(sizes(x.shape(), h0.shape(), l), from, start, w, trace);
        copy(at(Address(h.address_mut()), l * m), at(trace.states, whole - m), m);
        copy(at(Address(c.address_mut()), l * m), at(trace.cells, whole - m), m);
    }
    copy(Address(y.address_mut()), trace_of(all, layers - 1, whole).states, whole);
}

pub(super) fn backward(layers: usize, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let shape = b.shapes[1];
    let last = sizes(b.shapes[0], shape, layers);
    let m = last.n * last.h;
    let whole = last.t * m;
    let all = [3, 4, 5, 6].map(|i| Address(b.output(i).address()));
    let [mut dh, mut dc] = [1, 2].map(|i| match &b.dy[i] {
        Some(dy) => dy.clone(),
        None => Tensor::full_on(b.device(), shape, 0.0),
    });
    let grads = [&mut dh, &mut dc].map(|t| Address(t.address_mut()));
    // What the layer's h gets from outside.
    let mut up = b.dy[0].clone();
    for l in (0..layers).rev() {
        let s = sizes(b.shapes[0], shape, l);
        let trace = trace_of(all, l, whole);
        let start = [1, 2].map(|i| at(Address(b.input(i).address()), l * m));
        let x = if l == 0 { Address(b.input(0).address()) } else { trace_of(all, l - 1, whole).states };
        let first = FIRST + 4 * l;
        let da = cuda::backward(s, trace, start, b.input(first + 1), up.as_ref(), grads.map(|g| at(g, l * m)));
        if l > 0 || b.wants(0) {
            up = Some(cuda::input_gradient(s, &da, b.input(first)));
        }
        let wants = [0, 1, 2, 3].map(|k| b.wants(first + k));
        cuda::layer_gradients(s, [x, start[0], trace.states], &da, wants, &mut dx[first..]);
    }
    if b.wants(0) {
        dx[0] = up;
    }
    dx[1] = b.wants(1).then_some(dh);
    dx[2] = b.wants(2).then_some(dc);
}

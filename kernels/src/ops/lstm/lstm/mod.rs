//! An LSTM over whole series, in one direction, through layers of equal width: the step that [`super`] specifies, for
//! t = 0, 1, ... from h0 and c0; a layer's h of all steps is the next layer's input.
//!
//! x `[T, N, I]`, h0, c0 `[layers, N, H]`, then for each layer w_ih `[I or H, 4H]`, w_hh `[H, 4H]`, b_ih `[4H]`, b_hh `[4H]`
//! -> y `[T, N, H]` (the last layer's h of every step), h, c `[layers, N, H]` (of the last step); hidden: every layer's
//! gates `[layers, T, N, 4H]`, c, tanh c and h of every step `[layers, T, N, H]`.
//!
//! Backward: layers last to first, steps last to first. A step's `dh` is what its h gets from outside (dy, or the layer
//! above's dx) plus what comes from the step after it (for the last step: the gradient of the output h); its `dc` is what
//! comes from the step after it (for the last: the gradient of the output c). What is missing is +0.

mod card;
pub mod cases;
mod reference;

use super::check_layer;
use super::cpu::{self, Saved, Sizes, Trace, Weights};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// An LSTM over series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lstm {
    /// Layers, 1 to [`MAX_LAYERS`].
    pub layers: usize,
}

/// Most layers: four inputs each, beside three others.
pub const MAX_LAYERS: usize = 7;

const NAME: &str = "lstm";

/// Inputs before the first layer's.
const FIRST: usize = 3;

/// Sizes of layer `layer` from the shapes of x and h0.
fn sizes(x: Shape, h0: Shape, layer: usize) -> Sizes {
    let h = h0[2];
    Sizes { t: x[0], n: x[1], i: if layer == 0 { x[2] } else { h }, h }
}

impl Op for Lstm {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// A wrong number of layers or inputs; shapes that do not fit; nothing in them.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new(NAME, what, fix));
        if !(1..=MAX_LAYERS).contains(&self.layers) {
            return refuse(format!("{} layers", self.layers), "one op takes 1 to 7; stack several");
        }
        if inputs.len() != FIRST + 4 * self.layers {
            let what = format!("{} inputs, {} layers", inputs.len(), self.layers);
            return refuse(what, "give x, h0, c0 and, a layer, w_ih, w_hh, b_ih, b_hh");
        }
        let (x, h0, c0) = (inputs[0], inputs[1], inputs[2]);
        let rank = |s: Shape| s[..].len();
        if rank(x) != 3 || rank(h0) != 3 || h0 != c0 || h0[0] != self.layers || x[1] != h0[1] {
            let what = format!("x is {x}, h0 {h0}, c0 {c0}, layers {}", self.layers);
            return refuse(what, "give x [T, N, I], h0 and c0 [layers, N, H]");
        }
        if x.is_empty() || h0.is_empty() {
            return refuse(format!("x is {x}, h0 {h0}"), "give at least one of everything");
        }
        for layer in 0..self.layers {
            check_layer(NAME, layer, &inputs[FIRST + 4 * layer..][..4], sizes(x, h0, layer).i, h0[2])?;
        }
        let (t, n, h) = (x[0], x[1], h0[2]);
        let all = |width| Shape::from([self.layers, t, n, width]);
        Ok(Outputs::new(&[Shape::from([t, n, h]), h0, h0], &[all(4 * h), all(h), all(h), all(h)]))
    }

    fn saves(&self) -> Saves {
        let weights = (0..self.layers).fold(0, |mask, l| mask | 0b11 << (FIRST + 4 * l));
        Saves { inputs: 0b111 | weights, outputs: 0b111_1000 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        if inputs[0].device() != Device::Cpu {
            return card::forward(self.layers, inputs, outputs);
        }
        let [y, h, c, gates, cells, tanhs, states] = outputs else { unreachable!("inferred") };
        let (x, h0, c0) = (inputs[0], inputs[1], inputs[2]);
        let last = sizes(x.shape(), h0.shape(), self.layers);
        let m = last.n * last.h;
        let whole = last.t * m;
        let (gates, cells, tanhs) = (gates.data_mut(), cells.data_mut(), tanhs.data_mut());
        let states = states.data_mut();
        for l in 0..self.layers {
            let s = sizes(x.shape(), h0.shape(), l);
            let w = |k: usize| inputs[FIRST + 4 * l + k].data();
            let (below, above) = states.split_at_mut(l * whole);
            let from = if l == 0 { x.data() } else { &below[(l - 1) * whole..] };
            let trace = Trace {
                gates: &mut gates[4 * l * whole..][..4 * whole],
                cells: &mut cells[l * whole..][..whole],
                tanhs: &mut tanhs[l * whole..][..whole],
                states: &mut above[..whole],
            };
            let start = [&h0.data()[l * m..][..m], &c0.data()[l * m..][..m]];
            cpu::forward(s, from, start, Weights { ih: w(0), hh: w(1) }, [w(2), w(3)], trace);
            let end = (l + 1) * whole;
            h.data_mut()[l * m..][..m].copy_from_slice(&states[end - m..end]);
            c.data_mut()[l * m..][..m].copy_from_slice(&cells[end - m..end]);
        }
        y.data_mut().copy_from_slice(&states[(self.layers - 1) * whole..]);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.device() != Device::Cpu {
            return card::backward(self.layers, b, dx);
        }
        let (x, h0, c0) = (b.input(0), b.input(1).data(), b.input(2).data());
        let shape = b.shapes[1];
        let last = sizes(b.shapes[0], shape, self.layers);
        let m = last.n * last.h;
        let whole = last.t * m;
        let [gates, cells, tanhs, states] = [3, 4, 5, 6].map(|i| b.output(i).data());
        let [mut dh, mut dc] = [1, 2].map(|i| b.dy[i].clone().unwrap_or_else(|| Tensor::zeros(shape)));
        // What the layer's h gets from outside.
        let mut up = b.dy[0].clone();
        for l in (0..self.layers).rev() {
            let s = sizes(b.shapes[0], shape, l);
            let saved = Saved {
                x: if l == 0 { x.data() } else { &states[(l - 1) * whole..][..whole] },
                start: [&h0[l * m..][..m], &c0[l * m..][..m]],
                gates: &gates[4 * l * whole..][..4 * whole],
                cells: &cells[l * whole..][..whole],
                tanhs: &tanhs[l * whole..][..whole],
                states: &states[l * whole..][..whole],
            };
            let first = FIRST + 4 * l;
            let (dh, dc) = (&mut dh.data_mut()[l * m..][..m], &mut dc.data_mut()[l * m..][..m]);
            let da = cpu::backward(s, &saved, b.input(first + 1).data(), up.as_ref().map(Tensor::data), dh, dc);
            if l > 0 || b.wants(0) {
                let mut d = Tensor::uninit([s.t, s.n, s.i]);
                cpu::input_gradient(s, da.data(), b.input(first).data(), d.data_mut());
                up = Some(d);
            }
            let wants = [0, 1, 2, 3].map(|k| b.wants(first + k));
            cpu::layer_gradients(s, &saved, da.data(), wants, &mut dx[first..]);
        }
        if b.wants(0) {
            dx[0] = up;
        }
        dx[1] = b.wants(1).then_some(dh);
        dx[2] = b.wants(2).then_some(dc);
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let layer = |l| {
            let s = sizes(inputs[0], inputs[1], l);
            2 * s.t * s.n * (s.i + s.h) * 4 * s.h
        };
        Some((0..self.layers).map(layer).sum::<usize>() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("lstm/lstm", &super::cases::cases());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let op = Lstm { layers: 1 };
        let mut shapes: Vec<Shape> = vec![[6, 2, 3].into(), [1, 2, 5].into(), [1, 2, 5].into()];
        shapes.extend([Shape::from([3, 20]), [5, 20].into(), [20].into(), [20].into()]);
        assert!(op.infer(&shapes).is_ok());
        assert!(Lstm { layers: 8 }.infer(&shapes).unwrap_err().to_string().contains("8 layers"));
        assert!(Lstm { layers: 2 }.infer(&shapes).unwrap_err().to_string().contains("7 inputs, 2 layers"));
        shapes[4] = [4, 20].into();
        assert!(op.infer(&shapes).unwrap_err().to_string().contains("w_hh is [4, 20]"));
    }
}

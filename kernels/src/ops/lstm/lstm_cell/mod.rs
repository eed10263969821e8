//! One step of an LSTM: the step that [`super`] specifies.
//!
//! x `[N, I]`, h `[N, H]`, c `[N, H]`, w_ih `[I, 4H]`, w_hh `[H, 4H]`, b_ih `[4H]`, b_hh `[4H]` -> h', c' `[N, H]`; hidden:
//! the gates after their functions `[N, 4H]` and `tanh c'` `[N, H]`.

pub mod cases;
mod reference;

use super::check_layer;
use super::cpu::{self, Saved, Sizes, Trace, Weights};
use super::cuda;
use crate::cuda::module::Address;
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// One step of an LSTM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LstmCell;

const NAME: &str = "lstm_cell";

/// Sizes from the shapes of x and h.
fn sizes(x: Shape, h: Shape) -> Sizes {
    Sizes { t: 1, n: x[0], i: x[1], h: h[1] }
}

impl Op for LstmCell {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not seven inputs; shapes that do not fit; nothing in them.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x, h, c, w @ ..] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give x, h, c, w_ih, w_hh, b_ih, b_hh"));
        };
        if w.len() != 4 {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give x, h, c, w_ih, w_hh, b_ih, b_hh"));
        }
        if x[..].len() != 2 || h[..].len() != 2 || h != c || x[0] != h[0] || x.is_empty() || h.is_empty() {
            let what = format!("x is {x}, h {h}, c {c}");
            return Err(OpError::new(NAME, what, "give x [N, I], h and c [N, H]"));
        }
        check_layer(NAME, 0, w, x[1], h[1])?;
        Ok(Outputs::new(&[*h, *h], &[h.with(1, 4 * h[1]), *h]))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b1_1111, outputs: 0b1100 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let [x, h, c, w_ih, w_hh, b_ih, b_hh] = *inputs else { unreachable!("inferred") };
        let [states, cells, gates, tanhs] = outputs else { unreachable!("inferred") };
        if x.device() != Device::Cpu {
            let trace = cuda::Trace {
                gates: Address(gates.address_mut()),
                cells: Address(cells.address_mut()),
                tanhs: Address(tanhs.address_mut()),
                states: Address(states.address_mut()),
            };
            let [x_at, h_at, c_at] = [x, h, c].map(|t| Address(t.address()));
            return cuda::forward(sizes(x.shape(), h.shape()), x_at, [h_at, c_at], [w_ih, w_hh, b_ih, b_hh], trace);
        }
        let trace = Trace {
            gates: gates.data_mut(),
            cells: cells.data_mut(),
            tanhs: tanhs.data_mut(),
            states: states.data_mut(),
        };
        let w = Weights { ih: w_ih.data(), hh: w_hh.data() };
        let start = [h.data(), c.data()];
        cpu::forward(sizes(x.shape(), h.shape()), x.data(), start, w, [b_ih.data(), b_hh.data()], trace);
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let (s, h) = (sizes(b.shapes[0], b.shapes[1]), b.shapes[1]);
        if b.device() != Device::Cpu {
            return backward_on_card(s, b, dx);
        }
        // Cells and states after the step are nobody's step before.
        let saved = Saved {
            x: b.input(0).data(),
            start: [b.input(1).data(), b.input(2).data()],
            gates: b.output(2).data(),
            cells: &[],
            tanhs: b.output(3).data(),
            states: &[],
        };
        let [mut dh, mut dc] = [0, 1].map(|i| b.dy[i].clone().unwrap_or_else(|| Tensor::zeros(h)));
        let da = cpu::backward(s, &saved, b.input(4).data(), None, dh.data_mut(), dc.data_mut());
        if b.wants(0) {
            let mut d = Tensor::uninit(b.shapes[0]);
            cpu::input_gradient(s, da.data(), b.input(3).data(), d.data_mut());
            dx[0] = Some(d);
        }
        dx[1] = b.wants(1).then_some(dh);
        dx[2] = b.wants(2).then_some(dc);
        cpu::layer_gradients(s, &saved, da.data(), [3, 4, 5, 6].map(|i| b.wants(i)), &mut dx[3..]);
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let s = sizes(inputs[0], inputs[1]);
        Some((2 * s.n * (s.i + s.h) * 4 * s.h) as u64)
    }
}

fn backward_on_card(s: Sizes, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
    let [x, h, c] = [0, 1, 2].map(|i| Address(b.input(i).address()));
    let none = Address(0); // cells and states after the step are nobody's step before
    let [gates, tanhs] = [2, 3].map(|i| Address(b.output(i).address()));
    let trace = cuda::Trace { gates, cells: none, tanhs, states: none };
    let [mut dh, mut dc] = [0, 1].map(|i| match &b.dy[i] {
        Some(dy) => dy.clone(),
        None => Tensor::full_on(b.device(), b.shapes[1], 0.0),
    });
    let grads = [&mut dh, &mut dc].map(|t| Address(t.address_mut()));
    let da = cuda::backward(s, trace, [h, c], b.input(4), None, grads);
    dx[0] = b.wants(0).then(|| cuda::input_gradient(s, &da, b.input(3)).reshaped(b.shapes[0]));
    dx[1] = b.wants(1).then_some(dh);
    dx[2] = b.wants(2).then_some(dc);
    cuda::layer_gradients(s, [x, h, none], &da, [3, 4, 5, 6].map(|i| b.wants(i)), &mut dx[3..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("lstm/lstm_cell", &super::cases::cases());
    }

    #[test]
    fn pytorchs_layout_is_refused() {
        let shapes: [Shape; 7] =
            [[2, 3].into(), [2, 5].into(), [2, 5].into(), [20, 3].into(), [20, 5].into(), [20].into(), [20].into()];
        let e = LstmCell.infer(&shapes).unwrap_err().to_string();
        assert!(e.contains("w_ih is [20, 3], 3 features and 5 states need [3, 20]"), "{e}");
        assert!(LstmCell.infer(&shapes[..6]).is_err());
    }
}

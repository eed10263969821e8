//! Long short-term memory: one step ([`lstm_cell`]), and whole series through several layers ([`lstm`]).
//!
//! # Layouts
//! Weights are `[I, 4H]` and `[H, 4H]`, biases `[4H]`; columns are gates i, f, g, o of H each. PyTorch's `weight_ih`
//! `[4H, I]` and `weight_hh` `[4H, H]` are their transposes (rows i, f, g, o), its biases the same.
//!
//! # Specification of a step
//! ```text
//! a  = (x w_ih + b_ih) + (h w_hh + b_hh)         each product one fma chain, k ascending, the bias added last
//! i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)        g = tanh(a_g)
//! c' = fma(f, c, i * g)      u = tanh(c')        h' = o * u
//! ```
//! Backward, from the gradients dh of h' and dc of c' (+0 where there is none), each operation rounded:
//! ```text
//! e    = fma(dh * o, fma(-u, u, 1), dc)
//! da_i = (e * g) * (i * (1 - i))       da_f = (e * c) * (f * (1 - f))
//! da_g = (e * i) * fma(-g, g, 1)       da_o = (dh * u) * (o * (1 - o))
//! dc   = e * f
//! dx   = da w_ih^T      dh = da w_hh^T            one fma chain over the 4H columns, ascending
//! ```
//! Gradients of weights and biases are sums over rows (t, n), t the slower: chunks of 4,096 rows, an fma chain from +0 in
//! each (plain additions for biases), then the fixed tree.

mod cpu;
pub mod cuda;
pub mod lstm;
pub mod lstm_cell;
mod reference;

use crate::{OpError, Shape};

/// Refuses weights of a layer `[I, 4H]`, `[H, 4H]`, `[4H]`, `[4H]` that do not fit.
fn check_layer(op: &'static str, layer: usize, w: &[Shape], inputs: usize, hidden: usize) -> Result<(), OpError> {
    let gates = 4 * hidden;
    let names = ["w_ih", "w_hh", "b_ih", "b_hh"];
    let wanted =
        [Shape::from([inputs, gates]), Shape::from([hidden, gates]), Shape::from([gates]), Shape::from([gates])];
    for ((name, got), want) in names.iter().zip(w).zip(&wanted) {
        if got != want {
            let what = format!("layer {layer}: {name} is {got}, {inputs} features and {hidden} states need {want}");
            return Err(OpError::new(op, what, "columns are the gates i, f, g, o; transpose PyTorch's weights"));
        }
    }
    Ok(())
}

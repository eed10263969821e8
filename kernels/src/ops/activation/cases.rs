//! Cases of the pointwise functions: each at sizes about the lanes, across chunks, and at the numbers that matter.

use super::{Pointwise, Row};
use crate::check::{Case, Fill, Input};

/// Kinks, zeros of both signs, sizes from subnormal to infinite, NaN; 37 in all, so that they fall on lanes and tails.
fn edges() -> Vec<f32> {
    let mut x = vec![0.0, 1e-45, 1e-38, 1e-8, 0.5, 1.0, 3.0, 5.999_999_5, 6.0, 6.000_001, 9.0, 20.0, 20.5, 89.0, 104.0];
    x.extend([1e10, f32::MAX, f32::INFINITY]);
    let minus: Vec<f32> = x.iter().map(|x| -x).collect();
    x.extend(minus);
    x.push(f32::NAN);
    x
}

fn add<R: Row>(all: &mut Vec<Case>, names: [&'static str; 3], op: Pointwise<R>, fill: Fill) {
    all.push(Case::new(names[0], op, [Input::filled([3, 37], fill.clone())]));
    all.push(Case::new(names[1], op, [Input::filled([9001], fill)]).bits_only());
    let edges = edges();
    all.push(Case::new(names[2], op, [Input::filled([edges.len()], Fill::Exactly(edges))]).bits_only());
}

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let a = &mut all;
    let wide = Fill::Scaled(4.0);
    add(a, ["relu", "relu_chunks", "relu_edges"], Pointwise::relu(), Fill::Distinct);
    add(a, ["relu6", "relu6_chunks", "relu6_edges"], Pointwise::relu6(), Fill::Distinct);
    add(a, ["leaky", "leaky_chunks", "leaky_edges"], Pointwise::leaky_relu(0.2), Fill::Distinct);
    add(a, ["leaky_0", "leaky_0_chunks", "leaky_0_edges"], Pointwise::leaky_relu(0.0), Fill::Distinct);
    add(a, ["sigmoid", "sigmoid_chunks", "sigmoid_edges"], Pointwise::sigmoid(), wide.clone());
    add(a, ["tanh", "tanh_chunks", "tanh_edges"], Pointwise::tanh(), Fill::Normal);
    add(a, ["exp", "exp_chunks", "exp_edges"], Pointwise::exp(), Fill::Normal);
    add(a, ["log", "log_chunks", "log_edges"], Pointwise::log(), Fill::Uniform(0.5, 8.0));
    add(a, ["gelu", "gelu_chunks", "gelu_edges"], Pointwise::gelu(), wide.clone());
    add(a, ["gelu_tanh", "gelu_tanh_chunks", "gelu_tanh_edges"], Pointwise::gelu_tanh(), wide.clone());
    add(a, ["softplus", "softplus_chunks", "softplus_edges"], Pointwise::softplus(1.0, 20.0), wide);
    add(a, ["softplus_b2", "softplus_b2_chunks", "softplus_b2_edges"], Pointwise::softplus(2.0, 20.0), Fill::Normal);
    all.push(Case::new("empty", Pointwise::relu(), [Input::normal([0, 3])]).bits_only());
    let image = || [Input::normal([64, 32, 32, 64])];
    all.push(Case::new("relu_64_32px_b64", Pointwise::relu(), image()).timed());
    all.push(Case::new("sigmoid_64_32px_b64", Pointwise::sigmoid(), image()).timed());
    all.push(Case::new("tanh_64_32px_b64", Pointwise::tanh(), image()).timed());
    all.push(Case::new("gelu_64_32px_b64", Pointwise::gelu(), image()).timed());
    for (name, n) in [("n1", 1), ("n7", 7), ("n8", 8), ("n15", 15), ("n16", 16), ("n17", 17), ("n33", 33)] {
        all.push(Case::new(name, Pointwise::sigmoid(), [Input::normal([n])]));
    }
    all
}

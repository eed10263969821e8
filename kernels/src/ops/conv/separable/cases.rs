//! Cases: edges of 1, 2, 4, 8, 16 and other channels, shared and apart; kernels, dilations, strides; images of several chunks.

use super::Separable;
use crate::check::{Case, Fill, Input};

/// Kernel k, E edges of q channels over x of `size` (n, h, w).
fn case(name: &'static str, size: [usize; 3], k: usize, dilation: usize, edges: usize, q: usize, shared: bool) -> Case {
    let [n, h, w] = size;
    let (pad, seen) = (dilation * (k - 1) / 2, if shared { q } else { edges * q });
    let op = Separable { stride: [1; 2], padding: [[pad; 2]; 2], dilation: [dilation; 2], edges, shared };
    let mut inputs = vec![Input::filled([n, h, w, seen], Fill::Distinct)];
    inputs.extend((0..edges).map(|_| Input::filled([k, k, 1, q], Fill::Scaled(0.3))));
    inputs.extend((0..edges).map(|_| Input::normal([1, 1, q, q])));
    Case::new(name, op, inputs)
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let mut strided = case("k3_d2_s2_e2_q4", [2, 7, 6], 3, 2, 2, 4, true);
    let op = Separable { stride: [2; 2], padding: [[2; 2]; 2], dilation: [2; 2], edges: 2, shared: true };
    strided.op = Box::new(op);
    let series = Separable { edges: 2, shared: true, stride: [1; 2], padding: [[0, 0], [1, 1]], dilation: [1; 2] };
    let series_inputs = vec![
        Input::filled([2, 9, 4], Fill::Distinct),
        Input::filled([3, 1, 4], Fill::Scaled(0.3)),
        Input::filled([3, 1, 4], Fill::Scaled(0.3)),
        Input::normal([1, 4, 4]),
        Input::normal([1, 4, 4]),
    ];
    let mut odd = case("nan_and_zeros", [1, 3, 3], 3, 1, 2, 4, true).bits_only();
    let values = [0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -1e30, 3.0, -2.5];
    odd.inputs[0] = Input::filled([1, 3, 3, 4], Fill::Exactly((0..36).map(|i| values[i * 3 % 8]).collect()));
    vec![
        case("k3_e1_q4", [2, 5, 7], 3, 1, 1, 4, true),
        case("k3_e4_q4", [2, 5, 4], 3, 1, 4, 4, true),
        case("k3_e3_q4_apart", [1, 4, 5], 3, 1, 3, 4, false),
        case("k5_e2_q8", [1, 5, 6], 5, 1, 2, 8, true),
        case("k3_d2_e3_q8", [1, 5, 6], 3, 2, 3, 8, true),
        case("k5_d2_e2_q16_apart", [1, 4, 5], 5, 2, 2, 16, false),
        case("k5_e3_q16", [1, 4, 3], 5, 1, 3, 16, true),
        case("k3_e2_q3", [1, 4, 5], 3, 1, 2, 3, true),
        case("k3_e3_q1", [2, 5, 6], 3, 1, 3, 1, true),
        case("k5_d2_e2_q1_apart", [2, 5, 6], 5, 2, 2, 1, false),
        case("k3_e1_q1", [2, 5, 6], 3, 1, 1, 1, true),
        case("k3_e2_q2", [2, 5, 6], 3, 1, 2, 2, true),
        strided,
        Case::new("series_k3_e2_q4", series, series_inputs),
        odd,
        case("k5_d2_e3_q4_chunks", [2, 43, 39], 5, 2, 3, 4, true).bits_only(),
        case("k3_e2_q8_chunks_apart", [1, 67, 35], 3, 1, 2, 8, false).bits_only(),
        case("k3_e4_q4_32px_b32", [32, 32, 32], 3, 1, 4, 4, true).timed(),
        case("k5_e4_q4_32px_b32", [32, 32, 32], 5, 1, 4, 4, true).timed(),
        case("k5_d2_e4_q4_32px_b32", [32, 32, 32], 5, 2, 4, 4, true).timed(),
        case("k5_e4_q8_16px_b32", [32, 16, 16], 5, 1, 4, 8, true).timed(),
        case("k5_e4_q16_8px_b32", [32, 8, 8], 5, 1, 4, 16, true).timed(),
    ]
}

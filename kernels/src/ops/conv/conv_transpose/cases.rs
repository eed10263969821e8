//! The transposed convolution's table.

use super::ConvTranspose;
use crate::check::{Case, Fill, Input};

/// x `[n, h, w, c]` or `[n, l, c]`, kernel of as many sizes, k outputs.
fn case(name: &'static str, op: ConvTranspose, x: &[usize], kernel: &[usize], k: usize) -> Case {
    let w = [kernel, &[k / op.groups, x[x.len() - 1]]].concat();
    let mut inputs = vec![Input::normal(x), Input::filled(&w[..], Fill::Scaled(0.3))];
    if op.bias {
        inputs.push(Input::normal([k]));
    }
    Case::new(name, op, inputs)
}

fn pad(p: usize) -> [[usize; 2]; 2] {
    [[p, p], [p, p]]
}

/// Strides, paddings, output paddings, dilations, groups, odd sizes; widths around the lanes' edges; several chunks.
pub fn cases() -> Vec<Case> {
    let c = ConvTranspose::default();
    let b = ConvTranspose { bias: true, ..c };
    let s2 = ConvTranspose { stride: [2, 2], ..c };
    let mut all = vec![
        case("k1", c, &[2, 3, 5, 4], &[1, 1], 6),
        case("k2_s2", s2, &[1, 3, 5, 4], &[2, 2], 2),
        case("k2_s2_bias", ConvTranspose { bias: true, ..s2 }, &[2, 4, 3, 17], &[2, 2], 33),
        case("k3_p1", ConvTranspose { padding: pad(1), ..b }, &[2, 5, 6, 3], &[3, 3], 5),
        case("k3_full", c, &[1, 5, 4, 2], &[3, 3], 7),
        case(
            "k3_s2_p1_op1",
            ConvTranspose { padding: pad(1), output_padding: [1, 1], bias: true, ..s2 },
            &[2, 4, 5, 3],
            &[3, 3],
            4,
        ),
        case("k4_s2_p1", ConvTranspose { padding: pad(1), ..s2 }, &[2, 5, 4, 3], &[4, 4], 5),
        case("k2_s3x4", ConvTranspose { stride: [3, 4], ..b }, &[1, 4, 3, 3], &[2, 2], 5),
        case("k1_s3_op2", ConvTranspose { stride: [3, 3], output_padding: [2, 1], ..b }, &[1, 3, 4, 2], &[1, 1], 3),
        case(
            "k3_d2_g2",
            ConvTranspose { padding: pad(1), dilation: [2, 2], groups: 2, ..b },
            &[1, 5, 6, 4],
            &[3, 3],
            6,
        ),
        case(
            "k3_d3_op2",
            ConvTranspose { dilation: [3, 3], output_padding: [2, 1], padding: pad(1), ..b },
            &[1, 4, 3, 2],
            &[3, 3],
            3,
        ),
        case("asymmetric", ConvTranspose { padding: [[0, 2], [1, 0]], ..s2 }, &[2, 4, 5, 3], &[3, 4], 4),
        case("cut_to_one", ConvTranspose { padding: pad(2), ..b }, &[3, 3, 3, 5], &[3, 3], 6),
        case("one_pixel", b, &[3, 1, 1, 5], &[3, 2], 6),
        case("one_channel", ConvTranspose { padding: pad(1), ..b }, &[2, 5, 4, 9], &[3, 3], 1),
        case("groups3_s2", ConvTranspose { groups: 3, padding: pad(1), ..s2 }, &[2, 4, 5, 6], &[3, 3], 9),
        case("multiplier", ConvTranspose { groups: 3, padding: pad(1), ..c }, &[1, 4, 4, 3], &[3, 3], 6),
        case("depthwise_s2", ConvTranspose { groups: 5, padding: pad(1), bias: true, ..s2 }, &[2, 5, 4, 5], &[3, 3], 5),
        case(
            "depthwise_d2_op1",
            ConvTranspose { groups: 9, dilation: [2, 2], output_padding: [1, 1], ..s2 },
            &[1, 4, 3, 9],
            &[3, 3],
            9,
        ),
        case("c40_k17", ConvTranspose { padding: pad(1), ..s2 }, &[1, 3, 4, 40], &[3, 3], 17),
        case("winograd", ConvTranspose { padding: pad(1), ..b }, &[2, 5, 4, 33], &[3, 3], 35),
        case("winograd_full", b, &[1, 3, 4, 32], &[3, 3], 32),
        case("winograd_cut", ConvTranspose { padding: pad(2), ..b }, &[1, 5, 3, 32], &[3, 3], 40),
        case("winograd_series_k5", ConvTranspose { padding: [[0, 0], [2, 1]], ..b }, &[2, 17, 33], &[5], 35),
        case("winograd_series_k8", c, &[1, 16, 32], &[8], 33),
        case("series_k4_s2_p1", ConvTranspose { padding: pad(1), ..s2 }, &[2, 11, 6], &[4], 7),
        case(
            "series_k3_s3_op2",
            ConvTranspose { stride: [9, 3], output_padding: [0, 2], bias: true, ..c },
            &[3, 7, 5],
            &[3],
            16,
        ),
        case("series_depthwise", ConvTranspose { groups: 6, padding: pad(1), ..s2 }, &[2, 9, 6], &[3], 6),
        // Several chunks of 4,096 rows, cut inside a row.
        case("chunks", ConvTranspose { padding: pad(1), bias: true, ..s2 }, &[3, 40, 41, 3], &[3, 3], 4).bits_only(),
        case("series_chunks", b, &[5, 1800, 2], &[3], 3).bits_only(),
        case("depthwise_chunks", ConvTranspose { groups: 3, ..b }, &[2, 50, 51, 3], &[3, 3], 3).bits_only(),
    ];
    let odd = [0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -1e30, 3.0, -2.5];
    let x: Vec<f32> = (0..3 * 3 * 2).map(|i| odd[i % 8]).collect();
    let w: Vec<f32> = (0..9 * 3 * 2).map(|i| odd[(i * 5 + 3) % 8]).collect();
    for (name, x, w) in [
        ("nan_weights", Fill::Normal, Fill::Exactly(w.clone())),
        ("nan_inputs", Fill::Exactly(x.clone()), Fill::Normal),
        ("nan_both", Fill::Exactly(x), Fill::Exactly(w)),
    ] {
        let inputs = [Input::filled([1, 3, 3, 2], x), Input::filled([3, 3, 3, 2], w)];
        all.push(Case::new(name, ConvTranspose { padding: pad(1), ..s2 }, inputs).bits_only());
    }
    all
}

//! The convolution's table.

use super::Conv;
use crate::check::{Case, Fill, Input};

/// A 2-D case: x `[n, h, w, c]`, kernel `[kh, kw]`, k outputs.
fn conv2d(name: &'static str, op: Conv, x: [usize; 4], kernel: [usize; 2], k: usize) -> Case {
    let w = [kernel[0], kernel[1], x[3] / op.groups, k];
    let mut inputs = vec![Input::normal(x), Input::filled(w, Fill::Scaled(0.3))];
    if op.bias {
        inputs.push(Input::normal([k]));
    }
    Case::new(name, op, inputs)
}

/// A 1-D case: x `[n, l, c]`.
fn conv1d(name: &'static str, op: Conv, x: [usize; 3], kernel: usize, k: usize) -> Case {
    let mut inputs = vec![Input::normal(x), Input::filled([kernel, x[2] / op.groups, k], Fill::Scaled(0.3))];
    if op.bias {
        inputs.push(Input::normal([k]));
    }
    Case::new(name, op, inputs)
}

fn pad(p: usize) -> [[usize; 2]; 2] {
    [[p, p], [p, p]]
}

/// What networks run: the standard workloads' shapes, stems, strided and series.
fn speed() -> Vec<Case> {
    let c = Conv::default();
    let p1 = Conv { padding: pad(1), ..c };
    let s2 = Conv { stride: [2, 2], ..p1 };
    let same = |k: usize| Conv { padding: [[0, 0], [(k - 1) / 2, k / 2]], bias: true, ..c };
    let depthwise = |groups, k: usize, d| Conv { groups, padding: pad(d * (k / 2)), dilation: [d; 2], ..c };
    let cases = [
        conv2d("k3_64_32px_b64", p1, [64, 32, 32, 64], [3, 3], 64),
        conv2d("k3_128_16px_b64", p1, [64, 16, 16, 128], [3, 3], 128),
        conv2d("k3_256_8px_b64", p1, [64, 8, 8, 256], [3, 3], 256),
        conv2d("k3_3_16_32px_b64", p1, [64, 32, 32, 3], [3, 3], 16),
        conv2d("k3_64_128_s2_b64", s2, [64, 32, 32, 64], [3, 3], 128),
        conv2d("k3_64_85px_b2", p1, [2, 85, 85, 64], [3, 3], 64),
        conv2d("k1_144_36_32px_b64", c, [64, 32, 32, 144], [1, 1], 36),
        conv2d("depthwise3_36_32px_b64", depthwise(36, 3, 1), [64, 32, 32, 36], [3, 3], 36),
        conv2d("depthwise5_d2_36_32px_b64", depthwise(36, 5, 2), [64, 32, 32, 36], [5, 5], 36),
        conv2d("depthwise3_4_32px_b64", depthwise(4, 3, 1), [64, 32, 32, 4], [3, 3], 4),
        conv2d("depthwise3_16_32px_b32", depthwise(16, 3, 1), [32, 32, 32, 16], [3, 3], 16),
        conv2d("depthwise5_16_32px_b32", depthwise(16, 5, 1), [32, 32, 32, 16], [5, 5], 16),
        conv2d("depthwise5_d2_16_32px_b32", depthwise(16, 5, 2), [32, 32, 32, 16], [5, 5], 16),
        conv2d("depthwise5_d2_64_8px_b32", depthwise(64, 5, 2), [32, 8, 8, 64], [5, 5], 64),
        conv2d("pointwise_q4_g4_32px_b32", Conv { groups: 4, ..c }, [32, 32, 32, 16], [1, 1], 16),
        conv2d("pointwise_q4_g3_32px_b32", Conv { groups: 3, ..c }, [32, 32, 32, 12], [1, 1], 12),
        conv2d("pointwise_q8_g4_16px_b32", Conv { groups: 4, ..c }, [32, 16, 16, 32], [1, 1], 32),
        conv2d("pointwise_q16_g4_8px_b32", Conv { groups: 4, ..c }, [32, 8, 8, 64], [1, 1], 64),
        conv1d("series_k8_1_64_b128", same(8), [128, 1000, 1], 8, 64),
        conv1d("series_k5_64_64_b128", same(5), [128, 1000, 64], 5, 64),
        conv1d("series_k8_64_128_b128", same(8), [128, 1000, 64], 8, 128),
        conv1d("series_k8_128_128_b128", same(8), [128, 1000, 128], 8, 128),
        conv1d("series_k5_128_128_b128", same(5), [128, 1000, 128], 5, 128),
        conv1d("series_k3_128_128_b128", same(3), [128, 1000, 128], 3, 128),
    ];
    cases.into_iter().map(Case::timed).collect()
}

/// Shapes, strides, dilations, pads, groups, odd sizes; widths around the lanes' and tiles' edges; several chunks.
pub fn cases() -> Vec<Case> {
    let c = Conv::default();
    let b = Conv { bias: true, ..c };
    let depthwise =
        |groups, k: usize, dilation| Conv { groups, padding: pad(dilation * (k / 2)), dilation: [dilation; 2], ..c };
    let mut all = vec![
        conv2d("one_channel_k3", Conv { padding: pad(1), ..c }, [2, 5, 6, 1], [3, 3], 1),
        conv2d("one_output_k3", Conv { padding: pad(1), ..c }, [2, 5, 6, 3], [3, 3], 1),
        conv2d("one_channel_k3_s2", Conv { padding: pad(1), stride: [2, 2], ..c }, [2, 5, 6, 1], [3, 3], 1),
        conv2d("one_channel_k1", c, [2, 5, 6, 1], [1, 1], 1),
        conv2d("k1", c, [2, 3, 5, 4], [1, 1], 6),
        conv2d("k1_bias", b, [1, 4, 3, 17], [1, 1], 33),
        conv2d("k3_p1", Conv { padding: pad(1), ..b }, [2, 5, 6, 3], [3, 3], 5),
        conv2d("k3_valid", c, [1, 5, 4, 2], [3, 3], 7),
        conv2d("k3_s2_p1", Conv { stride: [2, 2], padding: pad(1), ..c }, [2, 7, 6, 4], [3, 3], 9),
        conv2d("k3_s2_odd", Conv { stride: [2, 2], padding: pad(1), ..b }, [1, 9, 9, 3], [3, 3], 4),
        conv2d("k1_s2", Conv { stride: [2, 2], ..c }, [2, 5, 6, 4], [1, 1], 8),
        conv2d("k3_s3x1", Conv { stride: [3, 1], padding: [[0, 2], [2, 1]], ..c }, [1, 8, 5, 3], [3, 2], 4),
        conv2d("k3_d2_p2", Conv { dilation: [2, 2], padding: pad(2), ..c }, [1, 6, 7, 3], [3, 3], 5),
        conv2d("k5_d2_s2", Conv { dilation: [2, 2], padding: pad(4), stride: [2, 2], ..c }, [1, 9, 8, 2], [5, 5], 3),
        conv2d("k2_asymmetric", Conv { padding: [[0, 1], [1, 0]], ..c }, [2, 4, 5, 3], [2, 2], 4),
        conv2d("same_k2", Conv { padding: [[0, 1], [0, 1]], ..b }, [2, 5, 4, 3], [2, 2], 5),
        conv2d(
            "same_k4_s2_d3",
            Conv { padding: [[4, 4], [4, 5]], stride: [2, 2], dilation: [3, 3], ..c },
            [1, 5, 6, 2],
            [4, 4],
            3,
        ),
        conv2d("same_k4x2_g2", Conv { padding: [[1, 2], [0, 1]], groups: 2, ..c }, [1, 4, 5, 4], [4, 2], 6),
        conv2d("k1_s3", Conv { stride: [3, 3], ..b }, [2, 8, 7, 3], [1, 1], 5),
        conv2d("k2_s3x5", Conv { stride: [3, 5], ..c }, [1, 8, 13, 3], [2, 2], 4),
        conv2d("k2_s4_p1_g2", Conv { stride: [4, 4], padding: pad(1), groups: 2, ..b }, [2, 9, 7, 4], [2, 2], 6),
        conv2d("depthwise2_s3", Conv { stride: [3, 3], groups: 5, ..c }, [2, 8, 7, 5], [2, 2], 5),
        conv2d("pad_beyond_kernel", Conv { padding: pad(3), ..b }, [1, 3, 2, 2], [2, 2], 3),
        conv2d("one_pixel", Conv { padding: pad(1), ..b }, [3, 1, 1, 5], [3, 3], 6),
        conv2d("groups2", Conv { groups: 2, padding: pad(1), ..b }, [1, 5, 4, 6], [3, 3], 8),
        conv2d("groups4_s2", Conv { groups: 4, stride: [2, 2], padding: pad(1), ..c }, [2, 5, 5, 8], [3, 3], 12),
        conv2d("groups2_wide", Conv { groups: 2, padding: pad(1), ..b }, [2, 5, 4, 12], [3, 3], 20),
        conv2d("multiplier", Conv { groups: 3, padding: pad(1), ..c }, [1, 4, 4, 3], [3, 3], 6),
        conv2d("depthwise3", Conv { bias: true, ..depthwise(5, 3, 1) }, [2, 6, 5, 5], [3, 3], 5),
        conv2d("depthwise5_d2", depthwise(9, 5, 2), [1, 7, 6, 9], [5, 5], 9),
        conv2d("depthwise3_s2", Conv { stride: [2, 2], ..depthwise(4, 3, 1) }, [1, 7, 6, 4], [3, 3], 4),
        conv2d("depthwise3_c3_odd", depthwise(3, 3, 1), [2, 5, 9, 3], [3, 3], 3),
        conv2d("depthwise3_c16", depthwise(16, 3, 1), [1, 5, 7, 16], [3, 3], 16),
        conv2d("depthwise3_c4_valid", Conv { padding: pad(0), ..depthwise(4, 3, 1) }, [2, 6, 11, 4], [3, 3], 4),
        conv2d("depthwise3_narrow", depthwise(5, 3, 1), [2, 4, 2, 5], [3, 3], 5),
        conv2d("depthwise5_d2_narrow", depthwise(4, 5, 2), [1, 3, 3, 4], [5, 5], 4),
        conv2d("depthwise5_d2_s2", Conv { stride: [2, 2], ..depthwise(4, 5, 2) }, [1, 9, 8, 4], [5, 5], 4),
        conv2d("depthwise5_s2x3", Conv { stride: [2, 3], bias: true, ..depthwise(3, 5, 1) }, [1, 8, 10, 3], [5, 5], 3),
        conv2d("depthwise3x5_d3x1", Conv { dilation: [3, 1], ..depthwise(6, 3, 1) }, [1, 8, 6, 6], [3, 5], 6),
        conv2d("c17_k40", Conv { padding: pad(1), ..c }, [1, 4, 5, 17], [3, 3], 40),
        conv2d("c32_k65", Conv { padding: pad(1), ..b }, [1, 3, 4, 32], [3, 3], 65),
        conv1d("series_k8_same", Conv { padding: [[0, 0], [3, 4]], ..b }, [3, 23, 5], 8, 16),
        conv1d("series_k5", Conv { padding: [[0, 0], [2, 2]], ..b }, [2, 46, 16], 5, 12),
        conv1d("series_k3_s2", Conv { stride: [1, 2], padding: [[0, 0], [1, 1]], ..c }, [2, 21, 6], 3, 7),
        conv1d("series_k4_d10", Conv { dilation: [1, 10], padding: [[0, 0], [15, 15]], ..c }, [1, 40, 4], 4, 5),
        conv1d("series_depthwise", Conv { groups: 6, padding: [[0, 0], [1, 1]], ..c }, [2, 19, 6], 3, 6),
        conv1d("series_same_depthwise_k4", Conv { groups: 6, padding: [[0, 0], [1, 2]], ..c }, [2, 19, 6], 4, 6),
        conv1d("series_k2_s7", Conv { stride: [1, 7], ..b }, [2, 23, 5], 2, 9),
        conv1d("series_stem", Conv { padding: [[0, 0], [3, 4]], ..b }, [2, 33, 1], 8, 64),
        // Several chunks of 4,096 rows, cut inside a row.
        conv2d("chunks", Conv { padding: pad(1), ..b }, [3, 40, 41, 3], [3, 3], 4).bits_only(),
        conv1d("series_chunks", Conv { padding: [[0, 0], [1, 1]], ..c }, [5, 1800, 2], 3, 3).bits_only(),
        conv2d("depthwise_chunks", depthwise(3, 3, 1), [2, 50, 51, 3], [3, 3], 3).bits_only(),
        conv2d("large_s2", Conv { stride: [2, 2], padding: pad(1), ..b }, [2, 180, 184, 4], [3, 3], 8).bits_only(),
        conv2d("depthwise3_c36_tasks", depthwise(36, 3, 1), [1, 19, 17, 36], [3, 3], 36).bits_only(),
        conv2d("depthwise3_c65", depthwise(65, 3, 1), [2, 7, 9, 65], [3, 3], 65).bits_only(),
        conv2d("depthwise5_d2_chunks", depthwise(5, 5, 2), [2, 40, 41, 5], [5, 5], 5).bits_only(),
        conv2d(
            "depthwise5_d3_asymmetric",
            Conv { padding: [[7, 2], [0, 13]], dilation: [3, 3], ..depthwise(36, 5, 3) },
            [1, 11, 9, 36],
            [5, 5],
            36,
        )
        .bits_only(),
        conv2d("depthwise3_s2_chunks", Conv { stride: [2, 2], ..depthwise(20, 3, 1) }, [1, 73, 71, 20], [3, 3], 20)
            .bits_only(),
        conv1d("series_depthwise_long", Conv { groups: 6, padding: [[0, 0], [2, 2]], ..c }, [2, 1500, 6], 5, 6)
            .bits_only(),
        conv2d("k1_chunks", b, [3, 41, 40, 5], [1, 1], 6).bits_only(),
    ];
    let pointwise = |c: usize, q: usize| Conv { groups: c / q, ..Conv::default() };
    all.extend([
        conv2d("pointwise_q4_g1", pointwise(4, 4), [2, 5, 7, 4], [1, 1], 4),
        conv2d("pointwise_q4_g2", Conv { bias: true, ..pointwise(8, 4) }, [2, 3, 5, 8], [1, 1], 8),
        conv2d("pointwise_q4_g3", pointwise(12, 4), [1, 5, 5, 12], [1, 1], 12),
        conv2d("pointwise_q4_g4", pointwise(16, 4), [2, 3, 3, 16], [1, 1], 16),
        conv2d("pointwise_q4_g5", pointwise(20, 4), [1, 3, 5, 20], [1, 1], 20),
        conv2d("pointwise_q8_g1", pointwise(8, 8), [1, 3, 5, 8], [1, 1], 8),
        conv2d("pointwise_q8_g3", pointwise(24, 8), [1, 3, 3, 24], [1, 1], 24),
        conv2d("pointwise_q16_g1", pointwise(16, 16), [1, 3, 3, 16], [1, 1], 16),
        conv2d("pointwise_q16_g3", Conv { bias: true, ..pointwise(48, 16) }, [1, 3, 3, 48], [1, 1], 48),
        conv1d("series_pointwise_q4_g3", pointwise(12, 4), [2, 21, 12], 1, 12),
        conv1d("series_pointwise_long", pointwise(12, 4), [2, 1501, 12], 1, 12).bits_only(),
        conv2d("pointwise_chunks_q4", pointwise(12, 4), [2, 49, 43, 12], [1, 1], 12).bits_only(),
        conv2d("pointwise_chunks_q8", pointwise(8, 8), [2, 39, 43, 8], [1, 1], 8).bits_only(),
        conv2d("pointwise_chunks_q16", pointwise(32, 16), [1, 39, 43, 32], [1, 1], 32).bits_only(),
    ]);
    all.extend(speed());
    // Winograd's form: odd and even sizes, widths around the lanes, paddings 0 to 3, several chunks of tiles.
    let c3 = |p: usize| Conv { padding: pad(p), ..c };
    all.extend([
        conv2d("winograd", c3(1), [2, 6, 5, 32], [3, 3], 32),
        conv2d("winograd_bias_k33", Conv { padding: pad(1), ..b }, [1, 5, 7, 35], [3, 3], 33),
        conv2d("winograd_valid", c3(0), [1, 4, 7, 32], [3, 3], 40),
        conv2d("winograd_pad2", c3(2), [1, 3, 2, 33], [3, 3], 32),
        conv2d("winograd_pad3_asymmetric", Conv { padding: [[3, 0], [1, 3]], ..c }, [1, 4, 3, 32], [3, 3], 48),
        conv2d("winograd_c48_k80", c3(1), [1, 4, 4, 48], [3, 3], 80).bits_only(),
        conv2d("winograd_chunks", c3(1), [3, 41, 38, 32], [3, 3], 33).bits_only(),
    ]);
    // The same in series: every number of levels, lengths that end inside a tile, a source shorter than the kernel.
    let series = |left, right| Conv { padding: [[0, 0], [left, right]], ..c };
    all.extend([
        conv1d("winograd_series_k3", series(1, 1), [2, 12, 32], 3, 32),
        conv1d("winograd_series_k3_valid", Conv { bias: true, ..series(0, 0) }, [1, 13, 33], 3, 48),
        conv1d("winograd_series_k4", series(1, 2), [2, 11, 32], 4, 33),
        conv1d("winograd_series_k5", series(2, 2), [2, 18, 32], 5, 33),
        conv1d("winograd_series_k5_wide", Conv { bias: true, ..series(5, 6) }, [1, 3, 33], 5, 32),
        conv1d("winograd_series_k6", series(0, 3), [1, 15, 35], 6, 32),
        conv1d("winograd_series_k7", series(3, 3), [1, 19, 32], 7, 33),
        conv1d("winograd_series_k8", Conv { bias: true, ..series(3, 4) }, [2, 16, 32], 8, 33),
        conv1d("winograd_series_k8_short", series(9, 9), [1, 6, 33], 8, 32),
        conv1d("winograd_series_k8_valid", series(0, 0), [1, 31, 32], 8, 32),
        conv1d("series_k8_below", series(3, 4), [1, 15, 32], 8, 32),
        conv2d("winograd_rows_k5", series(2, 2), [1, 3, 9, 32], [1, 5], 32),
        conv1d("winograd_series_k3_96", series(1, 1), [1, 25, 96], 3, 64).bits_only(),
        conv1d("winograd_series_k5_64", series(2, 2), [1, 27, 64], 5, 96).bits_only(),
        conv1d("winograd_series_k8_48", series(3, 4), [1, 41, 48], 8, 80).bits_only(),
        conv1d("winograd_series_k3_chunks", series(1, 1), [3, 2800, 32], 3, 33).bits_only(),
        conv1d("winograd_series_k5_chunks", series(2, 2), [3, 2801, 33], 5, 32).bits_only(),
        conv1d("winograd_series_k8_chunks", series(3, 4), [5, 1801, 32], 8, 32).bits_only(),
    ]);
    // A padded tap is a term: NaN and infinite weights reach the border.
    let odd = [0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -1e30, 3.0, -2.5];
    let x: Vec<f32> = (0..3 * 3 * 2).map(|i| odd[i % 8]).collect();
    let w: Vec<f32> = (0..9 * 2 * 3).map(|i| odd[(i * 5 + 3) % 8]).collect();
    for (name, x, w) in [
        ("nan_weights", Fill::Normal, Fill::Exactly(w.clone())),
        ("nan_inputs", Fill::Exactly(x.clone()), Fill::Normal),
        ("nan_both", Fill::Exactly(x), Fill::Exactly(w)),
    ] {
        let inputs = [Input::filled([1, 3, 3, 2], x), Input::filled([3, 3, 2, 3], w)];
        all.push(Case::new(name, Conv { padding: pad(1), ..c }, inputs).bits_only());
    }
    // The same where columns end inside a register and padding is deep.
    let x: Vec<f32> = (0..6 * 7 * 5).map(|i| odd[i * 3 % 8]).collect();
    let w: Vec<f32> = (0..9 * 5).map(|i| odd[(i * 5 + 3) % 8]).collect();
    for (name, x, w) in [
        ("depthwise_nan_inputs", Fill::Exactly(x), Fill::Normal),
        ("depthwise_nan_weights", Fill::Normal, Fill::Exactly(w)),
    ] {
        let inputs = [Input::filled([1, 6, 7, 5], x), Input::filled([3, 3, 1, 5], w)];
        all.push(Case::new(name, Conv { groups: 5, padding: pad(3), ..c }, inputs).bits_only());
    }
    let special: Vec<f32> = (0..5 * 4 * 32).map(|i| odd[i * 7 % 8]).collect();
    let inputs = [Input::filled([1, 5, 4, 32], Fill::Exactly(special)), Input::normal([3, 3, 32, 32])];
    all.push(Case::new("winograd_nan", c3(1), inputs).bits_only());
    all
}

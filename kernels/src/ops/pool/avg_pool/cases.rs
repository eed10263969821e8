//! The table of cases.

use super::super::Window;
use super::AvgPool;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, window: Window, count_include_pad: bool, shape: impl Into<Shape>) -> Case {
    Case::new(name, AvgPool { window, count_include_pad }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let images = Window::images;
    let series = Window::series;
    let odd = vec![f32::NAN, 1.0, -0.0, f32::INFINITY, -0.0, f32::NEG_INFINITY, -0.0, -0.0, 3.0];
    let first = AvgPool { window: images([2, 2], [1, 1], [1, 1]), count_include_pad: false };
    vec![
        case("k2_s2_c1", images([2, 2], [2, 2], [0, 0]), true, [2, 6, 8, 1]),
        case("k2_s2_c3", images([2, 2], [2, 2], [0, 0]), true, [2, 7, 9, 3]),
        case("k3_s1_p1_padless", images([3, 3], [1, 1], [1, 1]), false, [2, 5, 6, 16]),
        case("k3_s1_p1_include", images([3, 3], [1, 1], [1, 1]), true, [2, 5, 6, 37]),
        case("k3_s2_p1_ceil", images([3, 3], [2, 2], [1, 1]).ceil(true), true, [2, 8, 6, 5]),
        case("k3_s2_p1_ceil_padless", images([3, 3], [2, 2], [1, 1]).ceil(true), false, [2, 8, 6, 5]),
        case("k3x2_s1x3_p0x1", images([3, 2], [1, 3], [0, 1]), true, [2, 6, 11, 20]),
        case("k2_s3_gaps", images([2, 2], [3, 3], [0, 0]), true, [2, 9, 10, 7]),
        case("k8", images([8, 8], [8, 8], [0, 0]), true, [2, 8, 8, 64]),
        case("series_k2_ceil", series(2, 2, [0, 0]).ceil(true), true, [3, 9, 12]),
        case("series_same_padless", series(2, 1, [0, 1]), false, [2, 17, 33]),
        case("series_asymmetric", series(4, 3, [1, 2]), true, [2, 20, 5]),
        case("series_one_channel", series(3, 2, [1, 1]), false, [2, 301, 1]),
        case("many_rows", images([3, 3], [1, 1], [1, 1]), false, [3, 45, 43, 19]).bits_only(),
        case("strips_series_c1", series(3, 1, [1, 1]), false, [2, 5001, 1]).bits_only(),
        case("strips_stride_2", images([3, 3], [2, 2], [1, 1]).ceil(true), true, [1, 5, 402, 21]).bits_only(),
        case("k3_16_32px_b64", images([3, 3], [1, 1], [1, 1]), false, [64, 32, 32, 16]).timed(),
        Case::new("nan_and_zeros", first, [Input::filled([1, 3, 3, 1], Fill::Exactly(odd))]).bits_only(),
    ]
}

//! The table of cases.

use super::super::Window;
use super::MaxPool;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, window: Window, shape: impl Into<Shape>) -> Case {
    Case::new(name, MaxPool { window }, [Input::filled(shape, Fill::Distinct)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let images = Window::images;
    let series = Window::series;
    let same = |k| Window { padding: [[0, 1], [0, 1]], ..images([k, k], [1, 1], [0, 0]) };
    let exactly = |data: Vec<f32>| Input::filled([1, 4, 4, data.len() / 16], Fill::Exactly(data));
    let infinite: Vec<f32> = (0..32).map(|i| if i % 3 == 0 { -1.0 } else { f32::NEG_INFINITY }).collect();
    let mut nan: Vec<f32> = (0..48).map(|i| (i * 7 % 11) as f32).collect();
    (nan[3], nan[20], nan[21], nan[40]) = (f32::NAN, f32::NAN, -f32::NAN, f32::INFINITY);
    let zeros = (0..16).map(|i| if i % 2 == 0 { -0.0 } else { 0.0 }).collect();
    let at = |k, s, q| MaxPool { window: images(k, s, q) };
    vec![
        case("k2_s2_c1", images([2, 2], [2, 2], [0, 0]), [2, 6, 8, 1]),
        case("k2_s2_c3", images([2, 2], [2, 2], [0, 0]), [2, 7, 9, 3]),
        case("k3_s1_p1_c16", images([3, 3], [1, 1], [1, 1]), [2, 5, 6, 16]),
        case("k3_s2_p1_c37", images([3, 3], [2, 2], [1, 1]), [2, 8, 7, 37]),
        case("k3_s2_p1_ceil", images([3, 3], [2, 2], [1, 1]).ceil(true), [2, 8, 6, 5]),
        case("k2_s2_ceil", images([2, 2], [2, 2], [0, 0]).ceil(true), [2, 5, 7, 4]),
        case("k2_same_right", same(2), [2, 5, 4, 9]),
        case("k3x2_s1x3_p0x1", images([3, 2], [1, 3], [0, 1]), [2, 6, 11, 20]),
        case("k5_p4", images([5, 5], [1, 1], [4, 4]), [1, 3, 3, 6]),
        case("k2_s3_gaps", images([2, 2], [3, 3], [0, 0]), [2, 9, 10, 7]),
        case("whole_image", images([4, 5], [1, 1], [0, 0]), [3, 4, 5, 8]),
        case("series_k2_ceil", series(2, 2, [0, 0]).ceil(true), [3, 9, 12]),
        case("series_k3_p1", series(3, 1, [1, 1]), [2, 17, 33]),
        case("series_asymmetric", series(4, 3, [1, 2]), [2, 20, 5]),
        case("series_one_channel", series(3, 2, [1, 1]), [2, 301, 1]),
        case("many_rows", images([3, 3], [2, 2], [1, 1]), [3, 65, 63, 19]).bits_only(),
        case("many_rows_overlapping", images([3, 3], [1, 1], [1, 1]), [2, 40, 41, 36]).bits_only(),
        case("strips_series_c1", series(3, 1, [1, 1]), [2, 5001, 1]).bits_only(),
        case("strips_stride_2", images([3, 3], [2, 2], [1, 1]).ceil(true), [1, 5, 402, 21]).bits_only(),
        case("k3_16_32px_b64", images([3, 3], [1, 1], [1, 1]), [64, 32, 32, 16]).timed(),
        case("k2_s2_64_32px_b64", images([2, 2], [2, 2], [0, 0]), [64, 32, 32, 64]).timed(),
        Case::new("minus_infinity", at([3, 3], [1, 1], [1, 1]), [exactly(infinite)]).bits_only(),
        Case::new("nan_first_wins", at([2, 2], [1, 1], [1, 1]), [exactly(nan)]).bits_only(),
        Case::new("ties_and_zeros", at([2, 2], [1, 1], [1, 1]), [exactly(zeros)]).bits_only(),
        Case::new("ties_classes", at([3, 3], [2, 2], [1, 1]), [Input::filled([2, 9, 9, 18], Fill::Binary)]).bits_only(),
    ]
}

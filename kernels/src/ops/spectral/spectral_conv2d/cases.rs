//! The table of cases.

use super::SpectralConv2d;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, [n, h, w]: [usize; 3], [c, o]: [usize; 2], [m1, m2]: [usize; 2]) -> Case {
    let weight = || Input::filled([c, o, m1, m2], Fill::Scaled(0.5));
    Case::new(name, SpectralConv2d, [Input::normal([n, h, w, c]), weight(), weight(), weight(), weight()])
}

/// Even and odd sizes; few, all, and overlapping modes; channels around the lanes' width.
pub fn cases() -> Vec<Case> {
    let mut nan = case("nan_and_infinity", [1, 2, 2], [1, 1], [1, 2]).bits_only();
    nan.inputs[0] = Input::filled([1, 2, 2, 1], Fill::Exactly(vec![1.0, f32::NAN, f32::INFINITY, -0.0]));
    vec![
        case("one_number", [1, 1, 1], [1, 1], [1, 1]),
        case("one_mode", [2, 5, 6], [2, 2], [1, 1]),
        case("even", [2, 8, 8], [3, 2], [3, 4]),
        case("even_all_columns", [1, 6, 8], [2, 2], [3, 5]),
        case("odd", [2, 7, 9], [2, 3], [2, 3]),
        case("odd_all_columns", [1, 5, 7], [2, 1], [2, 4]),
        case("overlap", [1, 5, 8], [2, 2], [3, 3]),
        case("overlap_whole", [1, 4, 4], [2, 2], [4, 3]),
        case("row", [2, 1, 9], [3, 2], [1, 3]),
        case("channels", [3, 6, 5], [17, 19], [2, 2]),
        case("strips", [2, 20, 37], [33, 16], [4, 5]).bits_only(),
        case("chunks", [4100, 2, 3], [1, 2], [1, 2]).bits_only(),
        nan,
    ]
}

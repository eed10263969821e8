//! The table of cases.

use super::Permute;
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, dims: &[usize], shape: impl Into<Shape>) -> Case {
    Case::new(name, Permute::new(dims), [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![0.0, -0.0, f32::NAN, f32::INFINITY, 1e-40, -2.5];
    vec![
        case("scalar", &[], Shape::scalar()),
        case("vector", &[0], [7]),
        case("same", &[0, 1, 2], [2, 3, 4]),
        case("transposed", &[1, 0], [5, 7]),
        case("transposed_tiles", &[1, 0], [33, 47]),
        case("to_nhwc", &[0, 2, 3, 1], [2, 3, 4, 5]),
        case("to_nchw", &[0, 3, 1, 2], [2, 4, 5, 3]),
        case("rows_and_columns", &[0, 2, 1, 3], [2, 4, 5, 9]),
        case("batch_inside", &[1, 2, 0], [6, 3, 5]),
        case("reversed", &[3, 2, 1, 0], [2, 3, 4, 5]),
        case("six", &[4, 0, 5, 2, 1, 3], [2, 3, 2, 3, 2, 3]),
        case("ones", &[2, 3, 0, 1], [1, 5, 1, 3]),
        case("none", &[1, 0, 2], [3, 0, 2]).bits_only(),
        case("large_same", &[0, 1], [301, 119]).bits_only(),
        case("large_runs", &[0, 2, 1, 3], [3, 65, 67, 19]).bits_only(),
        case("large_to_nhwc", &[0, 2, 3, 1], [3, 35, 31, 33]).bits_only(),
        case("large_to_nchw", &[0, 3, 1, 2], [3, 131, 127, 3]).bits_only(),
        case("large_power_of_two", &[1, 0], [256, 512]).bits_only(),
        case("large_reversed", &[3, 2, 1, 0], [17, 18, 19, 20]).bits_only(),
        Case::new("nan", Permute::new(&[1, 0]), [Input::filled([2, 3], Fill::Exactly(odd))]).bits_only(),
    ]
}

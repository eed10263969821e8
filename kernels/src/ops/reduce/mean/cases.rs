//! The table of cases.

use super::{Axes, Mean};
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, dims: &[usize], keepdim: bool, shape: impl Into<Shape>) -> Case {
    Case::new(name, Mean { axes: Axes::of(dims), keepdim }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![1.0, f32::NAN, f32::INFINITY, -0.0, f32::NEG_INFINITY, -0.0, 2.0, 3.0, -0.0];
    let outer = Mean { axes: Axes::of(&[0]), keepdim: false };
    vec![
        case("scalar", &[], false, Shape::scalar()),
        case("all", &[], false, [3, 5, 7]),
        case("all_chunks", &[], true, [2, 9, 11, 83]),
        case("first", &[0], false, [9, 37]),
        case("first_wide", &[0], true, [3, 2, 1300]).bits_only(),
        case("middle", &[1, 2], false, [2, 6, 7, 20]),
        case("middle_keepdim", &[1], true, [3, 17, 5]),
        case("last", &[2], false, [4, 5, 33]),
        case("last_long", &[1], false, [21, 4099]).bits_only(),
        case("last_keepdim", &[1], true, [7, 3]),
        case("size_one", &[1], false, [4, 1, 6]),
        case("apart", &[0, 2], false, [4, 3, 5]),
        case("apart_keepdim", &[0, 2], true, [4, 3, 5, 6]),
        case("apart_alternating", &[1, 3], false, [2, 3, 4, 5]),
        case("apart_six", &[0, 2, 4], true, [2, 3, 2, 2, 3, 2]),
        case("apart_chunks", &[0, 2], false, [70, 3, 200]).bits_only(),
        case("chunks_c1", &[1], false, [3, 20_001, 1]).bits_only(),
        case("chunks_c19", &[0, 1], false, [5, 2501, 19]).bits_only(),
        case("chunks_c200", &[1], false, [2, 8200, 200]).bits_only(),
        Case::new("nan_and_zeros", outer, [Input::filled([3, 3], Fill::Exactly(odd))]).bits_only(),
    ]
}

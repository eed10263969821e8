//! The table of cases.

use super::{Axes, Var};
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, dims: &[usize], keepdim: bool, correction: usize, shape: impl Into<Shape>) -> Case {
    Case::new(name, Var { axes: Axes::of(dims), keepdim, correction }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![1.0, f32::NAN, f32::INFINITY, -0.0, 4.0, -0.0, 2.0, 3.0, -0.0];
    let outer = Var { axes: Axes::of(&[0]), keepdim: false, correction: 1 };
    let last = Var { axes: Axes::of(&[1]), ..outer };
    vec![
        case("scalar", &[], false, 0, Shape::scalar()),
        case("all", &[], false, 1, [3, 5, 7]),
        case("all_chunks", &[], true, 1, [2, 9, 11, 83]),
        case("first", &[0], false, 1, [9, 37]),
        case("first_biased", &[0], true, 0, [9, 37]),
        case("middle", &[1, 2], false, 1, [2, 6, 7, 20]),
        case("last", &[2], false, 2, [4, 5, 33]),
        case("last_long", &[1], false, 1, [21, 4099]).bits_only(),
        case("size_one", &[1], false, 0, [4, 1, 6]),
        case("apart", &[0, 2], false, 1, [4, 3, 5]),
        case("apart_keepdim", &[0, 2], true, 1, [4, 3, 5, 6]),
        case("apart_chunks", &[0, 2], false, 1, [70, 3, 200]).bits_only(),
        case("chunks_c19", &[0, 1], false, 1, [5, 2501, 19]).bits_only(),
        Case::new("far_mean", last, [Input::filled([3, 50], Fill::Uniform(1000.0, 1001.0))]).bits_only(),
        Case::new("nan_and_zeros", outer, [Input::filled([3, 3], Fill::Exactly(odd))]).bits_only(),
    ]
}

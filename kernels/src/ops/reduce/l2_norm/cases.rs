//! The table of cases.

use super::{Axes, L2Norm};
use crate::Shape;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, dims: &[usize], keepdim: bool, shape: impl Into<Shape>) -> Case {
    Case::new(name, L2Norm { axes: Axes::of(dims), keepdim }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    let odd = vec![1.0, f32::NAN, f32::INFINITY, -0.0, 4.0, -0.0, 2.0, 3.0, -0.0];
    let zero_row = vec![0.0, -0.0, 0.0, 3.0, 0.0, -4.0, 1e-30, -1e-30, 0.0];
    let exactly = |name, axes, numbers| {
        let op = L2Norm { axes: Axes::of(axes), keepdim: false };
        Case::new(name, op, [Input::filled([3, 3], Fill::Exactly(numbers))]).bits_only()
    };
    vec![
        case("scalar", &[], false, Shape::scalar()),
        case("all", &[], false, [3, 5, 7]),
        case("all_chunks", &[], true, [2, 9, 11, 83]),
        case("first", &[0], false, [9, 37]),
        case("middle", &[1, 2], false, [2, 6, 7, 20]),
        case("last", &[2], false, [4, 5, 33]),
        case("last_keepdim", &[1], true, [7, 3]),
        case("last_long", &[1], false, [21, 4099]).bits_only(),
        case("apart", &[0, 2], false, [4, 3, 5]),
        case("apart_keepdim", &[0, 2], true, [4, 3, 5, 6]),
        case("apart_chunks", &[0, 2], false, [70, 3, 200]).bits_only(),
        case("chunks_c19", &[0, 1], false, [5, 2501, 19]).bits_only(),
        exactly("zero_row", &[1], zero_row),
        exactly("nan_and_zeros", &[0], odd),
    ]
}

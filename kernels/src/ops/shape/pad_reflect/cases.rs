//! The table of cases.

use super::PadReflect;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, op: PadReflect, shape: impl Into<Shape>) -> Case {
    Case::new(name, op, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("none", PadReflect::new(&[]), [3, 4]),
        case("images", PadReflect::images([1, 2], [0, 3]), [2, 3, 4, 5]),
        case("images_most", PadReflect::images([3, 3], [4, 4]), [2, 4, 5, 1]),
        case("series", PadReflect::series([2, 6]), [3, 9, 4]),
        case("series_two", PadReflect::series([1, 1]), [3, 2, 17]),
        case("vectors", PadReflect::new(&[[0, 0], [2, 1]]), [4, 5]),
        case("all", PadReflect::new(&[[1, 0], [1, 1], [0, 2], [2, 2]]), [2, 3, 3, 4]),
        case("large", PadReflect::images([4, 4], [4, 4]), [3, 64, 63, 17]).bits_only(),
    ]
}

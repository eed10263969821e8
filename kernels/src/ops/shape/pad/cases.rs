//! The table of cases.

use super::Pad;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, op: Pad, shape: impl Into<Shape>) -> Case {
    Case::new(name, op, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("none", Pad::new(&[]), [3, 4]),
        case("images", Pad::images([1, 2], [0, 3]), [2, 3, 4, 5]),
        case("images_crop", Pad::images([-1, 0], [-1, -2]), [2, 4, 5, 3]),
        case("images_both", Pad::images([2, -1], [-2, 1]), [2, 4, 5, 3]),
        case("series", Pad::series([0, 1]), [3, 9, 4]),
        case("series_crop_all", Pad::series([-2, 3]), [2, 2, 4]),
        case("channels", Pad::new(&[[0, 0], [0, 0], [0, 0], [1, 4]]), [2, 3, 4, 5]),
        case("channels_crop", Pad::new(&[[0, 0], [-1, -1]]), [4, 9]),
        case("batch", Pad::new(&[[1, 1]]), [2, 3]),
        case("large", Pad::images([1, 1], [1, 1]), [3, 64, 63, 17]).bits_only(),
        case("large_nine", Pad::images([0, 9], [0, 9]), [2, 85, 85, 20]).bits_only(),
    ]
}

//! The table of cases.

use super::Split;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, dim: usize, at: usize, shape: impl Into<Shape>) -> Case {
    Case::new(name, Split { dim, at }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("channels_4_of_16", 3, 4, [2, 3, 5, 16]),
        case("channels_7_of_9", 3, 7, [2, 3, 4, 9]),
        case("series_channels", 2, 8, [2, 5, 12]),
        case("rows", 1, 2, [2, 5, 4, 3]),
        case("vector", 0, 3, [8]),
        case("nothing_before", 1, 0, [3, 4]),
        case("nothing_behind", 1, 4, [3, 4]),
        case("large", 3, 16, [3, 35, 37, 64]).bits_only(),
        case("channels_4_of_16_32px_b32", 3, 4, [32, 32, 32, 16]).timed(),
    ]
}

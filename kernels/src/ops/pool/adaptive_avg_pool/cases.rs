//! The table of cases.

use super::AdaptiveAvgPool;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, size: [usize; 2], shape: impl Into<Shape>) -> Case {
    Case::new(name, AdaptiveAvgPool { size }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("to_one", [1, 1], [2, 7, 5, 12]),
        case("divides", [2, 4], [2, 6, 8, 3]),
        case("overlaps", [3, 5], [2, 7, 8, 17]),
        case("same_size", [4, 4], [1, 4, 4, 6]),
        case("grows", [7, 5], [2, 3, 4, 4]),
        case("series", [1, 7], [3, 30, 33]),
        case("series_one_channel", [1, 6], [2, 100, 1]),
        case("strips", [1, 120], [2, 700, 30]).bits_only(),
        case("many_rows", [24, 17], [3, 50, 51, 20]).bits_only(),
    ]
}

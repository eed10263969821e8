//! The table of cases.

use super::ChannelShuffle;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, groups: usize, shape: impl Into<Shape>) -> Case {
    Case::new(name, ChannelShuffle { groups }, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("one_group", 1, [2, 3, 4, 6]),
        case("all_groups", 6, [2, 3, 4, 6]),
        case("two", 2, [1, 2, 2, 6]),
        case("four_image", 4, [2, 3, 4, 8]),
        case("four_series", 4, [2, 5, 12]),
        case("vector", 3, [9]),
        case("three_of_51", 3, [2, 3, 51]),
        case("table_16", 4, [2, 3, 16]),
        case("table_32", 4, [3, 32]),
        case("table_64", 4, [3, 5, 64]),
        case("tiles", 17, [2, 2, 17 * 19]),
        case("large", 4, [3, 35, 37, 64]).bits_only(),
        case("large_wide", 20, [5, 7, 680]).bits_only(),
    ]
}

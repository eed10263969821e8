//! The table of cases.

use super::GlobalAvgPool;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, shape: impl Into<Shape>) -> Case {
    Case::new(name, GlobalAvgPool, [Input::normal(shape)])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("one_position", [3, 1, 1, 7]),
        case("c1", [2, 5, 7, 1]),
        case("c3", [2, 18, 17, 3]),
        case("c37", [3, 8, 8, 37]),
        case("c64_two_chunks", [2, 16, 32, 64]),
        case("series", [3, 41, 20]),
        case("series_many_chunks", [2, 3003, 5]),
        case("many_chunks", [5, 61, 47, 33]).bits_only(),
        case("many_chunks_c1", [3, 91, 97, 1]).bits_only(),
        case("256_8px_b64", [64, 8, 8, 256]).timed(),
        case("series_128_b128", [128, 1000, 128]).timed(),
    ]
}

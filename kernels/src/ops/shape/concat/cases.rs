//! The table of cases.

use super::Concat;
use crate::Shape;
use crate::check::{Case, Input};

fn case(name: &'static str, dim: usize, shapes: &[&[usize]]) -> Case {
    Case::new(name, Concat { dim }, shapes.iter().map(|s| Input::normal(Shape::new(s))).collect::<Vec<_>>())
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("one", 0, &[&[3, 4]]),
        case("runs_4_8_12", 3, &[&[2, 3, 4, 4], &[2, 3, 4, 8], &[2, 3, 4, 12], &[2, 3, 4, 5]]),
        case("channels", 3, &[&[2, 3, 4, 5], &[2, 3, 4, 1], &[2, 3, 4, 16]]),
        case("channels_nine", 1, &[[2, 3].as_slice(); 9]),
        case("rows", 1, &[&[2, 3, 4, 5], &[2, 1, 4, 5]]),
        case("batch", 0, &[&[2, 7], &[5, 7]]),
        case("none_of_one", 1, &[&[2, 0, 3], &[2, 4, 3]]),
        case("vectors", 0, &[&[1], &[9]]),
        case("large", 2, &[&[9, 301, 17], &[9, 301, 32]]).bits_only(),
        case("channels_32px_b64", 3, &[[64, 32, 32, 16].as_slice(); 4]).timed(),
    ]
}

//! The matrix product's table.

use super::MatMul;
use crate::check::{Case, Input};

/// Sizes around the tiles' edges, batches.
pub fn cases() -> Vec<Case> {
    let case = |name, a: &[usize], b: &[usize]| Case::new(name, MatMul, [Input::normal(a), Input::normal(b)]);
    vec![
        case("small", &[3, 4], &[4, 5]),
        case("odd", &[17, 9], &[9, 33]),
        case("long", &[5, 70], &[70, 16]),
        case("batched", &[3, 4, 5], &[3, 5, 6]),
        case("row", &[1, 8], &[8, 20]),
        case("large", &[130, 140], &[140, 150]).bits_only(),
        case("1024", &[1024, 1024], &[1024, 1024]).timed(),
        case("64_256_1024", &[64, 256], &[256, 1024]).timed(),
    ]
}

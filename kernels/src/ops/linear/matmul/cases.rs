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
        case("one_of_b", &[3, 4, 5], &[5, 6]),
        case("one_of_a", &[4, 5], &[3, 5, 6]),
        case("ones", &[1, 4, 5], &[1, 1, 5, 6]),
        case("broadcast_both", &[2, 1, 4, 6], &[3, 6, 5]),
        case("broadcast_inside", &[2, 3, 4, 6], &[2, 1, 6, 5]),
        case("broadcast_outside", &[2, 3, 4, 6], &[3, 6, 5]),
        case("interleaved", &[2, 1, 3, 2, 3], &[1, 4, 1, 3, 5]),
        case("tree_of_29", &[29, 3, 4], &[4, 5]),
        case("tree_of_64_rows", &[2, 3], &[64, 3, 5]),
        case("tree_of_44", &[4, 1, 2, 3], &[11, 3, 7]),
        case("no_batch", &[0, 4, 5], &[5, 6]).bits_only(),
        case("batched_large", &[9, 65, 33], &[9, 33, 70]).bits_only(),
        case("one_of_b_large", &[19, 65, 80], &[80, 70]).bits_only(),
        case("one_of_a_large", &[110, 100], &[3, 100, 120]).bits_only(),
        case("row", &[1, 8], &[8, 20]),
        case("large", &[130, 140], &[140, 150]).bits_only(),
        case("1024", &[1024, 1024], &[1024, 1024]).timed(),
        case("64_256_1024", &[64, 256], &[256, 1024]).timed(),
    ]
}

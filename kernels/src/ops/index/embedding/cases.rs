//! The table of cases.

use super::Embedding;
use crate::check::{Case, Fill, Input};

/// A table of `v` rows of `d`, indices below `below`.
fn case(name: &'static str, [v, d]: [usize; 2], index: &[usize], below: usize) -> Case {
    Case::new(name, Embedding, [Input::normal([v, d]), Input::filled(index, Fill::Classes(below))])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("plain", [11, 4], &[3, 5], 11),
        case("repeats", [4, 6], &[40], 4),
        case("one_number", [5, 1], &[7], 5),
        case("scalar_index", [5, 9], &[], 5),
        case("one_row", [1, 33], &[2, 3], 1),
        case("rows_left_out", [50, 17], &[9], 13),
        case("many_dimensions", [6, 3], &[2, 1, 3, 2, 2], 6),
        case("out_of_range", [6, 5], &[4, 8], 9).bits_only(),
        case("no_index", [6, 5], &[2, 0], 6).bits_only(),
        case("large", [301, 65], &[7, 300], 301).bits_only(),
        case("large_repeats", [5, 64], &[5000], 5).bits_only(),
    ]
}

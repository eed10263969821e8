//! The table of cases.

use super::Gather;
use crate::check::{Case, Fill, Input};

/// x, and an index of numbers below x's size along `dim`.
fn case(name: &'static str, dim: usize, x: &[usize], index: &[usize]) -> Case {
    below(name, dim, x, index, x[dim])
}

fn below(name: &'static str, dim: usize, x: &[usize], index: &[usize], below: usize) -> Case {
    Case::new(name, Gather { dim }, [Input::normal(x), Input::filled(index, Fill::Classes(below))])
}

/// Everything that is checked of it.
pub fn cases() -> Vec<Case> {
    vec![
        case("vector", 0, &[5], &[9]),
        case("last", 1, &[4, 6], &[4, 3]),
        case("first", 0, &[5, 3], &[7, 3]),
        case("middle", 1, &[2, 4, 5], &[2, 9, 5]),
        case("repeats", 2, &[2, 3, 4], &[2, 3, 50]),
        case("smaller_index", 1, &[3, 4, 5, 6], &[2, 7, 4, 3]),
        case("smaller_inside", 0, &[6, 5, 17], &[4, 3, 17]),
        case("many_columns", 0, &[3, 133], &[8, 133]),
        below("out_of_range", 1, &[3, 4, 5], &[3, 6, 5], 7).bits_only(),
        case("no_index", 1, &[3, 4], &[3, 0]).bits_only(),
        case("large_last", 1, &[900, 37], &[900, 41]).bits_only(),
        case("large_first", 0, &[37, 900], &[41, 900]).bits_only(),
        case("large_middle", 1, &[7, 50, 131], &[7, 43, 131]).bits_only(),
    ]
}

//! The table of cases.

use super::Lstm;
use crate::check::{Case, Fill, Input};

fn case(name: &'static str, layers: usize, [t, n, i, h]: [usize; 4]) -> Case {
    let scaled = |shape: &[usize]| Input::filled(shape, Fill::Scaled(0.4));
    let mut inputs = vec![Input::normal([t, n, i]), Input::normal([layers, n, h]), Input::normal([layers, n, h])];
    for l in 0..layers {
        let from = if l == 0 { i } else { h };
        inputs.extend([&[from, 4 * h][..], &[h, 4 * h], &[4 * h], &[4 * h]].map(scaled));
    }
    Case::new(name, Lstm { layers }, inputs)
}

/// One and several layers and steps, sizes around the lanes' width.
pub fn cases() -> Vec<Case> {
    vec![
        case("one", 1, [1, 1, 1, 1]),
        case("steps", 1, [5, 2, 3, 4]),
        case("odd", 1, [3, 5, 9, 17]),
        case("layers", 2, [4, 3, 5, 4]),
        case("seven_layers", 7, [2, 2, 3, 2]),
        case("one_series", 2, [12, 1, 6, 8]),
        case("chunks", 1, [70, 60, 2, 1]).bits_only(),
        case("many_tasks", 2, [3, 150, 4, 16]).bits_only(),
    ]
}

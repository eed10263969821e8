//! The table of cases.

use super::LstmCell;
use crate::check::{Case, Fill, Input};

fn inputs([n, i, h]: [usize; 3], x: Fill) -> Vec<Input> {
    let scaled = |shape: &[usize]| Input::filled(shape, Fill::Scaled(0.5));
    let state = |_| Input::normal([n, h]);
    let mut all = vec![Input::filled([n, i], x), state(0), state(1), scaled(&[i, 4 * h]), scaled(&[h, 4 * h])];
    all.extend([scaled(&[4 * h]), scaled(&[4 * h])]);
    all
}

/// Few and many rows, sizes around the lanes' width.
pub fn cases() -> Vec<Case> {
    let case = |name, sizes| Case::new(name, LstmCell, inputs(sizes, Fill::Normal));
    let odd = vec![f32::NAN, 1.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e30];
    vec![
        case("one", [1, 1, 1]),
        case("small", [3, 4, 5]),
        case("lanes", [2, 7, 16]),
        case("odd", [5, 9, 17]),
        case("rows", [70, 3, 8]),
        case("many_tasks", [300, 5, 20]).bits_only(),
        Case::new("chunks", LstmCell, inputs([4099, 2, 1], Fill::Normal)).bits_only(),
        Case::new("saturated", LstmCell, inputs([4, 3, 6], Fill::Scaled(40.0))).bits_only(),
        Case::new("nan_and_infinities", LstmCell, inputs([2, 3, 2], Fill::Exactly(odd))).bits_only(),
    ]
}

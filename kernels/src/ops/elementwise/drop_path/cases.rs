//! Cases of drop-path: probabilities, sizes of samples about the chunks, edges.

use super::DropPath;
use crate::check::{Case, Fill, Input};
use crate::rng::{Key, Purpose};

/// The table.
pub fn cases() -> Vec<Case> {
    let op = |index, p| DropPath::new(Key::new(11, Purpose::Dropout).at(2, 3), index, p);
    let edges = [0.0, -0.0, 1.0, -2.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, f32::MAX];
    let each_twice = [edges, edges].concat();
    vec![
        Case::new("none", op(0, 0.0), [Input::normal([3, 7])]),
        Case::new("half", op(1, 0.5), [Input::normal([9, 3, 5])]),
        Case::new("fifth", op(2, 0.2), [Input::normal([5, 2, 3, 8])]),
        Case::new("nearly_all", op(3, 0.999), [Input::normal([33])]),
        Case::new("one_sample", op(4, 0.3), [Input::normal([1, 17])]),
        Case::new("blocks_of_words", op(5, 0.3), [Input::normal([35, 3])]),
        Case::new("small_samples", op(6, 0.3), [Input::normal([5001, 7])]).bits_only(),
        Case::new("samples_are_chunks", op(7, 0.3), [Input::normal([5, 16_384])]).bits_only(),
        Case::new("large_samples", op(8, 0.3), [Input::normal([3, 40_001])]).bits_only(),
        Case::new("edges", op(9, 0.5), [Input::filled([2, 9], Fill::Exactly(each_twice))]).bits_only(),
        Case::new("empty", op(10, 0.5), [Input::normal([3, 0])]).bits_only(),
        Case::new("no_samples", op(11, 0.5), [Input::normal([0, 3])]).bits_only(),
        Case::new("36_32px_b96", op(12, 0.2), [Input::normal([96, 32, 32, 36])]).timed(),
    ]
}

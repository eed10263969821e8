//! Cases of dropout: probabilities, sizes about the chunks, edges.

use super::Dropout;
use crate::check::{Case, Fill, Input};
use crate::rng::{Key, Purpose};

/// The table.
pub fn cases() -> Vec<Case> {
    let op = |index, p| Dropout::new(Key::new(11, Purpose::Dropout).at(2, 3), index, p);
    let edges = vec![0.0, -0.0, 1.0, -2.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, f32::MAX];
    vec![
        Case::new("none", op(0, 0.0), [Input::normal([3, 7])]),
        Case::new("half", op(1, 0.5), [Input::normal([3, 37])]),
        Case::new("fifth", op(2, 0.2), [Input::normal([2, 5, 8])]),
        Case::new("nearly_all", op(3, 0.999), [Input::normal([33])]),
        Case::new("chunks", op(4, 0.3), [Input::normal([3, 4097])]).bits_only(),
        Case::new("edges", op(5, 0.5), [Input::filled([9], Fill::Exactly(edges))]).bits_only(),
        Case::new("empty", op(6, 0.5), [Input::normal([0])]).bits_only(),
        Case::new("64_32px_b64", op(7, 0.3), [Input::normal([64, 32, 32, 64])]).timed(),
    ]
}

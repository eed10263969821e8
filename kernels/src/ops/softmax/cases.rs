//! Cases of softmax and log-softmax: lines about the lanes and the chunks, every dimension, masks, NaN.

use super::Softmax;
use crate::check::{Case, Fill, Input};
use crate::ops::label;

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (kind, make) in [("softmax", Softmax::new as fn(isize) -> Softmax), ("log", Softmax::log)] {
        let label = |name: &str| label(format!("{kind}_{name}"));
        for (name, shape) in [
            ("n1", &[3, 1][..]),
            ("n2", &[5, 2]),
            ("n7", &[3, 7]),
            ("n8", &[2, 8]),
            ("n10", &[2, 3, 10]),
            ("n17", &[4, 17]),
            ("n100", &[3, 100]),
            ("vector", &[33]),
        ] {
            all.push(Case::new(label(name), make(-1), [Input::filled(shape, Fill::Scaled(2.0))]));
        }
        all.push(Case::new(label("first"), make(0), [Input::normal([7, 5])]));
        all.push(Case::new(label("middle"), make(1), [Input::normal([2, 9, 3])]));
        all.push(Case::new(label("channels"), make(-3), [Input::normal([2, 4, 3, 2])]));
        all.push(Case::new(label("many_lines"), make(1), [Input::normal([1500, 7])]).bits_only());
        all.push(Case::new(label("long_line"), make(-1), [Input::normal([2, 9001])]).bits_only());
        all.push(Case::new(label("large"), make(-1), [Input::filled([4, 33], Fill::Scaled(1e4))]).bits_only());
        let (i, n) = (f32::INFINITY, f32::NAN);
        let odd =
            vec![0.0, -i, 1.0, -i, -i, -i, n, 1.0, 2.0, 1.0, 2.0, n, i, 1.0, 0.0, -0.0, 0.0, -0.0, f32::MAX, 0.0, -i];
        all.push(Case::new(label("edges"), make(-1), [Input::filled([7, 3], Fill::Exactly(odd))]).bits_only());
        all.push(Case::new(label("empty"), make(-1), [Input::normal([0, 3])]).bits_only());
        all.push(Case::new(label("100_b4096"), make(-1), [Input::normal([4096, 100])]).timed());
    }
    all
}

//! Cases of the relative L2 error: reductions, samples of a chunk and more, samples met exactly, zero targets.

use super::RelativeL2;
use crate::check::{Case, Fill, Input};
use crate::ops::label;
use crate::ops::loss::Reduction::{Mean, None, Sum};

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, reduction) in [("mean", Mean), ("sum", Sum), ("none", None)] {
        let op = RelativeL2::new(reduction);
        for shape in [&[1, 1][..], &[3, 6, 7], &[2, 17], &[5], &[2, 9, 9, 1]] {
            all.push(Case::new(
                label(format!("{name}_{shape:?}")),
                op,
                [Input::normal(shape), Input::normal(shape).fixed()],
            ));
        }
        for shape in [&[3, 4097][..], &[2, 85, 85], &[700, 7], &[0, 3], &[2, 0]] {
            all.push(
                Case::new(label(format!("{name}_{shape:?}")), op, [Input::normal(shape), Input::normal(shape).fixed()])
                    .bits_only(),
            );
        }
        let x = vec![1.0, 2.0, 1.0, 2.0, 0.0, 0.0, f32::NAN, 1.0, f32::INFINITY, 1.0, 3e38, 3e38];
        let t = vec![1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, -3e38, 1e-45];
        let t = Input::filled([6, 2], Fill::Exactly(t)).fixed();
        all.push(
            Case::new(label(format!("{name}_edges")), op, [Input::filled([6, 2], Fill::Exactly(x)), t]).bits_only(),
        );
    }
    all
}

//! Cases of cross entropy: class counts about the lanes, dense targets, smoothing, reductions, rows across chunks.

use super::CrossEntropy;
use crate::check::{Case, Fill, Input};
use crate::ops::label;
use crate::ops::loss::Reduction::{Mean, None, Sum};

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, reduction) in [("mean", Mean), ("sum", Sum), ("none", None)] {
        for smoothing in [0.0, 0.1, 1.0] {
            let op = CrossEntropy::new(smoothing, reduction);
            let label = |what: String| label(format!("{name}_smooth{smoothing}_{what}"));
            for shape in [&[5, 2][..], &[3, 1], &[4, 10], &[2, 3, 4, 7], &[3, 17], &[2, 100], &[6]] {
                let (&classes, rows) = shape.split_last().expect("classes");
                let x = Input::filled(shape, Fill::Scaled(3.0));
                all.push(Case::new(label(format!("{shape:?}")), op, [x, Input::filled(rows, Fill::Classes(classes))]));
            }
            for shape in [&[2, 4100, 3][..], &[1500, 10], &[3, 5000]] {
                let (&classes, rows) = shape.split_last().expect("classes");
                let x = Input::filled(shape, Fill::Scaled(30.0));
                all.push(
                    Case::new(label(format!("{shape:?}")), op, [x, Input::filled(rows, Fill::Classes(classes))])
                        .bits_only(),
                );
            }
            let (i, n) = (f32::INFINITY, f32::NAN);
            let odd = vec![0.0, -i, 1.0, -i, -i, -i, n, 1.0, 2.0, 1.0, 2.0, n, i, 1.0, 0.0, -0.0, 0.0, -0.0];
            let x = Input::filled([6, 3], Fill::Exactly(odd));
            all.push(Case::new(label("edges".into()), op, [x, Input::filled([6], Fill::Classes(3))]).bits_only());
            let x = Input::normal([4, 3]);
            let some_are_none = Input::filled([4], Fill::Classes(9));
            all.push(Case::new(label("no_class".into()), op, [x, some_are_none]).bits_only());
            all.push(
                Case::new(label("empty".into()), op, [Input::normal([0, 3]), Input::filled([0], Fill::Classes(3))])
                    .bits_only(),
            );
        }
    }
    all
}

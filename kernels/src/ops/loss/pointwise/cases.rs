//! Cases of the pointwise losses: reductions, sizes about lanes, blocks and chunks, weights, edges.

use super::{PointwiseLoss, Row};
use crate::check::{Case, Fill, Input};
use crate::ops::label;
use crate::ops::loss::Reduction::{Mean, None, Sum};

fn add<R: Row>(all: &mut Vec<Case>, loss: &str, row: R, target: Fill) {
    let t = |shape: &[usize]| Input::filled(shape, target.clone()).fixed();
    for (name, reduction) in [("mean", Mean), ("sum", Sum), ("none", None)] {
        let op = PointwiseLoss { row, reduction };
        let label = |what: String| label(format!("{loss}_{name}_{what}"));
        for shape in [&[1][..], &[7], &[3, 5, 7], &[2, 300], &[16, 8], &[]] {
            all.push(Case::new(label(format!("{shape:?}")), op, [Input::normal(shape), t(shape)]));
        }
        for shape in [&[3, 4097][..], &[9001], &[1500, 7], &[2, 3, 4096]] {
            all.push(Case::new(label(format!("{shape:?}")), op, [Input::normal(shape), t(shape)]).bits_only());
        }
        let x = vec![0.0, -0.0, 1.0, -1.0, 100.0, -100.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, f32::MAX];
        let ones = Fill::Exactly(vec![1.0; x.len()]);
        let x = Input::filled([x.len()], Fill::Exactly(x));
        all.push(Case::new(label("ones".into()), op, [x.clone(), Input::filled(x.shape, ones).fixed()]).bits_only());
        all.push(Case::new(label("exact".into()), op, [x.clone(), x.fixed()]).bits_only());
        all.push(Case::new(label("empty".into()), op, [Input::normal([0, 3]), t(&[0, 3])]).bits_only());
    }
}

/// The table.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    add(&mut all, "mse", PointwiseLoss::mse(Mean).row, Fill::Normal);
    add(&mut all, "l1", PointwiseLoss::l1(Mean).row, Fill::Normal);
    add(&mut all, "smooth_l1", PointwiseLoss::smooth_l1(1.0, Mean).row, Fill::Normal);
    add(&mut all, "smooth_l1_half", PointwiseLoss::smooth_l1(0.5, Mean).row, Fill::Normal);
    add(&mut all, "bce_with_logits", PointwiseLoss::bce_with_logits(Mean).row, Fill::Binary);
    for (name, reduction) in [("weighted_mean", Mean), ("weighted_sum", Sum), ("weighted_none", None)] {
        let op = PointwiseLoss::bce_with_logits(reduction);
        for (shape, weights) in [(&[5, 7][..], &[7][..]), (&[2, 3, 4], &[1]), (&[9], &[])] {
            let w = Input::filled(weights, Fill::Uniform(0.5, 8.0)).fixed();
            let t = Input::filled(shape, Fill::Uniform(0.0, 1.0)).fixed();
            all.push(Case::new(
                label(format!("{name}_{shape:?}")),
                op,
                [Input::filled(shape, Fill::Scaled(3.0)), t, w],
            ));
        }
        let w = Input::filled([206], Fill::Uniform(0.5, 8.0)).fixed();
        let t = Input::filled([50, 206], Fill::Binary);
        all.push(
            Case::new(label(format!("{name}_chunks")), op, [Input::filled([50, 206], Fill::Scaled(30.0)), t, w])
                .bits_only(),
        );
    }
    all
}

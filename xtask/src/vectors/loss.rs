//! Losses.

use kernels::ops::loss::{CrossEntropy, PointwiseLoss, Reduction, RelativeL2};

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[
    row("cross_entropy", cross_entropy),
    row("bce_with_logits", |c| each(c, PointwiseLoss::bce_with_logits(reduction(c)?), c.has("in.pos_weight"))),
    row("mse", |c| each(c, PointwiseLoss::mse(reduction(c)?), false)),
    row("l1", |c| each(c, PointwiseLoss::l1(reduction(c)?), false)),
    row("smooth_l1", |c| each(c, PointwiseLoss::smooth_l1(c.number_or("beta", 1.0)? as f32, reduction(c)?), false)),
    row("relative_l2", |c| each(c, RelativeL2::new(reduction(c)?), false)),
];

fn reduction(case: &Case) -> anyhow::Result<Reduction> {
    match case.attr("reduction").as_str().unwrap_or("mean") {
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        "none" => Ok(Reduction::None),
        other => Err(unsupported(format!("reduction {other}"))),
    }
}

/// Losses of number with number; pos_weight broadcasts over PyTorch's last dimension, so nothing is moved.
fn each<O: kernels::Op>(case: &Case, op: O, weighted: bool) -> anyhow::Result<Vec<Got>> {
    let inputs = [("x", Layout::Plain), ("target", Layout::Plain), ("pos_weight", Layout::Plain)];
    apply(case, &inputs[..2 + usize::from(weighted)], Layout::Plain, op)
}

/// Classes last; a row's target stands where the row does.
fn cross_entropy(case: &Case) -> anyhow::Result<Vec<Got>> {
    let op = CrossEntropy::new(case.number_or("label_smoothing", 0.0)? as f32, reduction(case)?);
    apply(case, &[("x", Layout::ChannelsLast), ("target", Layout::Plain)], Layout::Plain, op)
}

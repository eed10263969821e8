//! Reductions.

use kernels::ops::reduce::{Axes, l2_norm::L2Norm, mean::Mean, sum::Sum, var::Var};

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[
    row("sum", |c| reduce(c, |axes, keepdim| Sum { axes, keepdim })),
    row("mean", |c| reduce(c, |axes, keepdim| Mean { axes, keepdim })),
    row("var", |c| {
        let correction = c.number_or("correction", 1.0)? as usize;
        reduce(c, |axes, keepdim| Var { axes, keepdim, correction })
    }),
    row("l2_norm", |c| reduce(c, |axes, keepdim| L2Norm { axes, keepdim })),
];

/// `dim` counts PyTorch's dimensions; y has those that stay, in our order.
fn reduce<O: kernels::Op>(case: &Case, op: impl FnOnce(Axes, bool) -> O) -> anyhow::Result<Vec<Got>> {
    let (rank, keepdim) = (case.shape("x")?.len(), case.flag("keepdim"));
    let x = Layout::ChannelsLast;
    let dims = if case.attr("dim").is_null() { Vec::new() } else { case.integers("dim")? };
    let ours = dims.iter().map(|&d| x.dim(rank, d)).collect::<Result<Vec<_>, _>>()?;
    let order = x.order(rank);
    let y = if keepdim {
        order
    } else {
        let stay: Vec<usize> = (0..rank).filter(|d| !ours.is_empty() && !ours.contains(d)).map(|d| order[d]).collect();
        stay.iter().map(|&d| stay.iter().filter(|&&e| e < d).count()).collect()
    };
    apply(case, &[("x", x)], Layout::Order(y), op(Axes::of(&ours), keepdim))
}

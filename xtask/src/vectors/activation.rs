//! Pointwise functions and softmax.

use kernels::ops::activation::{Pointwise, Row as Function};
use kernels::ops::softmax::Softmax;

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[
    row("relu", |c| pointwise(c, Pointwise::relu())),
    row("relu6", |c| pointwise(c, Pointwise::relu6())),
    row("leaky_relu", |c| pointwise(c, Pointwise::leaky_relu(c.number("negative_slope")? as f32))),
    row("sigmoid", |c| pointwise(c, Pointwise::sigmoid())),
    row("tanh", |c| pointwise(c, Pointwise::tanh())),
    row("exp", |c| pointwise(c, Pointwise::exp())),
    row("log", |c| pointwise(c, Pointwise::log())),
    row("gelu", |c| match c.attr("approximate").as_str().unwrap_or("none") {
        "none" => pointwise(c, Pointwise::gelu()),
        "tanh" => pointwise(c, Pointwise::gelu_tanh()),
        other => Err(unsupported(format!("approximate {other}"))),
    }),
    row("softplus", |c| {
        let op = Pointwise::softplus(c.number_or("beta", 1.0)? as f32, c.number_or("threshold", 20.0)? as f32);
        pointwise(c, op)
    }),
    row("softmax", |c| softmax(c, false)),
    row("log_softmax", |c| softmax(c, true)),
];

fn pointwise<R: Function>(case: &Case, op: Pointwise<R>) -> anyhow::Result<Vec<Got>> {
    apply(case, &[("x", Layout::ChannelsLast)], Layout::ChannelsLast, op)
}

fn softmax(case: &Case, log: bool) -> anyhow::Result<Vec<Got>> {
    let dim = case.integer("dim")?;
    let dim = Layout::ChannelsLast.dim(case.shape("x")?.len(), dim)? as isize;
    apply(case, &[("x", Layout::ChannelsLast)], Layout::ChannelsLast, Softmax { dim, log })
}

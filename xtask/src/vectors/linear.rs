//! Linear layers and matrix products.

use kernels::ops::linear::{linear::Linear, matmul::MatMul};

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[row("linear", linear), row("matmul", matmul)];

fn linear(case: &Case) -> anyhow::Result<Vec<Got>> {
    let bias = case.has("in.b");
    let inputs = [("x", Layout::Plain), ("w", Layout::Weight), ("b", Layout::Plain)];
    apply(case, &inputs[..2 + usize::from(bias)], Layout::Plain, Linear { bias })
}

fn matmul(case: &Case) -> anyhow::Result<Vec<Got>> {
    apply(case, &[("a", Layout::Plain), ("b", Layout::Plain)], Layout::Plain, MatMul)
}

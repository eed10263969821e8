//! Batch norm.

use kernels::Tensor as Value;
use kernels::ops::norm::batch_norm::BatchNorm;

use super::layout::Layout;
use super::record::{apply_all, record_values};
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[row("batch_norm1d", batch_norm), row("batch_norm2d", batch_norm)];

fn batch_norm(case: &Case) -> anyhow::Result<Vec<Got>> {
    let has = |name: &str| case.has(&format!("in.{name}"));
    let op = BatchNorm {
        training: case.flag("training"),
        momentum: case.number_or("momentum", 0.1)? as f32,
        eps: case.number_or("eps", 1e-5)? as f32,
        affine: has("weight") || has("bias"),
        running: has("running_mean"),
        relu: false,
    };
    let channels = case.shape("x")?.get(1).copied().unwrap_or(0);
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let mut add = |name: &str, layout: Layout, value: Value| {
        names.push((name.to_owned(), layout));
        values.push(value);
    };
    add("x", Layout::ChannelsLast, case.input("x", Layout::ChannelsLast)?);
    for (name, wanted, default) in [
        ("weight", op.affine, 1.0),
        ("bias", op.affine, 0.0),
        ("running_mean", op.running, 0.0),
        ("running_var", op.running, 1.0),
    ] {
        if wanted {
            let there = has(name).then(|| case.input(name, Layout::Plain)).transpose()?;
            add(name, Layout::Plain, there.unwrap_or_else(|| Value::full([channels], default)));
        }
    }
    let outputs = [("y", Layout::ChannelsLast), ("running_mean", Layout::Plain), ("running_var", Layout::Plain)];
    let visible = if op.training && op.running { 3 } else { 1 };
    record_values(case, &names, values, &outputs[..visible], |tape, x| apply_all(tape, op, x, visible))
}

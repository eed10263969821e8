//! Metrics: no tape, no gradients.

use tasks::metrics::top1_error;

use super::layout::Layout;
use super::{Got, Row, row};

pub(super) const ROWS: &[Row] = &[row("top1_error", |c| {
    let (x, target) = (c.input("x", Layout::Plain)?, c.input("target", Layout::Plain)?);
    Ok(vec![Got::numbers("out.error", vec![top1_error(x.data(), target.ints())])])
})];

//! Arithmetic with broadcasting.

use kernels::ops::elementwise::binary::Binary;

use super::layout::Layout;
use super::record::record_values;
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[
    row("add", |c| binary(c, Binary::add())),
    row("sub", |c| binary(c, Binary::sub())),
    row("mul", |c| binary(c, Binary::mul())),
    row("div", |c| binary(c, Binary::div())),
];

/// Both channels last where both have the same three dimensions or more (a channel's numbers are then `[1, C, 1, 1]`);
/// else as they are, since dimensions are aligned at the last.
fn binary(case: &Case, op: Binary) -> anyhow::Result<Vec<Got>> {
    let ranks = [case.shape("a")?.len(), case.shape("b")?.len()];
    let layout = if ranks[0] == ranks[1] { Layout::ChannelsLast } else { Layout::Plain };
    let names = ["a", "b"].map(|n| (n.to_owned(), layout.clone()));
    let values = vec![case.input("a", layout.clone())?, case.input("b", layout.clone())?];
    record_values(case, &names, values, &[("y", layout)], |tape, x| Ok(vec![tape.apply(op, x)?]))
}

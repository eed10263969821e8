//! LSTMs. Weights are turned; the gates' order is the same.

use kernels::ops::lstm::{lstm::Lstm, lstm_cell::LstmCell};

use super::layout::Layout;
use super::record::{apply_all, record};
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] = &[row("lstm_cell", cell), row("lstm", series)];

/// Plain, but for the weights.
fn layout(name: &str) -> Layout {
    if name.starts_with("w_") { Layout::Weight } else { Layout::Plain }
}

fn cell(case: &Case) -> anyhow::Result<Vec<Got>> {
    let inputs = ["x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh"].map(|n| (n, layout(n)));
    let outputs = [("h", Layout::Plain), ("c", Layout::Plain)];
    record(case, &inputs, &outputs, |tape, x| apply_all(tape, LstmCell, x, 2))
}

fn series(case: &Case) -> anyhow::Result<Vec<Got>> {
    let layers = case.whole("num_layers")?;
    let mut names = vec!["x".to_owned(), "h0".to_owned(), "c0".to_owned()];
    for l in 0..layers {
        names.extend(["w_ih", "w_hh", "b_ih", "b_hh"].map(|n| format!("{n}_l{l}")));
    }
    let inputs: Vec<(&str, Layout)> = names.iter().map(|n| (n.as_str(), layout(n))).collect();
    let outputs = [("y", Layout::Plain), ("h", Layout::Plain), ("c", Layout::Plain)];
    record(case, &inputs, &outputs, |tape, x| apply_all(tape, Lstm { layers }, x, 3))
}

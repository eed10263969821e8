//! An architecture as text.

use super::stages::{size, stages};
use crate::amber::space::OPERATIONS;
use crate::arch::outline::{Network, Outline};
use crate::autodl::DeepLabSpec;
use crate::autodl::space::LOW_LEVEL;
use crate::densenas::network::Blocks;
use crate::gaea::space::{Choice, INPUTS};
use std::fmt::Write;
use tasks::Kind;

/// `1234567` as `1,234,567`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A large number in three or four digits.
pub(super) fn rounded(n: u64) -> String {
    match n {
        0..10_000 => grouped(n),
        10_000..1_000_000 => format!("{:.1} k", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", n as f64 / 1e6),
        _ => format!("{:.2} G", n as f64 / 1e9),
    }
}

/// What it is, its cells or blocks, and a line a stage.
pub fn text(outline: &Outline) -> String {
    let mut out = format!(
        "{} on {} ({}): {} to {}\nrule: {}\n",
        outline.method,
        outline.task,
        kind(outline.form.kind),
        size(&outline.form.input),
        outline.form.outputs,
        outline.rule
    );
    let (parameters, multiply_adds) = (grouped(outline.parameters), grouped(outline.multiply_adds));
    let _ = writeln!(out, "recorded: {parameters} parameters, {multiply_adds} multiply-adds");
    out.push('\n');
    match &outline.network {
        Network::Wrn { depth, widen, corner } => {
            let _ = write!(out, "family wrn: WRN-{depth}-{widen}");
            if let Some(n) = corner {
                let _ = write!(out, "; the head averages the first {n} rows and columns alone");
            }
            out.push('\n');
        }
        Network::Resnet1d { width } => {
            let _ = writeln!(out, "family resnet1d: three stages of kernels 8, 5, 3, the first {width} wide");
        }
        Network::Cells { channels, layers, genotype, momentum, eps, auxiliary } => {
            let aux = if *auxiliary { "; an auxiliary head in training" } else { "" };
            let _ = writeln!(
                out,
                "family cells: {layers} cells of {channels} channels; batch norm momentum {momentum}, eps {eps:e}{aux}"
            );
            cell(&mut out, "normal cell", &genotype.normal);
            if let Some(reduce) = &genotype.reduce {
                cell(&mut out, "reduction cell (stride 2 on cell k-2 and cell k-1)", reduce);
            }
        }
        Network::Fno(f) => {
            let _ = writeln!(
                out,
                "family fno: {} layers of {} channels, spectral convolution of {} x {} frequencies + convolution of 1, on the \
                 input with {} rows and columns of zeros behind it",
                f.layers,
                f.width,
                2 * f.modes,
                f.modes,
                f.padding
            );
        }
        Network::DeepLab(net) => {
            let levels: Vec<String> = net.architecture.path.iter().map(usize::to_string).collect();
            let DeepLabSpec { filters, stem, head, low_level, dropout: [first, second], .. } = net;
            let _ = writeln!(
                out,
                "family deeplab: {filters} filters, levels {}; stems of {stem}, head of {head}, {low_level} from cell \
                 {LOW_LEVEL}, dropout {first} and {second}",
                levels.join(" ")
            );
            cell(&mut out, "cell", &net.architecture.cell);
        }
        Network::Constant => out.push_str("family constant: the same answer for every input\n"),
        Network::Linear if outline.dense() => {
            out.push_str("family linear: batch norm and a linear layer of each pixel's channels\n")
        }
        Network::Linear => out.push_str("family linear: batch norm and a linear layer of the whole input\n"),
        Network::Branches(net) => {
            let (momentum, eps, layers) = (net.momentum, net.eps, net.sequence.layers());
            let _ = writeln!(
                out,
                "family branches: {layers} layers, then {} units; batch norm momentum {momentum}, eps {eps:e}",
                net.dense
            );
            for (i, (&o, row)) in net.sequence.operations.iter().zip(&net.sequence.skips).enumerate() {
                let before = if i == 0 { "stem".to_owned() } else { (i - 1).to_string() };
                let added: String = (0..i).filter(|&j| row[j]).map(|j| format!(" + {j}")).collect();
                let _ = writeln!(out, "  {i} = {}({before}){added}", OPERATIONS[o]);
            }
        }
        Network::Blocks(Blocks { stem, blocks }) => {
            let path: Vec<String> = blocks.iter().map(|b| b.outputs.to_string()).collect();
            let _ = writeln!(out, "family blocks: {stem} -> {}", path.join(" -> "));
        }
    }
    out.push('\n');
    let (stages, head) = stages(outline);
    let rows: Vec<[String; 4]> = std::iter::once(["stage", "layers", "channels", "size"].map(str::to_owned))
        .chain(stages.iter().map(|s| [s.name.clone(), s.layers.to_string(), s.width(), size(&s.size)]))
        .collect();
    let wide = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(wide);
    for [name, layers, channels, size] in &rows {
        let [a, b, c, d] = widths;
        let _ = writeln!(out, "  {name:a$}  {layers:>b$}  {channels:>c$}  {size:>d$}");
    }
    let _ = writeln!(out, "  {head}");
    out
}

/// A line a node.
fn cell(out: &mut String, name: &str, cell: &[[Choice; 2]]) {
    let state = |from: usize| match from {
        0 => "cell k-2".to_owned(),
        1 => "cell k-1".to_owned(),
        n => n.to_string(),
    };
    let _ = writeln!(out, "{name}");
    for (i, node) in cell.iter().enumerate() {
        let sum: Vec<String> = node.iter().map(|c| format!("{}({})", c.operation, state(c.source))).collect();
        let _ = writeln!(out, "  {} = {}", INPUTS + i, sum.join(" + "));
    }
    let nodes: Vec<String> = (INPUTS..INPUTS + cell.len()).map(|n| n.to_string()).collect();
    let _ = writeln!(out, "  output = {} joined", nodes.join(", "));
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Point2d => "an answer an image",
        Kind::Dense2d => "an answer a pixel",
        Kind::Series => "an answer a series",
    }
}

//! An architecture as text, and as a picture that is one SVG file: light or dark as the reader's screen is.

mod blocks;
mod cells;
mod layered;
mod panel;
mod residual;
mod stages;
mod svg;
mod text;
mod towers;

use super::outline::{Network, Outline};
use crate::gaea::space::Operation;
use panel::Panel;
use svg::{Anchor, Canvas, wrapped};
use tasks::Kind;
pub use text::text;
use towers::Row;

/// Around everything.
const MARGIN: f64 = 28.0;

/// The picture.
pub fn svg(outline: &Outline) -> String {
    let mut canvas = Canvas::default();
    let (stages, head) = stages::stages(outline);
    let row = Row::new(&stages, &head);
    let mut panels = match &outline.network {
        Network::Cells { genotype, .. } => cells::panels(genotype, outline.form.kind),
        _ => Vec::new(),
    };
    panels.extend(residual::panel(outline));
    let grid = blocks::GridPanel::new(outline);
    let inner =
        panels.iter().map(Panel::width).chain(grid.iter().map(|g| g.width())).fold(row.width(), f64::max).max(420.0);
    let title = format!("{} on {}", outline.method, outline.task);
    let mut y = MARGIN + 16.0;
    canvas.text("title", Anchor::Start, (MARGIN, y), &title);
    for line in wrapped(&facts(outline), 12.0, inner) {
        y += 20.0;
        canvas.text("", Anchor::Start, (MARGIN, y), line);
    }
    for line in wrapped(&outline.rule, 11.0, inner) {
        y += 17.0;
        canvas.text("small", Anchor::Start, (MARGIN, y), line);
    }
    y += 14.0;
    if let Some(grid) = &grid {
        y += 8.0;
        grid.draw(&mut canvas, (MARGIN, y), inner);
        y += blocks::HEIGHT + 8.0;
    }
    row.draw(&mut canvas, (MARGIN + (inner - row.width()) / 2.0, y));
    y += towers::ROW;
    for panel in &panels {
        y += 18.0;
        panel.draw(&mut canvas, (MARGIN, y), inner);
        y += panel.height();
    }
    canvas.finish((inner + 2.0 * MARGIN, y + MARGIN), &title)
}

/// Input, outputs, counts.
fn facts(outline: &Outline) -> String {
    let mut facts = format!("{} → {}", stages::size(&outline.form.input), outline.form.outputs);
    if outline.dense() {
        facts.push_str(" a place");
    }
    let (parameters, multiply_adds) = (text::grouped(outline.parameters), text::rounded(outline.multiply_adds));
    facts.push_str(&format!("  ·  {parameters} parameters  ·  {multiply_adds} multiply-adds"));
    facts
}

/// An operation for people.
fn words(operation: Operation, kind: Kind) -> String {
    let k = |n: usize| if kind == Kind::Series { n.to_string() } else { format!("{n}×{n}") };
    match operation {
        Operation::MaxPool3 => format!("max pool {}", k(3)),
        Operation::AvgPool3 => format!("mean pool {}", k(3)),
        Operation::None => "none".to_owned(),
        Operation::Skip => "skip".to_owned(),
        Operation::SepConv3 => format!("sep conv {}", k(3)),
        Operation::SepConv5 => format!("sep conv {}", k(5)),
        Operation::DilConv3 => format!("dil conv {}", k(3)),
        Operation::DilConv5 => format!("dil conv {}", k(5)),
    }
}

/// The class of an operation's boxes.
fn class(operation: Operation) -> &'static str {
    match operation {
        Operation::MaxPool3 => "max",
        Operation::AvgPool3 => "avg",
        Operation::None => "other",
        Operation::Skip => "skip",
        Operation::SepConv3 | Operation::SepConv5 => "sep",
        Operation::DilConv3 | Operation::DilConv5 => "dil",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::outline::tests::{arch, darts_v2};

    #[test]
    #[ignore = "writes pictures to look at"]
    fn pictures() {
        use serde_json::json;
        let to = std::env::var("PICTURES").unwrap();
        let b = |inputs: usize, outputs: usize, stride: usize, stacked: usize| json!({"inputs": inputs, "outputs": outputs, "stride": stride, "stacked": stacked});
        let mut dense = darts_v2();
        dense["genotype"]["reduce"] = serde_json::Value::Null;
        let all = [
            ("cells", arch("point2d", darts_v2())),
            ("cells_dense", arch("dense2d", dense)),
            ("wrn", arch("point2d", json!({"family": "wrn", "depth": 16, "widen": 4, "pooling": "whole"}))),
            ("resnet1d", arch("series", json!({"family": "resnet1d", "width": 64}))),
            (
                "blocks",
                arch(
                    "point2d",
                    json!({"family": "blocks", "stem": 32, "blocks": [b(32, 64, 1, 0), b(64, 112, 2, 0), b(112, 176, 2, 8), b(176, 224, 1, 2)]}),
                ),
            ),
        ];
        for (name, a) in all {
            let outline = Outline::read(&a).unwrap();
            std::fs::write(format!("{to}/{name}.svg"), svg(&outline)).unwrap();
            std::fs::write(format!("{to}/{name}.txt"), text(&outline)).unwrap();
        }
    }
}

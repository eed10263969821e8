//! An architecture as text, and as a picture that is one SVG file: light or dark as the reader's screen is.

mod blocks;
mod branches;
mod cells;
mod lattice;
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
        Network::DeepLab(net) => {
            vec![cells::panel("Cell", "of every layer", &net.architecture.cell, false, outline.form.kind)]
        }
        _ => Vec::new(),
    };
    panels.extend(residual::panel(outline));
    let grid = blocks::GridPanel::new(outline);
    let layers = branches::LayersPanel::new(outline);
    let lattice = lattice::LatticePanel::new(outline);
    let above = grid.iter().map(|g| g.width()).chain(lattice.iter().map(|l| l.width()));
    let above = above.chain(layers.iter().map(|l| l.width()));
    let inner = panels.iter().map(Panel::width).chain(above).fold(row.width(), f64::max).max(420.0);
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
    if let Some(layers) = &layers {
        y += 8.0;
        layers.draw(&mut canvas, (MARGIN, y), inner);
        y += layers.height() + 8.0;
    }
    if let Some(lattice) = &lattice {
        y += 8.0;
        lattice.draw(&mut canvas, (MARGIN, y), inner);
        y += lattice::HEIGHT + 8.0;
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
    use serde_json::json;

    #[test]
    fn a_picture_has_every_operation_and_both_themes() {
        let outline = Outline::read(&arch("point2d", darts_v2())).unwrap();
        let picture = svg(&outline);
        for word in ["sep conv 3×3", "dil conv 3×3", "max pool 3×3 /2", "Reduction cell", "prefers-color-scheme: dark"]
        {
            assert!(picture.contains(word), "{word}");
        }
        assert_eq!(picture.matches(">sep conv 3×3<").count(), 5);
        assert!(!picture.contains("NaN") && !picture.contains("href"));
        assert!(text(&outline).contains("5 = skip_connect(cell k-2) + dil_conv_3x3(2)"));
    }

    #[test]
    fn layers_and_what_they_add_are_drawn() {
        let network = json!({"family": "branches", "stages": [1, 2], "widths": [4, 8], "dense": 10, "momentum": 0.01,
            "eps": 1e-3, "operations": ["conv_8", "dil_conv_4", "identity"], "skips": [[], [0], [0, 1]]});
        let outline = Outline::read(&arch("series", network)).unwrap();
        let picture = svg(&outline);
        for word in [">conv 8<", ">dil conv 4<", ">identity<", ">8 × 250<", "linear 10, ReLU, linear 4"] {
            assert!(picture.contains(word), "{word}");
        }
        assert!(text(&outline).contains("  2 = identity(1) + 0 + 1\n"), "{}", text(&outline));
    }

    #[test]
    fn a_path_is_drawn_through_the_grid_that_it_is_of() {
        let block =
            |inputs: usize, outputs: usize| json!({"inputs": inputs, "outputs": outputs, "stride": 2, "stacked": 0});
        let drawn = |width: usize| {
            let blocks = json!([block(32, width), block(width, 112)]);
            svg(&Outline::read(&arch("series", json!({"family": "blocks", "stem": 32, "blocks": blocks}))).unwrap())
        };
        assert!(drawn(56).contains(">Path<") && drawn(56).contains(">48<"));
        assert!(!drawn(57).contains(">Path<"), "57 is no width of the space");
    }
}

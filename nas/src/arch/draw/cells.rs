//! A cell as a graph: two inputs, four nodes, what each reads and by which operation, and the output.

use super::layered::{Edge, Gaps, Layout, layout};
use super::svg::{Anchor, Canvas};
use super::{class, words};
use crate::arch::outline::{Cell, Genotype, Kind, Operation};

const GAPS: Gaps = Gaps { columns: 46.0, boxes: 16.0, ports: 9.0 };
const NODE: (f64, f64) = (32.0, 32.0);
const INPUT: (f64, f64) = (74.0, 36.0);
const LABEL_HEIGHT: f64 = 24.0;
/// Above the graph, for the heading.
const HEADING: f64 = 34.0;

/// One cell, laid out.
pub struct Panel {
    heading: &'static str,
    remark: &'static str,
    operations: Vec<(Operation, String)>,
    layout: Layout,
}

/// The genotype's cells.
pub fn panels(genotype: &Genotype, kind: Kind) -> Vec<Panel> {
    let mut all = vec![Panel::new("Normal cell", "", &genotype.normal, false, kind)];
    if let Some(reduce) = &genotype.reduce {
        all.push(Panel::new("Reduction cell", "/2: stride 2", reduce, true, kind));
    }
    all
}

impl Panel {
    fn new(heading: &'static str, remark: &'static str, cell: &Cell, halves: bool, kind: Kind) -> Self {
        let (mut edges, mut operations) = (Vec::new(), Vec::new());
        for (i, node) in cell.iter().enumerate() {
            for &(operation, from) in node {
                let mut text = words(operation, kind);
                if halves && from < 2 {
                    text.push_str(" /2");
                }
                // One width for all operations but the short one, so that columns look like columns.
                let wide = if operation == Operation::Skip { 54.0 } else { 98.0 };
                edges.push(Edge {
                    from,
                    to: 2 + i,
                    label: Some((wide + if halves { 14.0 } else { 0.0 }, LABEL_HEIGHT)),
                });
                operations.push((operation, text));
            }
        }
        edges.extend((2..6).map(|from| Edge { from, to: 6, label: None }));
        let output = (30.0, 4.0 * 22.0);
        let nodes = [INPUT, INPUT, NODE, NODE, NODE, NODE, output];
        Self { heading, remark, operations, layout: layout(&nodes, &edges, GAPS) }
    }

    /// Its width.
    pub fn width(&self) -> f64 {
        self.layout.size.0
    }

    /// Its height with the heading.
    pub fn height(&self) -> f64 {
        self.layout.size.1 + HEADING
    }

    /// Draws it in the middle of the room.
    pub fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), room: f64) {
        canvas.text("label", Anchor::Start, (left, top + 12.0), self.heading);
        canvas.text("small", Anchor::Start, (left + 8.0 * self.heading.len() as f64 + 10.0, top + 12.0), self.remark);
        let by = (left + (room - self.layout.size.0) / 2.0, top + HEADING);
        for (i, edge) in self.layout.edges.iter().enumerate() {
            let class = self.operations.get(i).map_or("edge", |o| class(o.0));
            for (j, stretch) in edge.iter().enumerate() {
                canvas.stretch(class, stretch, by, j + 1 == edge.len());
            }
        }
        for (label, (operation, text)) in self.layout.labels.iter().flatten().zip(&self.operations) {
            let (x, y) = (label.x + by.0, label.y + by.1);
            canvas.rect(class(*operation), (x, y), (label.w, label.h), label.h / 2.0);
            canvas.text(class(*operation), Anchor::Middle, (x + label.w / 2.0, y + label.h / 2.0 + 4.0), text);
        }
        for (i, node) in self.layout.nodes.iter().enumerate() {
            let (x, y) = (node.x + by.0, node.y + by.1);
            let middle = (x + node.w / 2.0, y + node.h / 2.0);
            let round = if (2..6).contains(&i) { node.h / 2.0 } else { 8.0 };
            canvas.rect(if i < 2 || i == 6 { "plain" } else { "node" }, (x, y), (node.w, node.h), round);
            match i {
                0 => canvas.text("plain", Anchor::Middle, (middle.0, middle.1 + 4.0), "cell k − 2"),
                1 => canvas.text("plain", Anchor::Middle, (middle.0, middle.1 + 4.0), "cell k − 1"),
                6 => canvas.upright("plain", middle, "join"),
                _ => canvas.text("node", Anchor::Middle, (middle.0, middle.1 + 4.5), i),
            }
        }
    }
}

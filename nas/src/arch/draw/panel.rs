//! A graph under a heading: boxes with words, edges whose labels are boxes too.

use super::layered::{Edge, Gaps, Layout, layout};
use super::svg::{Anchor, Canvas, width};

const GAPS: Gaps = Gaps { columns: 46.0, boxes: 16.0, ports: 9.0 };
/// Above the graph, for the heading.
const HEADING: f64 = 34.0;
const LABEL_HEIGHT: f64 = 24.0;

/// A node.
pub struct Node {
    /// Class of its box.
    pub class: &'static str,
    /// What it says.
    pub text: String,
    /// Its size.
    pub size: (f64, f64),
}

impl Node {
    /// A box as wide as its text.
    pub fn new(class: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        let wide = (width(&text, 12.0) + 18.0).max(32.0);
        Self { class, text, size: (wide, if wide > 32.0 { 36.0 } else { 32.0 }) }
    }

    /// A high box with text upwards.
    pub fn upright(class: &'static str, text: &str) -> Self {
        Self { class, text: text.to_owned(), size: (30.0, 96.0) }
    }
}

/// An edge.
pub struct Link {
    /// Number of the node it leaves.
    pub from: usize,
    /// Number of the node it enters.
    pub to: usize,
    /// Class of the line and the label's box.
    pub class: &'static str,
    /// The label.
    pub text: Option<String>,
}

/// A graph, laid out.
pub struct Panel {
    heading: &'static str,
    remark: &'static str,
    nodes: Vec<Node>,
    links: Vec<Link>,
    layout: Layout,
}

impl Panel {
    /// Lays it out; links lead to later nodes.
    pub fn new(heading: &'static str, remark: &'static str, nodes: Vec<Node>, links: Vec<Link>) -> Self {
        let wide = |text: &str| width(text, 12.0) + 24.0;
        // Labels are of two widths, short and long, so that columns look like columns.
        let long = links.iter().filter_map(|l| l.text.as_deref()).map(wide).fold(0.0, f64::max);
        let short =
            links.iter().filter_map(|l| l.text.as_deref()).map(wide).filter(|w| *w < 0.7 * long).fold(0.0, f64::max);
        let edge = |l: &Link| Edge {
            from: l.from,
            to: l.to,
            label: l.text.as_deref().map(|t| (if wide(t) < 0.7 * long { short } else { long }, LABEL_HEIGHT)),
        };
        let sizes: Vec<(f64, f64)> = nodes.iter().map(|n| n.size).collect();
        let edges: Vec<Edge> = links.iter().map(edge).collect();
        let layout = layout(&sizes, &edges, GAPS);
        Self { heading, remark, nodes, links, layout }
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
        canvas.text("small", Anchor::Start, (left + width(self.heading, 13.0) + 14.0, top + 12.0), self.remark);
        let by = (left + (room - self.layout.size.0) / 2.0, top + HEADING);
        for (link, edge) in self.links.iter().zip(&self.layout.edges) {
            for (i, stretch) in edge.iter().enumerate() {
                canvas.stretch(link.class, stretch, by, i + 1 == edge.len());
            }
        }
        for (link, label) in self.links.iter().zip(&self.layout.labels) {
            let (Some(label), Some(text)) = (label, &link.text) else { continue };
            let (x, y) = (label.x + by.0, label.y + by.1);
            canvas.rect(link.class, (x, y), (label.w, label.h), label.h / 2.0);
            canvas.text(link.class, Anchor::Middle, (x + label.w / 2.0, y + label.h / 2.0 + 4.0), text);
        }
        for (node, rect) in self.nodes.iter().zip(&self.layout.nodes) {
            let (x, y) = (rect.x + by.0, rect.y + by.1);
            let (middle, high) = ((x + rect.w / 2.0, y + rect.h / 2.0), rect.h > rect.w);
            canvas.rect(node.class, (x, y), (rect.w, rect.h), 9.0);
            if high {
                canvas.upright(node.class, middle, &node.text);
            } else {
                canvas.text(node.class, Anchor::Middle, (middle.0, middle.1 + 4.3), &node.text);
            }
        }
    }
}

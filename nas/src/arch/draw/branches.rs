//! The layers of an architecture of branches in a row, each with its operation, and the earlier layers that it adds as arcs above.

use super::stages::size;
use super::svg::{Anchor, Canvas};
use crate::amber::space::OPERATIONS;
use crate::amber::stages::REDUCTION;
use crate::arch::outline::{Network, Outline};

const COLUMN: f64 = 30.0;
const GAP: f64 = 24.0;
/// Between stages.
const BREAK: f64 = 46.0;
const TALL: f64 = 104.0;
const HEADING: f64 = 30.0;
/// How much higher an arc is for each layer that it passes.
const RISE: f64 = 11.0;

/// The row.
pub struct LayersPanel {
    /// Of each layer: its operation and its stage.
    layers: Vec<(usize, usize)>,
    /// From layer to layer.
    arcs: Vec<(usize, usize)>,
    /// Width and length of each stage.
    stages: Vec<String>,
}

impl LayersPanel {
    /// The row of an architecture of this family.
    pub fn new(outline: &Outline) -> Option<Self> {
        let Network::Branches(net) = &outline.network else { return None };
        let (stages, sequence) = (&net.stages, &net.sequence);
        let layers = sequence.operations.iter().enumerate().map(|(i, &o)| (o, stages.of(i))).collect();
        let added = |(to, row): (usize, &Vec<bool>)| {
            row.iter().enumerate().filter(|(_, s)| **s).map(move |(from, _)| (from, to)).collect::<Vec<_>>()
        };
        let arcs = sequence.skips.iter().enumerate().flat_map(added).collect();
        let mut places = outline.places().to_vec();
        let mut texts = Vec::new();
        for (s, width) in stages.widths.iter().enumerate() {
            if s > 0 {
                places.iter_mut().for_each(|n| *n = n.div_ceil(REDUCTION));
            }
            texts.push(format!("{width} × {}", size(&places)));
        }
        Some(Self { layers, arcs, stages: texts })
    }

    /// Left end of a layer's box.
    fn left(&self, layer: usize) -> f64 {
        layer as f64 * (COLUMN + GAP) + self.layers[layer].1 as f64 * (BREAK - GAP)
    }

    /// Height of the arcs.
    fn arch(&self) -> f64 {
        let longest = self.arcs.iter().map(|(from, to)| to - from).max().unwrap_or(0);
        if longest == 0 { 6.0 } else { 14.0 + RISE * longest as f64 }
    }

    /// Its width.
    pub fn width(&self) -> f64 {
        self.left(self.layers.len() - 1) + COLUMN
    }

    /// Its height with the heading.
    pub fn height(&self) -> f64 {
        HEADING + self.arch() + TALL + 46.0
    }

    /// Draws it in the middle of the room.
    pub fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), room: f64) {
        canvas.text("label", Anchor::Start, (left, top + 12.0), "Layers");
        let remark = "each reads the one before; arcs: the earlier layers that it adds";
        canvas.text("small", Anchor::Start, (left + 58.0, top + 12.0), remark);
        let left = left + (room - self.width()) / 2.0;
        let line = top + HEADING + self.arch();
        let middle = |i: usize| left + self.left(i) + COLUMN / 2.0;
        for &(from, to) in &self.arcs {
            // Arcs leave to the right of a box's middle and enter to the left of one.
            let (a, b) = (middle(from) + 6.0, middle(to) - 6.0);
            let high = line - 8.0 - (RISE * (to - from) as f64 + 6.0) * 4.0 / 3.0;
            canvas.path(
                "skip",
                &format!("M{a:.1} {line:.1} C{a:.1} {high:.1} {b:.1} {high:.1} {b:.1} {line:.1}"),
                true,
            );
        }
        for (i, &(operation, _)) in self.layers.iter().enumerate() {
            let (class, x) = (class(operation), left + self.left(i));
            canvas.rect(class, (x, line), (COLUMN, TALL), 7.0);
            canvas.upright(class, (middle(i), line + TALL / 2.0), words(operation));
            canvas.text("small", Anchor::Middle, (middle(i), line + TALL + 15.0), i);
            if i > 0 {
                let y = line + TALL / 2.0;
                canvas.line("edge", (left + self.left(i - 1) + COLUMN + 3.0, y), (x - 3.0, y), true);
            }
        }
        for (s, text) in self.stages.iter().enumerate() {
            let inside: Vec<usize> = (0..self.layers.len()).filter(|&i| self.layers[i].1 == s).collect();
            let (Some(&first), Some(&last)) = (inside.first(), inside.last()) else { continue };
            canvas.text("", Anchor::Middle, ((middle(first) + middle(last)) / 2.0, line + TALL + 34.0), text);
        }
    }
}

/// An operation for people.
fn words(operation: usize) -> &'static str {
    ["conv 8", "conv 4", "dil conv 8", "dil conv 4", "max pool 4", "mean pool 4", "identity"][operation]
}

/// The class of an operation's box.
fn class(operation: usize) -> &'static str {
    ["sep", "sep", "dil", "dil", "max", "avg", "other"][operation]
}

const _: () = assert!(OPERATIONS.len() == 7);

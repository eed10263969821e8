//! The path of blocks through the grid of its space: a column for every width that the space offers, as high as its map,
//! the chosen ones filled and joined.

use super::stages::size;
use super::svg::{Anchor, Canvas};
use super::towers::TALL;
use crate::arch::outline::{Network, Outline};
use crate::densenas::network::Block;
use crate::densenas::space::{Grid, Node};

const COLUMN: f64 = 38.0;
const GAP: f64 = 9.0;
/// Between stages.
const BREAK: f64 = 30.0;
const HEADING: f64 = 48.0;
const LINE: f64 = 22.0;
/// Height of it all.
pub const HEIGHT: f64 = HEADING + TALL + LINE + 62.0;

/// A grid with the path that was chosen.
pub struct GridPanel {
    nodes: Vec<Node>,
    /// Map of each stage.
    sizes: Vec<Vec<usize>>,
    /// Nodes on the path, the stem first, with the stacked layers of each.
    path: Vec<(usize, usize)>,
}

impl GridPanel {
    /// The grid of the task, if the path is one of it: widths may be scaled.
    pub fn new(outline: &Outline) -> Option<Self> {
        let Network::Blocks(net) = &outline.network else { return None };
        let facts = tasks::by_name(&outline.task).ok()?.facts();
        let full = Grid::of(facts, 1.0, 1.0).nodes().first()?.channels;
        let nodes = Grid::of(facts, net.stem as f64 / full as f64, 1.0).nodes().to_vec();
        let mut path = vec![(0, 0)];
        for Block { outputs, stacked, .. } in &net.blocks {
            let from = path.last()?.0 + 1;
            path.push((from + nodes.get(from..)?.iter().position(|n| n.channels == *outputs)?, *stacked));
        }
        let stages = nodes.last()?.stage + 1;
        let feature = |stage: usize| nodes.iter().find(|n| n.stage == stage).map_or(1, |n| n.feature);
        let map = |stage: usize| {
            let mut size = outline.places().to_vec();
            let mut ratio = feature(0) / feature(stage);
            while ratio > 1 {
                size.iter_mut().for_each(|n| *n = n.div_ceil(2));
                ratio /= 2;
            }
            size
        };
        Some(Self { sizes: (0..stages).map(map).collect(), nodes, path })
    }

    /// Left end of a column.
    fn left(&self, node: usize) -> f64 {
        node as f64 * (COLUMN + GAP) + self.nodes[node].stage as f64 * (BREAK - GAP)
    }

    /// Its width.
    pub fn width(&self) -> f64 {
        self.left(self.nodes.len() - 1) + COLUMN + BREAK + COLUMN
    }

    /// Draws it in the middle of the room.
    pub fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), room: f64) {
        canvas.text("label", Anchor::Start, (left, top + 12.0), "Path");
        let remark = "through the widths that the space offers; in a column: the layers of its block";
        canvas.text("small", Anchor::Start, (left + 46.0, top + 12.0), remark);
        let left = left + (room - self.width()) / 2.0;
        let (base, line) = (top + HEADING + TALL, top + HEADING + TALL + LINE);
        let largest = self.sizes.iter().map(|s| s[0]).max().unwrap_or(1) as f64;
        let middle = |node: usize| left + self.left(node) + COLUMN / 2.0;
        for (i, node) in self.nodes.iter().enumerate() {
            let tall = (TALL * self.sizes[node.stage][0] as f64 / largest).max(22.0);
            let chosen = self.path.iter().find(|p| p.0 == i);
            let class = match chosen {
                Some(_) if i == 0 => "plain",
                Some(_) => "sep",
                None => "other dashed",
            };
            canvas.rect(class, (middle(i) - COLUMN / 2.0, base - tall), (COLUMN, tall), 5.0);
            canvas.text(
                if chosen.is_some() { "label" } else { "other" },
                Anchor::Middle,
                (middle(i), base - tall - 7.0),
                node.channels,
            );
            match chosen {
                Some((0, _)) => canvas.text("plain", Anchor::Middle, (middle(i), base - tall / 2.0 + 4.0), "stem"),
                Some((_, stacked)) => {
                    let text = if *stacked > 0 { format!("1+{stacked}") } else { "1".to_owned() };
                    canvas.text("sep", Anchor::Middle, (middle(i), base - tall / 2.0 + 4.0), text);
                }
                None => canvas.dot("other", (middle(i), line), 2.5),
            }
        }
        let end = left + self.width() - COLUMN / 2.0;
        let stops: Vec<f64> = self.path.iter().map(|p| middle(p.0)).chain([end]).collect();
        for pair in stops.windows(2) {
            let dip = if pair[1] - pair[0] > COLUMN + BREAK + 1.0 { 14.0 } else { 0.0 };
            canvas.sag("sep thick", (pair[0], line), (pair[1], line), dip);
        }
        for (i, x) in stops.iter().enumerate() {
            canvas.dot(if i == 0 || i + 1 == stops.len() { "plain" } else { "sep" }, (*x, line), 5.5);
        }
        canvas.text("plain", Anchor::Middle, (end, line - 14.0), "head");
        for (stage, map) in self.sizes.iter().enumerate() {
            let inside: Vec<usize> = (0..self.nodes.len()).filter(|&i| self.nodes[i].stage == stage).collect();
            let (Some(&first), Some(&last)) = (inside.first(), inside.last()) else { continue };
            canvas.text("small", Anchor::Middle, ((middle(first) + middle(last)) / 2.0, line + 34.0), size(map));
        }
    }
}

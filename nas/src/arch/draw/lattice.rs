//! The path of layers through levels of resolution: a dot for every layer and level, the chosen ones filled and joined.

use super::stages::size;
use super::svg::{Anchor, Canvas, width};
use crate::arch::outline::{Network, Outline};
use crate::autodl::space::LEVELS;

const COLUMN: f64 = 46.0;
const LINE: f64 = 30.0;
const HEADING: f64 = 36.0;
/// Height of it all.
pub const HEIGHT: f64 = HEADING + LEVELS as f64 * LINE + 26.0;

/// A lattice with the path that was chosen.
pub struct LatticePanel {
    /// The level of each layer.
    path: Vec<usize>,
    /// What is written before each level.
    labels: Vec<String>,
}

impl LatticePanel {
    /// That of a network with a path.
    pub fn new(outline: &Outline) -> Option<Self> {
        let Network::DeepLab(net) = &outline.network else { return None };
        let label = |level: usize| {
            let map: Vec<usize> = outline.places().iter().map(|n| n.next_multiple_of(32) >> (2 + level)).collect();
            format!("/{}  {}", 4 << level, size(&map))
        };
        Some(Self { path: net.architecture.path.clone(), labels: (0..LEVELS).map(label).collect() })
    }

    fn label(&self) -> f64 {
        self.labels.iter().map(|l| width(l, 11.0)).fold(0.0, f64::max) + 18.0
    }

    /// Its width.
    pub fn width(&self) -> f64 {
        self.label() + (self.path.len() + 1) as f64 * COLUMN
    }

    /// Draws it in the middle of the room.
    pub fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), room: f64) {
        canvas.text("label", Anchor::Start, (left, top + 12.0), "Path");
        let remark = "a column a layer, the stems before the first; a row a level, with its stride and map";
        canvas.text("small", Anchor::Start, (left + 46.0, top + 12.0), remark);
        let left = left + (room - self.width()) / 2.0;
        let first = left + self.label() + COLUMN / 2.0;
        // The stems are column 0.
        let place =
            |column: usize, level: usize| (first + column as f64 * COLUMN, top + HEADING + (level as f64 + 0.5) * LINE);
        for (level, label) in self.labels.iter().enumerate() {
            canvas.text("small", Anchor::Start, (left, place(0, level).1 + 4.0), label);
            for column in 1..=self.path.len() {
                // A layer reaches one level further than the last.
                if self.path[column - 1] != level && level <= column {
                    canvas.dot("other", place(column, level), 2.5);
                }
            }
        }
        let stops: Vec<(f64, f64)> =
            std::iter::once(place(0, 0)).chain(self.path.iter().enumerate().map(|(i, &l)| place(i + 1, l))).collect();
        for pair in stops.windows(2) {
            canvas.bend("sep thick", pair[0], pair[1]);
        }
        for (i, &at) in stops.iter().enumerate() {
            canvas.dot(if i == 0 { "plain" } else { "sep" }, at, 6.0);
            let name = if i == 0 { "stems".to_owned() } else { (i - 1).to_string() };
            canvas.text("small", Anchor::Middle, (at.0, top + HEIGHT - 8.0), name);
        }
    }
}

//! A row of stages, each a tower of slabs: as high as the map, as thick as there are channels, as many as there are layers.

use super::stages::{Stage, size};
use super::svg::{Anchor, Canvas, width};

/// The highest slab.
pub const TALL: f64 = 118.0;
/// Room above for the channels, and below for the name and the size.
const ABOVE: f64 = 24.0;
const BELOW: f64 = 40.0;
/// Height of a row.
pub const ROW: f64 = ABOVE + TALL + BELOW;
/// Between slabs, and between towers at least.
const SLIT: f64 = 3.0;
const GAP: f64 = 34.0;

/// Where a row's towers stand.
pub struct Row<'a> {
    stages: &'a [Stage],
    head: &'a str,
    /// Middle and half the width of each tower's slabs.
    towers: Vec<(f64, f64)>,
    /// Left end of the head's box.
    end: f64,
}

impl<'a> Row<'a> {
    /// A row as dense as its texts allow.
    pub fn new(stages: &'a [Stage], head: &'a str) -> Self {
        let (mut towers, mut x) = (Vec::new(), 0.0);
        for s in stages {
            let half = (s.layers as f64 * (thickness(s, stages) + SLIT) - SLIT) / 2.0;
            let texts = [width(&s.width(), 13.0), width(&s.name, 12.0), width(&size(&s.size), 11.0)];
            let room = texts.into_iter().fold(2.0 * half, f64::max) / 2.0;
            towers.push((x + room, half));
            x += 2.0 * room + GAP;
        }
        Self { stages, head, towers, end: x }
    }

    /// Its width.
    pub fn width(&self) -> f64 {
        self.end + self.head_width()
    }

    fn head_width(&self) -> f64 {
        width(self.head, 12.0) + 20.0
    }

    /// Draws it with its top left corner there.
    pub fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64)) {
        let middle = top + ABOVE + TALL / 2.0;
        let largest = self.stages.iter().map(|s| s.size[0]).max().unwrap_or(1) as f64;
        for (i, (s, &(x, half))) in self.stages.iter().zip(&self.towers).enumerate() {
            let thick = thickness(s, self.stages);
            let tall = (TALL * s.size[0] as f64 / largest).max(10.0);
            let x = left + x;
            for k in 0..s.layers {
                let at = x - half + k as f64 * (thick + SLIT);
                canvas.rect(s.class, (at, middle - tall / 2.0), (thick, tall), 2.5);
            }
            canvas.text("label", Anchor::Middle, (x, middle - tall / 2.0 - 8.0), s.width());
            canvas.text("", Anchor::Middle, (x, top + ABOVE + TALL + 18.0), &s.name);
            canvas.text("small", Anchor::Middle, (x, top + ABOVE + TALL + 33.0), size(&s.size));
            let next = self.towers.get(i + 1).map_or(self.end, |t| t.0 - t.1);
            canvas.line("edge", (x + half + 5.0, middle), (left + next - 4.0, middle), true);
        }
        let box_width = self.head_width();
        canvas.rect("plain", (left + self.end, middle - 15.0), (box_width, 30.0), 7.0);
        canvas.text("plain", Anchor::Middle, (left + self.end + box_width / 2.0, middle + 4.0), self.head);
    }
}

/// Thickness of a stage's slabs: 6 to 15, by the square root of its share of the widest stage's channels.
fn thickness(s: &Stage, stages: &[Stage]) -> f64 {
    let most = stages.iter().map(|s| s.channels).max().unwrap_or(1) as f64;
    6.0 + 9.0 * (s.channels as f64 / most).sqrt()
}

//! Charts, as SVG that follows the reader's light or dark and as PNG with a font of our own.
//!
//! They take plain data. The same data give the same bytes. Every chart has a wide form, and a narrow one for phones.

mod costs;
mod curves;
mod legend;
mod png;
mod profile;
mod ranks;
pub mod scale;
pub mod style;
mod svg;
#[cfg(test)]
mod tests;

pub use costs::costs;
pub use curves::curves;
pub use profile::profile;
pub use ranks::ranks;
pub use svg::{Chart, escaped};

use svg::Canvas;

/// A line with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// As printed.
    pub name: String,
    /// Its look, a number from 0: the same for the same row in every chart.
    pub look: usize,
    /// Its points; those that are no finite numbers are left out.
    pub points: Vec<(f64, f64)>,
}

/// Lines that share two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// As printed above it.
    pub title: String,
    /// Its lines; several may have one name and look, as the seeds of a row do.
    pub series: Vec<Series>,
}

/// A row's amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// The row, as printed.
    pub name: String,
    /// Its look.
    pub look: usize,
    /// The amount; not negative.
    pub amount: f64,
    /// What stands behind the amount: `3 tasks`.
    pub note: String,
}

/// A row's rank and improvement.
#[derive(Debug, Clone, PartialEq)]
pub struct Dots {
    /// The row, as printed.
    pub name: String,
    /// Its look.
    pub look: usize,
    /// Median rank.
    pub rank: f64,
    /// Rank on each task.
    pub ranks: Vec<f64>,
    /// Median improvement in percent.
    pub improvement: Option<f64>,
    /// Improvement on each task.
    pub improvements: Vec<f64>,
}

/// For which width a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page of paper or a laptop: 760 pixels.
    Wide,
    /// A phone: 344 pixels.
    Narrow,
}

impl Form {
    /// In pixels.
    fn width(self) -> f64 {
        match self {
            Self::Wide => 760.0,
            Self::Narrow => 344.0,
        }
    }
}

/// A chart that says that there is nothing to draw.
fn empty(title: &str, why: &str, form: Form) -> Chart {
    let width = form.width();
    let mut canvas = Canvas::default();
    canvas.text("head", 12.0, 24.0, title);
    canvas.text("lesser", 12.0, 52.0, why);
    canvas.finish(width, 76.0, &format!("{title}: {why}"))
}

/// Places of labels near the places they belong to, `gap` apart and within two ends; the places ascend.
fn spread(wanted: &[f64], gap: f64, from: f64, to: f64) -> Vec<f64> {
    // Clusters that touch merge: (how many, the sum of their firsts' wanted places).
    let mut clusters: Vec<(usize, f64)> = Vec::new();
    let first = |c: &(usize, f64)| {
        let span = (c.0 - 1) as f64 * gap;
        (c.1 / c.0 as f64).min(to - span).max(from)
    };
    for y in wanted {
        let mut new = (1, *y);
        while let Some(last) = clusters.last() {
            if first(last) + last.0 as f64 * gap <= first(&new) {
                break;
            }
            // A label's place within the merged cluster is `gap` times the labels before it.
            new = (last.0 + new.0, last.1 + new.1 - (new.0 * last.0) as f64 * gap);
            clusters.pop();
        }
        clusters.push(new);
    }
    clusters.iter().flat_map(|c| (0..c.0).map(|i| first(c) + i as f64 * gap).collect::<Vec<_>>()).collect()
}

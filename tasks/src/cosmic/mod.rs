//! Cosmic rays in exposures of the Hubble Space Telescope, a yes or no a pixel.
//!
//! A tile is the centre of an exposure's stamp, 128 x 128 raw counts. The store keeps `x` f32 `[N, h, w, 1]`; `y` u8
//! `[N, h, w, 2]`: whether a cosmic ray hit the pixel, and whether the pixel counts at all (a saturated or broken one does
//! not); `sky` f32 `[N]`, the level of the exposure's sky in the same counts. Training adds a random multiple of the sky to
//! each tile (`reader`); the metric is the fraction of hit pixels that are missed (`score`). Nothing is normalised.

mod generate;
mod import;
mod optics;
mod original;
mod reader;
mod score;
mod slots;

use std::path::Path;
use std::sync::Arc;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::{Error, Progress, Quirks, Reader, Score, Split, Stored, Summary, Task, Use};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "cosmic",
    title: "Cosmic",
    input: &[128, 128, 1],
    outputs: 1,
    kind: Kind::Dense2d,
    loss: Loss::MaskedBce,
    metric: Metric { name: "FNR", direction: Direction::Lower, unit: "%", scale: 100.0 },
    sizes: Sizes { train: 4_347, val: 483, test: 420 },
    items: "tiles",
    table: Table { size: "5,250", objective: "predict where cosmic rays hit in telescope images", new_to_nas: true },
    preprocessing: 1,
};

/// Pixels a side of a tile.
const SIDE: usize = FACTS.input[0];

/// The task.
#[derive(Debug)]
pub struct Cosmic;

impl Task for Cosmic {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn reader(&self, stored: &Arc<Stored>, to: Use, quirks: &Quirks) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::Tiles::open(stored, to, quirks)?))
    }

    fn score(&self, split: &Split) -> Box<dyn Score> {
        Box::new(score::Hits::new(split.quirks()))
    }
}

#[cfg(test)]
mod tests;

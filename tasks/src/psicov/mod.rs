//! From 57 features of residue pairs to the pairs' distances.
//!
//! A record is a protein of L residues; stored are `length` i64 `[N]`, and residue after residue, pair after pair, `residue`
//! `[sum L, 27]` (three states of secondary structure, 22 columns of a profile, accessibility, entropy), `pair`
//! `[sum L L, 3]` (ccmpred, freecon, potential) and `distance` `[sum L L]` in angstroms, NaN where it is not known; in 16 bits
//! where the originals are. What a network reads is built from these (`reader`): windows of 128 x 128 pairs, each residue's
//! features once for its column and once for its row. Whole proteins are judged, put together from windows (`score`).

mod chain;
mod generate;
mod import;
mod reader;
mod score;
mod store;

use std::path::Path;
use std::sync::Arc;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::{Error, Progress, Quirks, Reader, Score, Split, Stored, Summary, Task, Use};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "psicov",
    title: "PSICOV",
    input: &[reader::SIDE, reader::SIDE, reader::CHANNELS],
    outputs: 1,
    kind: Kind::Dense2d,
    loss: Loss::Mse,
    metric: Metric { name: "MAE8", direction: Direction::Lower, unit: "Å", scale: 1.0 },
    sizes: Sizes { train: 3_356, val: 100, test: 150 },
    items: "proteins",
    table: Table {
        size: "3,606",
        objective: "predict distances between residues from pairwise features",
        new_to_nas: true,
    },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Psicov;

impl Task for Psicov {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn reader(&self, stored: &Arc<Stored>, to: Use, _: &Quirks) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::Windows::open(stored, to)?))
    }

    fn score(&self, split: &Split) -> Box<dyn Score> {
        score::of(split)
    }
}

#[cfg(test)]
mod tests;

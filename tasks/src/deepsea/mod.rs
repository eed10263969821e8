//! From 1,000 bases of DNA to 36 marks of chromatin.
//!
//! A sequence is stored as it is published: u8 `x` `[N, 1000, 4]`, one of four channels 1 at each position, none where the
//! base is unknown; u8 `y` `[N, 36]`, 1 where the mark was seen. An unknown base that is written as four quarters, as some
//! tools do, becomes zeros too (a notice counts them); whatever else is no base is refused. The channels keep the order of
//! the file, A G C T in the originals.

mod bases;
mod biology;
mod filtered;
mod generate;
mod import;
mod originals;
mod score;
mod turned;

use std::path::Path;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::{Error, Progress, Score, Split, Summary, Task};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "deepsea",
    title: "DeepSEA",
    input: &[1000, 4],
    outputs: 36,
    kind: Kind::Series,
    loss: Loss::BceWithLogits,
    metric: Metric { name: "AUROC", direction: Direction::Higher, unit: "", scale: 1.0 },
    sizes: Sizes { train: 71_753, val: 2_490, test: 149_400 },
    items: "sequences",
    table: Table {
        size: "250K",
        objective: "predict chromatin and binding states of DNA, 36 labels",
        new_to_nas: true,
    },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Deepsea;

impl Task for Deepsea {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn score(&self, _: &Split) -> Box<dyn Score> {
        Box::<score::MeanArea>::default()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_originals;

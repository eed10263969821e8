//! Land cover from a year of satellite images: one vegetation index at 46 dates, 24 classes.
//!
//! Each series is standardised by itself: minus its mean, over its standard deviation (of the population), both in f64,
//! summed in the order of time; a constant one becomes zeros. Classes 1 to 24 become 0 to 23. Validation is the last ninth
//! of the training file.

mod generate;
mod import;

use std::path::Path;

use safetensors::Dtype;

use crate::facts::{Facts, Kind, Loss, Sizes, Table, ZERO_ONE_ERROR};
use crate::standardise::standardise;
use crate::store::SplitWriter;
use crate::{Error, Progress, Summary, Task};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "satellite",
    title: "Satellite",
    input: &[46, 1],
    outputs: 24,
    kind: Kind::Series,
    loss: Loss::CrossEntropy,
    metric: ZERO_ONE_ERROR,
    sizes: Sizes { train: 800_000, val: 100_000, test: 100_000 },
    items: "series",
    table: Table {
        size: "1M",
        objective: "classify time series of satellite pixels into 24 land covers",
        new_to_nas: true,
    },
    preprocessing: 2,
};

/// The task.
#[derive(Debug)]
pub struct Satellite;

impl Task for Satellite {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }
}

/// Writes one split: all series, standardised, then all classes.
fn write_split(
    split: &mut SplitWriter,
    dates: usize,
    labels: &[i32],
    mut series: impl FnMut(usize, &mut [f64]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut raw, mut done) = (vec![0.0; dates], vec![0.0f32; dates]);
    split.tensor("x", Dtype::F32, &[dates, 1])?;
    for i in 0..labels.len() {
        series(i, &mut raw)?;
        standardise(&raw, &mut done);
        split.push(&done)?;
    }
    split.tensor("y", Dtype::I32, &[])?;
    split.push(labels)
}

#[cfg(test)]
mod tests;

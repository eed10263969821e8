//! Photographs of 32 x 32 pixels in 100 classes.
//!
//! Stored as the 8-bit pictures they are. What a network reads is each channel over 255, minus the published mean, over the
//! published deviation. Training pictures are first cut out of their surroundings of zeros (4 on each side) at random, turned
//! round every other time, and last lose a square of 16 x 16 (`reader`). Validation is the last fifth of the training file,
//! read as test is.

mod generate;
mod import;
mod reader;

use std::path::Path;
use std::sync::Arc;

pub(crate) use generate::Scene;

use crate::facts::{Facts, Kind, Loss, Sizes, Table, ZERO_ONE_ERROR};
use crate::{Error, Progress, Quirks, Reader, Stored, Summary, Task, Use};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "cifar100",
    title: "CIFAR-100",
    input: &[32, 32, 3],
    outputs: 100,
    kind: Kind::Point2d,
    loss: Loss::CrossEntropy,
    metric: ZERO_ONE_ERROR,
    sizes: Sizes { train: 40_000, val: 10_000, test: 10_000 },
    items: "images",
    table: Table { size: "60K", objective: "classify natural images into 100 classes", new_to_nas: false },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Cifar100;

impl Task for Cifar100 {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn reader(&self, stored: &Arc<Stored>, _: Use, _: &Quirks) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::Pictures::open(stored)?))
    }
}

#[cfg(test)]
mod tests;

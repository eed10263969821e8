//! The pictures of CIFAR-100 projected on a sphere that is turned at random: 60 x 60 points, 100 classes.
//!
//! Stored as the 8-bit pictures they are. What a network reads is each channel minus its mean, over its deviation, both over
//! the pictures that are fitted ([`transform`]). Nothing is augmented; validation is the last fifth of the training pictures.
//! [`project`] is the projection itself.

mod generate;
mod import;
pub mod project;
pub mod transform;

use std::path::Path;

use crate::facts::{Facts, Kind, Loss, Sizes, Table, ZERO_ONE_ERROR};
use crate::{Error, Progress, Split, Summary, Task, Transform};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "spherical",
    title: "Spherical",
    input: &[60, 60, 3],
    outputs: 100,
    kind: Kind::Point2d,
    loss: Loss::CrossEntropy,
    metric: ZERO_ONE_ERROR,
    sizes: Sizes { train: 40_000, val: 10_000, test: 10_000 },
    items: "images",
    table: Table { size: "60K", objective: "classify spherically projected images into 100 classes", new_to_nas: true },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Spherical;

impl Task for Spherical {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn transform(&self, fit: &Split, items: &[u32]) -> Option<Box<dyn Transform>> {
        Some(Box::new(transform::Channels::fit(fit, items)))
    }
}

#[cfg(test)]
mod tests;

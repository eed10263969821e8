//! CIFAR-100 projected onto a rotated hemisphere.

use crate::Task;
use crate::facts::{Facts, Kind, Loss, Sizes, ZERO_ONE_ERROR};

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
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Spherical;

impl Task for Spherical {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

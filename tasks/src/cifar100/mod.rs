//! Photographs in 100 classes.

use crate::Task;
use crate::facts::{Facts, Kind, Loss, Sizes, ZERO_ONE_ERROR};

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
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Cifar100;

impl Task for Cifar100 {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

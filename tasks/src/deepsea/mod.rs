//! From 1,000 bases of DNA to 36 marks of chromatin.

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

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
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Deepsea;

impl Task for Deepsea {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

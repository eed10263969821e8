//! Sounds with any of 200 labels, as log-mel spectrograms: bands by frames.

pub mod mel;

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "fsd50k",
    title: "FSD50K",
    input: &[96, 101, 1],
    outputs: 200,
    kind: Kind::Point2d,
    loss: Loss::BceWithLogits,
    metric: Metric { name: "mAP", direction: Direction::Higher, unit: "", scale: 1.0 },
    sizes: Sizes { train: 36_796, val: 4_170, test: 10_231 },
    items: "clips",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Fsd50k;

impl Task for Fsd50k {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

//! Heart rhythm from one lead, in windows of 1,000 samples.

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "ecg",
    title: "ECG",
    input: &[1000, 1],
    outputs: 4,
    kind: Kind::Series,
    loss: Loss::CrossEntropy,
    metric: Metric { name: "F1", direction: Direction::Higher, unit: "", scale: 1.0 },
    sizes: Sizes { train: 6_822, val: 853, test: 853 },
    items: "records",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Ecg;

impl Task for Ecg {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

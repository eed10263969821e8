//! Hand gestures from two armbands of eight electrodes: electrodes by time.

use crate::Task;
use crate::facts::{Facts, Kind, Loss, Sizes, ZERO_ONE_ERROR};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "ninapro",
    title: "NinaPro",
    input: &[16, 52, 1],
    outputs: 18,
    kind: Kind::Point2d,
    loss: Loss::CrossEntropy,
    metric: ZERO_ONE_ERROR,
    sizes: Sizes { train: 2_638, val: 659, test: 659 },
    items: "windows",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Ninapro;

impl Task for Ninapro {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

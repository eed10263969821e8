//! Cosmic rays in exposures of the Hubble Space Telescope, a yes or no a pixel.

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "cosmic",
    title: "Cosmic",
    input: &[128, 128, 1],
    outputs: 1,
    kind: Kind::Dense2d,
    loss: Loss::MaskedBce,
    metric: Metric { name: "FNR", direction: Direction::Lower, unit: "%", scale: 100.0 },
    sizes: Sizes { train: 4_347, val: 483, test: 420 },
    items: "tiles",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Cosmic;

impl Task for Cosmic {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

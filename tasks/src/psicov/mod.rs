//! From 57 features of residue pairs to the pairs' distances.

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "psicov",
    title: "PSICOV",
    input: &[128, 128, 57],
    outputs: 1,
    kind: Kind::Dense2d,
    loss: Loss::Mse,
    metric: Metric { name: "MAE8", direction: Direction::Lower, unit: "Å", scale: 1.0 },
    sizes: Sizes { train: 3_356, val: 100, test: 150 },
    items: "proteins",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Psicov;

impl Task for Psicov {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

//! From the diffusion coefficient (and two coordinates) to the pressure of Darcy's equation.

use crate::Task;
use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "darcy",
    title: "Darcy Flow",
    input: &[85, 85, 3],
    outputs: 1,
    kind: Kind::Dense2d,
    loss: Loss::RelativeL2Sum,
    metric: Metric { name: "relative L2", direction: Direction::Lower, unit: "", scale: 1.0 },
    sizes: Sizes { train: 900, val: 100, test: 100 },
    items: "fields",
    preprocessing: 1,
};

/// The task; importing and generating are not built yet.
#[derive(Debug)]
pub struct Darcy;

impl Task for Darcy {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
}

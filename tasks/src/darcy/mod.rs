//! From the diffusion coefficient (and two coordinates) to the pressure of Darcy's equation.
//!
//! Inputs are the raw coefficient and targets the raw pressure, `[N, s, s, 1]` each; [`normaliser`] makes of them what a
//! network sees. Data are read from the published files (`import`) or made here by the published process: a random
//! coefficient (`field`), the equation solved for it (`equation`, `fourier`), field by field (`generate`).

mod equation;
mod field;
mod fourier;
mod generate;
mod import;
pub mod normaliser;

use std::path::Path;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::{Error, Progress, Score, Split, Summary, Task, Transform};

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
    table: Table { size: "1,100", objective: "predict the pressure of a flow from the permeability", new_to_nas: true },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Darcy;

impl Task for Darcy {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(generate::Mesh::PUBLISHED, sizes, seed, data_dir, progress)
    }

    fn transform(&self, fit: &Split, items: &[u32]) -> Option<Box<dyn Transform>> {
        Some(Box::new(normaliser::Normalisers::fit(fit, items)))
    }

    fn score(&self, _: &Split) -> Box<dyn Score> {
        Box::<crate::score::MeanRelativeL2>::default()
    }
}

#[cfg(test)]
mod tests;

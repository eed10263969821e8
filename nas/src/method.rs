//! What a method is: a search that finds an architecture, and the network that the architecture names.
//!
//! A search sees training and validation data and nothing else: it is handed a [`SearchStage`], from which no test data can
//! be reached. Those are opened by the final stage alone ([`crate::cell`]), which says so in its result.

use nn::{Builder, Network};
use serde_json::Value;
use tasks::{Facts, Split};

use crate::Error;
use crate::profile::Values;
use crate::run::{Progress, RunFolder};

/// What a network has to do.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The task's facts.
    pub facts: &'static Facts,
    /// Shape of one input, channels last, as the data have it.
    pub input: Vec<usize>,
    /// Classes, labels or channels, as the data have them.
    pub outputs: usize,
}

impl Problem {
    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.input.last().copied().unwrap_or(1)
    }
}

/// What a search may use.
pub struct SearchStage<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// The profile's values in force.
    pub values: &'a Values,
    /// The seed.
    pub seed: u64,
    /// What the search fits.
    pub train: Split,
    /// What it selects by.
    pub val: Split,
    /// Where it saves.
    pub folder: &'a mut RunFolder,
    /// Who watches.
    pub progress: &'a mut dyn Progress,
}

/// A method: one folder under `nas/src/`, one line in [`crate::methods`].
pub trait Method: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Whether it has a row for this task.
    fn covers(&self, facts: &Facts) -> bool;

    /// Finds an architecture: the content of `arch.json`. Resumable: what it saves in the folder it goes on from.
    ///
    /// # Errors
    /// If the folder cannot be written, or the search is stopped.
    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Value, Error>;

    /// Builds the network of an architecture.
    ///
    /// # Errors
    /// If the architecture is not one of this method's.
    fn network(
        &self,
        arch: &Value,
        problem: &Problem,
        values: &Values,
        at: &mut Builder<'_>,
    ) -> Result<Box<dyn Network>, Error>;
}

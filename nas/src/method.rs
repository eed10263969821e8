//! What a method is: a search that finds an architecture, and the network that the architecture names.
//!
//! A search sees training and validation data and nothing else: it is handed a [`SearchStage`], from which no test data can
//! be reached. Those are opened by the final stage alone ([`crate::cell`]), which says so in its result.

use kernels::ops::elementwise::binary::Binary;
use kernels::{Device, Tensor as Value};
use nn::{Builder, Network, OpError, Pass, Tensor};
use serde_json::Value as Json;
use tasks::{Dataset, Facts, Quirks, Split, Transform};

use crate::Error;
use crate::profile::Values;
use crate::run::{Progress, RunFolder};

/// What a network has to do, with the normalisation that was fitted on the items it fits.
pub struct Problem {
    /// The task's facts.
    pub facts: &'static Facts,
    /// Shape of one input, channels last, as the network reads it.
    pub input: Vec<usize>,
    /// Classes, labels or channels, as the data have them.
    pub outputs: usize,
    /// The reference's departures that are asked for.
    pub quirks: Quirks,
    transform: Option<Box<dyn Transform>>,
    /// Scale and shift of the outputs, where the network computes.
    unit: Option<[Value; 2]>,
}

impl Problem {
    /// The problem of fitting `items` of `fit`.
    pub fn new(data: &Dataset, fit: &Split, items: &[u32]) -> Self {
        let transform = data.task().transform(fit, items);
        let one: Vec<usize> = std::iter::once(1).chain(data.input().iter().copied()).collect();
        let input = match &transform {
            Some(t) => t.input(&Value::zeros(&one[..])).shape()[1..].to_vec(),
            None => data.input().to_vec(),
        };
        let unit = transform.as_deref().and_then(|t| Some(<[&Value; 2]>::from(t.output()?).map(Value::clone)));
        Self { facts: data.facts(), input, outputs: data.outputs(), quirks: fit.quirks().clone(), transform, unit }
    }

    /// The problem as the published data have it, with nothing fitted: for plans.
    pub fn planned(facts: &'static Facts) -> Self {
        Self {
            facts,
            input: facts.input.to_vec(),
            outputs: facts.outputs,
            quirks: Quirks::default(),
            transform: None,
            unit: None,
        }
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.input.last().copied().unwrap_or(1)
    }

    /// Moves what it holds to where the network computes.
    pub fn move_to(&mut self, device: Device) {
        self.unit = self.unit.take().map(|unit| unit.map(|t| t.to(device)));
    }

    /// What the network reads for a batch of stored inputs.
    pub fn read(&self, x: &Value) -> Value {
        self.transform.as_deref().map_or_else(|| x.clone(), |t| t.input(x))
    }

    /// Runs the network on a batch of stored inputs; gives outputs in the targets' unit.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward(&self, network: &dyn Network, pass: &mut Pass<'_>, x: &Value) -> Result<Tensor, OpError> {
        let x = self.read(x).to(pass.device());
        self.forward_read(network, pass, x)
    }

    /// The same for what [`Problem::read`] gave, where the network computes.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward_read(&self, network: &dyn Network, pass: &mut Pass<'_>, x: Value) -> Result<Tensor, OpError> {
        let y = network.forward(pass, &x.into())?;
        let Some([scale, shift]) = &self.unit else { return Ok(y) };
        let y = pass.apply("normaliser", Binary::mul(), &[&y, &scale.clone().into()])?;
        pass.apply("normaliser", Binary::add(), &[&y, &shift.clone().into()])
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
    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Json, Error>;

    /// The architecture, where it is known before any search; for plans.
    fn fixed(&self, facts: &Facts, values: &Values) -> Option<Json> {
        let _ = (facts, values);
        None
    }

    /// Builds the network of an architecture.
    ///
    /// # Errors
    /// If the architecture is not one of this method's.
    fn network(
        &self,
        arch: &Json,
        problem: &Problem,
        values: &Values,
        at: &mut Builder<'_>,
    ) -> Result<Box<dyn Network>, Error>;
}

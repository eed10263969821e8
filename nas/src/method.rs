//! What a method is: a search that finds an architecture, and the network that the architecture names.
//!
//! A search sees training and validation data and nothing else: it is handed a [`SearchStage`], from which no test data can
//! be reached. Those are opened by the final stage alone ([`crate::cell`]), which says so in its result.

use kernels::ops::elementwise::binary::Binary;
use kernels::ops::optim::adam::Adam;
use kernels::ops::optim::sgd::Sgd;
use kernels::{Device, Tensor as Value};
use nn::{Network, OpError, Optimiser, Pass, Schedule, Tensor};
use tasks::{Dataset, Facts, Quirks, Split, Task, Transform};

use crate::Error;
use crate::arch::{Form, Found};
use crate::course::{Amounts, Leg};
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

    /// What a network for it reads and gives.
    pub fn form(&self) -> Form {
        Form { kind: self.facts.kind, input: self.input.clone(), outputs: self.outputs }
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
        self.in_unit(pass, y)
    }

    /// As [`Problem::forward_read`], with the answer of the network's auxiliary head, where it has one.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward_with_auxiliary(
        &self,
        network: &dyn Network,
        pass: &mut Pass<'_>,
        x: Value,
    ) -> Result<(Tensor, Option<Tensor>), OpError> {
        let (y, second) = network.forward_with_auxiliary(pass, &x.into())?;
        let second = second.map(|y| self.in_unit(pass, y)).transpose()?;
        Ok((self.in_unit(pass, y)?, second))
    }

    /// What a network gave, in the targets' unit.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn in_unit(&self, pass: &mut Pass<'_>, y: Tensor) -> Result<Tensor, OpError> {
        let Some([scale, shift]) = &self.unit else { return Ok(y) };
        let y = pass.apply("normaliser", Binary::mul(), &[&y, &scale.clone().into()])?;
        pass.apply("normaliser", Binary::add(), &[&y, &shift.clone().into()])
    }
}

/// What a search may use.
pub struct SearchStage<'a> {
    /// The task.
    pub task: &'static dyn Task,
    /// The problem of fitting [`SearchStage::train`].
    pub problem: &'a Problem,
    /// The profile's values in force.
    pub values: &'a Values,
    /// The seed.
    pub seed: u64,
    /// What the search fits: items of [`SearchStage::fitted`].
    pub train: Split,
    /// The profile's share of them.
    pub fitted: Vec<u32>,
    /// What it selects by.
    pub val: Split,
    /// Where to compute; it changes no bit.
    pub device: Device,
    /// Whether sizes are scaled down: see [`Values::batch_for`].
    pub scaled: bool,
    /// The keys of `--set`, which are taken as they are.
    pub set: &'a dyn Fn(&str) -> bool,
    /// Seconds between checkpoints; they change no bit.
    pub checkpoint_seconds: f64,
    /// Where it saves.
    pub folder: &'a mut RunFolder,
    /// Who watches.
    pub progress: &'a mut dyn Progress,
}

impl SearchStage<'_> {
    /// The batch of the value `key` for so many items; says so where it is not the one asked for.
    pub fn batch(&mut self, key: &str, items: usize) -> usize {
        self.batch_of_least(key, items, 1)
    }

    /// The same of at least so many: see [`Method::least_batch`].
    pub fn batch_of_least(&mut self, key: &str, items: usize, least: usize) -> usize {
        let batch = Values::batch_of(self.values.count(key), items, self.scaled, (self.set)(key)).at_least(least);
        if let Some(note) = batch.note {
            self.progress.note(&format!("{key}: {note}"));
        }
        batch.size
    }
}

/// What moves a final network's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mover {
    /// SGD with the values' momentum, Nesterov's if so.
    Sgd {
        /// Nesterov's momentum.
        nesterov: bool,
    },
    /// Adam, whose first beta is the values' momentum and whose second is .999; weight decay joins the gradient.
    Adam {
        /// Added to the root.
        eps: f64,
    },
}

impl Mover {
    /// The optimiser with the values in force.
    ///
    /// # Errors
    /// If the numbers make no sense.
    pub fn optimiser(self, values: &Values) -> Result<Optimiser, OpError> {
        match self {
            Self::Sgd { nesterov } => Optimiser::sgd(Sgd {
                momentum: values.momentum as f32,
                nesterov,
                weight_decay: values.weight_decay as f32,
            }),
            Self::Adam { eps } => Optimiser::adam(Adam {
                beta1: values.momentum,
                eps,
                weight_decay: values.weight_decay,
                ..Adam::default()
            }),
        }
    }
}

/// How a final network is trained on the task's loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What moves its numbers.
    pub mover: Mover,
    /// The learning rate's course.
    pub schedule: Schedule,
    /// Whether the schedule counts steps; else epochs.
    pub by_step: bool,
    /// Bound on the gradients' common norm.
    pub clip: Option<f64>,
    /// Probability that a path is dropped, reached linearly in the epochs: p e / epochs in epoch e (from 0).
    pub drop_path: f64,
    /// Side of the square that cutout blanks; 0: none.
    pub cutout: usize,
    /// Weight of the auxiliary head's loss.
    pub auxiliary: f64,
    /// The largest norm, over its taps, of a column of the kernels that the network names ([`Network::kernels`]), kept after
    /// every update; weight decay then concerns those kernels alone.
    pub max_norm: Option<f32>,
}

impl Recipe {
    /// With nothing but an optimiser and a schedule by epochs.
    pub fn plain(mover: Mover, schedule: Schedule) -> Self {
        Self { mover, schedule, by_step: false, clip: None, drop_path: 0.0, cutout: 0, auxiliary: 0.0, max_norm: None }
    }

    /// The benchmark's for its wide residual networks: steps of 0.2, Nesterov where there is momentum.
    pub fn benchmark_steps(values: &Values) -> Self {
        let nesterov = values.momentum > 0.0;
        Self::plain(Mover::Sgd { nesterov }, Schedule::BenchmarkSteps { epochs: values.epochs })
    }
}

/// A method: one folder under `nas/src/`, one line in [`crate::methods`].
pub trait Method: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Whether it has a row for this task.
    fn covers(&self, facts: &Facts) -> bool;

    /// The families of networks that it finds, and trains from a file.
    fn families(&self) -> &'static [&'static str];

    /// Finds an architecture. Resumable: what it saves in the folder it goes on from.
    ///
    /// # Errors
    /// If the folder cannot be written, or the search is stopped.
    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error>;

    /// Helps the owner of a run with its search's trials ([`crate::trials::share`]), as long as there are any that nobody has in
    /// hand; a search without trials has nothing to share.
    ///
    /// # Errors
    /// As [`Method::search`].
    fn assist(&self, stage: &mut SearchStage<'_>) -> Result<(), Error> {
        let _ = stage;
        Ok(())
    }

    /// The architecture, where it is known before any search; for plans.
    fn fixed(&self, facts: &Facts, values: &Values) -> Option<Found> {
        let _ = (facts, values);
        None
    }

    /// The fewest items a step of its trainings has, where scaled sizes would leave fewer: a batch norm over one number a
    /// sample knows no variance of one sample.
    fn least_batch(&self) -> usize {
        1
    }

    /// How its network is trained.
    fn recipe(&self, values: &Values) -> Recipe;

    /// What its work consists of, for estimates of its time: in an order, and by legs, that depend on the method alone.
    fn course(&self, facts: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        let _ = facts;
        vec![Leg::training(values, amounts)]
    }

    /// Into how many parts its search cuts the training items.
    fn parts(&self) -> usize {
        1
    }

    /// The method whose steps are the same: what they take is not to be found out twice.
    fn steps_of(&self) -> &'static str {
        self.name()
    }
}

//! One cell: a method on a task with one seed, from an opened dataset to `result.json`.

use std::path::Path;

use autograd::Tape;
use kernels::Tensor;
use nn::{Builder, Mode, Network, Params, Pass};
use serde_json::{Value, json};
use tasks::{Dataset, Direction, Split};

use crate::Error;
use crate::method::{Method, Problem, SearchStage};
use crate::profile::{Overrides, Profile, Values};
use crate::run::{self, Facts, Identity, Progress, RunFolder, State};
use crate::train::{self, Training};

/// What is asked for.
pub struct Request<'a> {
    /// The method.
    pub method: &'static dyn Method,
    /// The task's data.
    pub data: &'a Dataset,
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: Profile,
    /// `--set`.
    pub set: &'a Overrides,
    /// The folder of all runs.
    pub out: &'a Path,
    /// Begin anew, moving what is there aside.
    pub fresh: bool,
    /// What this process is run with.
    pub facts: &'a Facts,
    /// Seconds between checkpoints; they change no bit.
    pub checkpoint_seconds: f64,
}

impl Request<'_> {
    /// The profile's values in force.
    pub fn values(&self) -> Values {
        self.profile.values(self.data.facts().name).with(self.set)
    }

    /// What the run's hash covers.
    pub fn identity(&self) -> Identity {
        Identity {
            task: self.data.facts().name.to_owned(),
            method: self.method.name().to_owned(),
            seed: self.seed,
            protocol: "corrected".to_owned(),
            quirks: Default::default(),
            mode: Default::default(),
            profile: self.profile.name().to_owned(),
            values: self.values().map(),
            set: self.set.map().clone(),
            arch: None,
            data: self.data.hash().to_owned(),
            code: crate::code_version(),
        }
    }
}

/// Runs a cell to its end, from wherever it stands, and gives its result.
///
/// # Errors
/// What stopped it; the same request goes on later.
pub fn run(request: &Request<'_>, progress: &mut dyn Progress) -> Result<Value, Error> {
    let identity = request.identity();
    let path = run::folder(request.out, &identity);
    let mut folder = RunFolder::open(&path, &identity, request.facts, request.fresh)?;
    if let State::Done(result) = folder.state() {
        return Ok(result.clone());
    }
    let (data, values) = (request.data, request.values());
    let problem = Problem { facts: data.facts(), input: data.input().to_vec(), outputs: data.outputs() };
    for notice in data.notices() {
        progress.note(notice);
    }

    let arch = {
        let (train, val) = (data.train(), data.val());
        let (problem, values, folder, progress) = (&problem, &values, &mut folder, &mut *progress);
        let mut stage = SearchStage { problem, values, seed: request.seed, train, val, folder, progress };
        request.method.search(&mut stage)?
    };
    folder.write_arch(&arch)?;

    let mut params = Params::new();
    let network = request.method.network(&arch, &problem, &values, &mut Builder::new(&mut params, request.seed))?;
    let items = train::fitted_items(data.sizes(), &values);
    let scaled = request.profile != Profile::Paper || data.provenance() != tasks::Provenance::Original;
    let batch = values.batch_for(items.len(), scaled, request.set.map().contains_key("batch"));
    if let Some(note) = &batch.note {
        progress.note(note);
    }
    let mut training = Training::new(&problem, &values, batch.size, request.seed, params)?;
    training.checkpoint_seconds = request.checkpoint_seconds;
    let summary = training.run(&*network, &data.fit(), &items, &mut folder, progress)?;

    // The final stage, and only it, opens test data.
    let test = data.open_test()?;
    let score = evaluate(&*network, &mut training.params, test.items(), values.test, progress)?;
    let multiply_adds = multiply_adds(&*network, &mut training.params, &problem)?;
    let (facts, metric) = (data.facts(), data.facts().metric);
    let result = json!({
        "task": facts.name,
        "method": request.method.name(),
        "seed": request.seed,
        "profile": request.profile.name(),
        "metric": metric.name,
        "unit": metric.unit,
        "direction": if metric.direction == Direction::Lower { "lower" } else { "higher" },
        "value": score.error() * metric.scale,
        "secondary": {
            "train_loss": summary.loss,
            "train_error": summary.error * metric.scale,
            "test_items": score.total,
            "test_wrong": score.wrong,
        },
        "data": {
            "hash": data.hash(),
            "provenance": data.provenance().name(),
            "notices": data.notices(),
            "fitted_items": items.len(),
        },
        "notes": batch.note.iter().collect::<Vec<_>>(),
        "test_opened": "final stage, once, after the last epoch",
        "values": values.map(),
        "batch": batch.size,
        "parameters": training.params.trainable(),
        "multiply_adds": multiply_adds,
        "digest": training.params.digest(),
        "code": crate::code_version(),
    });
    folder.write_result(&result)?;
    Ok(result)
}

/// Items a batch in evaluation; it changes no bit, since a sample's bits do not depend on its batch.
const EVALUATED: usize = 256;

/// The 0-1 error on (at most `most` items of) a split: running statistics, no augmentation.
fn evaluate(
    network: &dyn Network,
    params: &mut Params,
    split: &Split,
    most: usize,
    progress: &mut dyn Progress,
) -> Result<tasks::metrics::Top1, Error> {
    let items = train::subset(split.len(), most);
    let batches = items.len().div_ceil(EVALUATED);
    progress.stage("test", 0, 1);
    let (mut tape, mut score) = (Tape::new(), tasks::metrics::Top1::default());
    for (i, batch) in items.chunks(EVALUATED).enumerate() {
        let (x, y) = split.batch(batch);
        let mut pass = Pass::new(&mut tape, params, Mode::Eval);
        let logits = network.forward(&mut pass, &x.into())?;
        score.add(logits.value().data(), y.ints());
        progress.step(i + 1, batches);
    }
    Ok(score)
}

/// Multiply-adds of one input's forward: those of convolutions and matrix products, bias excluded.
fn multiply_adds(network: &dyn Network, params: &mut Params, problem: &Problem) -> Result<u64, Error> {
    let shape: Vec<usize> = std::iter::once(1).chain(problem.input.iter().copied()).collect();
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, params, Mode::Eval);
    network.forward(&mut pass, &Tensor::zeros(&shape[..]).into())?;
    Ok(pass.tape.flops() / 2)
}

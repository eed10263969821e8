//! One cell: a method on a task with one seed, from an opened dataset to `result.json`.

use autograd::Tape;
use kernels::{Device, memory};
use nn::{Builder, Mode, Network, Params, Pass};
use serde_json::json;
use tasks::{Dataset, Direction, Provenance, Score, Split, Task};

use crate::Error;
use crate::arch::{self, Arch};
use crate::method::{Method, Problem, SearchStage};
use crate::profile::{Overrides, Profile, Values};
use crate::run::{ARCH, Progress, RunFolder};
use crate::train::{self, Training};

/// A method on a task's data with one seed.
pub struct Cell<'a> {
    /// The method.
    pub method: &'static dyn Method,
    /// The task's data.
    pub data: &'a Dataset,
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: Profile,
    /// The profile's values in force.
    pub values: &'a Values,
    /// `--set`, which is already in the values.
    pub set: &'a Overrides,
    /// The architecture of `--arch`: then nothing is searched.
    pub arch: Option<&'a Arch>,
    /// Where to compute; it changes no bit.
    pub device: Device,
    /// Seconds between checkpoints; they change no bit.
    pub checkpoint_seconds: f64,
}

impl Cell<'_> {
    /// Whether sizes are scaled down, so that the batch must leave an epoch some steps.
    fn scaled(&self) -> bool {
        !self.profile.is_result() || matches!(self.data.provenance(), Provenance::Partial | Provenance::StandIn)
    }
}

/// Runs a cell in its folder to its end, from wherever it stands; writes its result.
///
/// # Errors
/// What stopped it; the same call goes on later.
pub fn run(cell: &Cell<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> Result<(), Error> {
    // What a cell before this one left free has other sizes: it would only pile up.
    memory::trim();
    let data = cell.data;
    let arch = architecture(cell, folder, progress)?;
    let values = &arch.values(cell.values);

    let (fit, items) = (data.fit(), train::fitted_items(data, values));
    let mut problem = Problem::new(data, &fit, &items);
    problem.move_to(cell.device);
    let mut params = Params::new();
    let at = &mut Builder::new(&mut params, cell.seed);
    let network = arch::build(&arch.network, &problem.form(), values.dropout as f32, at)?;
    params.move_to(cell.device);
    let batch = values.batch_for(items.len(), cell.scaled(), cell.set.map().contains_key("batch"));
    let batch = batch.at_least(cell.method.least_batch());
    if let Some(note) = &batch.note {
        progress.note(note);
    }
    let recipe = cell.method.recipe(values);
    let mut training = Training::new(&problem, values, recipe, batch.size, cell.seed, params)?;
    training.checkpoint_seconds = cell.checkpoint_seconds;
    let summary = training.run(&*network, &fit, &items, values.epochs, &mut folder.root(), progress)?;

    // The final stage, and only it, opens test data.
    let test = data.open_test()?;
    progress.stage("test", 0, 1);
    let score = evaluate(&*network, &mut training.params, &problem, data.task(), test.items(), values.test, progress)?;
    let (facts, metric) = (data.facts(), data.facts().metric);
    let mut secondary = score.secondary();
    secondary.insert("train_loss", summary.loss.into());
    if let Some(error) = summary.error {
        secondary.insert("train_error", (error * metric.scale).into());
    }
    let result = json!({
        "task": facts.name,
        "method": cell.method.name(),
        "seed": cell.seed,
        "profile": cell.profile.name(),
        "quirks": data.quirks().names().collect::<Vec<_>>(),
        "metric": metric.name,
        "unit": metric.unit,
        "direction": if metric.direction == Direction::Lower { "lower" } else { "higher" },
        "value": score.value() * metric.scale,
        "secondary": secondary,
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
        "parameters": arch.parameters,
        "multiply_adds": arch.multiply_adds,
        "digest": training.params.digest(),
        "code": crate::code_version(),
    });
    Ok(folder.write_result(&result)?)
}

/// Helps the owner of a cell's run with its search, as long as there is something that nobody has in hand.
///
/// # Errors
/// What stopped it; others go on with what it leaves.
pub fn assist(cell: &Cell<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> Result<(), Error> {
    let problem = searched(cell);
    let set = |key: &str| cell.set.map().contains_key(key);
    cell.method.assist(&mut stage(cell, &problem, &set, folder, progress))
}

/// Items that a search fits.
fn fitted(cell: &Cell<'_>, train: &Split) -> Vec<u32> {
    train.items_of(&train::subset(train.groups(), cell.values.train))
}

/// The problem of a search.
fn searched(cell: &Cell<'_>) -> Problem {
    let train = cell.data.train();
    let mut problem = Problem::new(cell.data, &train, &fitted(cell, &train));
    problem.move_to(cell.device);
    problem
}

/// What a search may use.
fn stage<'a>(
    cell: &'a Cell<'_>,
    problem: &'a Problem,
    set: &'a dyn Fn(&str) -> bool,
    folder: &'a mut RunFolder,
    progress: &'a mut dyn Progress,
) -> SearchStage<'a> {
    let (train, val) = (cell.data.train(), cell.data.val());
    let fitted = fitted(cell, &train);
    SearchStage {
        task: cell.data.task(),
        problem,
        values: cell.values,
        seed: cell.seed,
        train,
        fitted,
        val,
        device: cell.device,
        scaled: cell.scaled(),
        set,
        checkpoint_seconds: cell.checkpoint_seconds,
        folder,
        progress,
    }
}

/// The architecture: what was found before, what `--arch` names, or what the search finds; written.
fn architecture(cell: &Cell<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> Result<Arch, Error> {
    if let Some(bytes) = folder.read_file(ARCH)? {
        return Arch::parse(&bytes);
    }
    let problem = searched(cell);
    let set = |key: &str| cell.set.map().contains_key(key);
    let found = match cell.arch {
        Some(given) => given.found(),
        None => cell.method.search(&mut stage(cell, &problem, &set, folder, progress))?,
    };
    let arch = Arch::new(cell.method.name(), cell.data.facts().name, &problem.form(), found)?;
    folder.write_arch(&arch.json())?;
    Ok(arch)
}

/// Items a batch in evaluation, fewer where they are large; it changes no bit, since a sample's bits do not depend on its
/// batch.
pub(crate) fn evaluated(input: &[usize]) -> usize {
    (65_536 / input.iter().product::<usize>()).clamp(8, 256)
}

/// The task's score of (at most `most` items, or groups of them, of) a split: running statistics, no augmentation.
pub(crate) fn evaluate(
    network: &dyn Network,
    params: &mut Params,
    problem: &Problem,
    task: &dyn Task,
    split: &Split,
    most: usize,
    progress: &mut dyn Progress,
) -> Result<Box<dyn Score>, Error> {
    let items = split.items_of(&train::subset(split.groups(), most));
    let size = evaluated(split.input());
    let batches = items.len().div_ceil(size);
    let (mut tape, mut score) = (Tape::new(), task.score(split));
    for (i, batch) in items.chunks(size).enumerate() {
        let (x, y) = split.batch(batch);
        let mut pass = Pass::new(&mut tape, params, Mode::Eval);
        let outputs = problem.forward(network, &mut pass, &x)?;
        score.add(&outputs.value().to(Device::Cpu), &y, batch);
        progress.step(i + 1, batches);
    }
    Ok(score)
}

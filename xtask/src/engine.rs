//! What the command line needs of the benchmark: which cells are built, where their data are, how one is run.

use anyhow::Context;
use kernels::Device;
use kernels::cuda::driver;
use nas::arch::Arch;
use nas::profile::{Overrides, Profile, Values};
use nas::run::{Progress, RunFolder};
use nas::{cell, methods};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tasks::{Dataset, ErrorKind, Provenance, Quirks, Sizes};

/// A task's data, found or generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The folder that holds the task's store: what [`Dataset::open`] wants.
    pub dir: PathBuf,
    /// The data's hash.
    pub hash: String,
    /// Where they come from.
    pub provenance: Provenance,
    /// What is missing or unusual, a line each.
    pub notices: Vec<String>,
}

impl Source {
    /// The entry `data` of a result; the table reads its `provenance`.
    pub fn json(&self) -> Value {
        json!({"hash": self.hash, "provenance": self.provenance.name(), "notices": self.notices})
    }
}

/// One run of one cell.
#[derive(Debug)]
pub struct Job<'a> {
    /// The task's name.
    pub task: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// The seed.
    pub seed: u64,
    /// How much of the protocol.
    pub profile: Profile,
    /// The values in force.
    pub values: &'a Values,
    /// What `--set` gave; a batch that is in it is taken as it is.
    pub overrides: &'a Overrides,
    /// The reference's departures in force.
    pub quirks: &'a Quirks,
    /// Where to compute.
    pub device: Device,
    /// The architecture of `--arch`.
    pub arch: Option<&'a Arch>,
    /// The data.
    pub source: &'a Source,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
}

/// How a run ended, when not by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `result.json` is written.
    Done,
    /// [`nas::run::interrupt`] was seen, and the checkpoint is written.
    Interrupted,
}

/// The benchmark, as the command line sees it; tests have a small one of their own.
pub trait Engine {
    /// Whether this cell can be run.
    fn built(&self, task: &str, method: &str) -> bool;

    /// The task's data: what was imported, else what is generated.
    ///
    /// # Errors
    /// If they can neither be opened nor generated.
    fn data(&self, task: &str, values: &Values, data: &Path, progress: &mut dyn Progress) -> anyhow::Result<Source>;

    /// Helps the process that runs a cell with its search's trials, as long as there is something to do.
    ///
    /// # Errors
    /// If it fails.
    fn help(&self, job: &Job<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> anyhow::Result<Outcome> {
        let _ = (job, folder, progress);
        Ok(Outcome::Done)
    }

    /// Runs one cell in its folder, from wherever it stands.
    ///
    /// # Errors
    /// If it fails.
    fn run(&self, job: &Job<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> anyhow::Result<Outcome>;
}

/// The benchmark.
#[derive(Debug, Clone, Copy, Default)]
pub struct Built;

impl Engine for Built {
    fn built(&self, task: &str, method: &str) -> bool {
        tasks::by_name(task).is_ok_and(|t| methods::exists(t, method))
    }

    fn data(&self, task: &str, values: &Values, data: &Path, progress: &mut dyn Progress) -> anyhow::Result<Source> {
        find_or_generate(task, values, data, progress)
    }

    fn help(&self, job: &Job<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> anyhow::Result<Outcome> {
        with_cell(job, progress, |cell, progress| cell::assist(cell, folder, progress))
    }

    fn run(&self, job: &Job<'_>, folder: &mut RunFolder, progress: &mut dyn Progress) -> anyhow::Result<Outcome> {
        with_cell(job, progress, |cell, progress| cell::run(cell, folder, progress))
    }
}

/// Opens a job's data and does something with its cell.
fn with_cell(
    job: &Job<'_>,
    progress: &mut dyn Progress,
    work: impl FnOnce(&cell::Cell<'_>, &mut dyn Progress) -> Result<(), nas::Error>,
) -> anyhow::Result<Outcome> {
    let method = methods::by_name(job.method).with_context(|| format!("{} is not built yet", job.method))?;
    let data = &Dataset::open_with(&job.source.dir, tasks::by_name(job.task)?, job.quirks.clone())?;
    let (seed, profile, values, set, arch) = (job.seed, job.profile, job.values, job.overrides, job.arch);
    let (device, checkpoint_seconds) = (job.device, job.checkpoint_seconds);
    let cell = cell::Cell { method, data, seed, profile, values, set, arch, device, checkpoint_seconds };
    // A failed card ends this cell as its error.
    match driver::guard(|| work(&cell, progress))? {
        Ok(()) => Ok(Outcome::Done),
        Err(e @ nas::Error::Interrupted { .. }) => {
            progress.note(&e.to_string());
            Ok(Outcome::Interrupted)
        }
        Err(e) => Err(e.into()),
    }
}

/// Seed of stand-ins: one set of data for all seeds of training.
const STAND_IN_SEED: u64 = 0;

/// What was imported into `<data>/<task>`; else data generated in the sizes of `values`, kept below
/// `<data>/generated/<sizes>/` and used again.
fn find_or_generate(task: &str, values: &Values, data: &Path, progress: &mut dyn Progress) -> anyhow::Result<Source> {
    let task = tasks::by_name(task)?;
    match Dataset::open(data, task) {
        Ok(set) => return Ok(source_of(&set, data)),
        Err(e) if e.kind == ErrorKind::Missing && !data.join(task.facts().name).exists() => {}
        Err(e) => return Err(e.into()),
    }
    let sizes = Sizes { train: values.train, val: values.val, test: values.test };
    let dir = data.join("generated").join(format!("{}-{}-{}", sizes.train, sizes.val, sizes.test));
    if let Ok(set) = Dataset::open(&dir, task) {
        return Ok(source_of(&set, &dir));
    }
    progress.note(&format!("no data of {} in {}: generating some", task.facts().name, data.display()));
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot create {} (--data chooses another folder)", dir.display()))?;
    task.generate(sizes, STAND_IN_SEED, &dir, &tasks::Silent)?;
    Ok(source_of(&Dataset::open(&dir, task)?, &dir))
}

fn source_of(set: &Dataset, dir: &Path) -> Source {
    Source {
        dir: dir.to_owned(),
        hash: set.hash().to_owned(),
        provenance: set.provenance(),
        notices: set.notices().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas::run::Silent;

    #[test]
    fn a_stand_in_is_generated_once_and_gives_way_to_what_is_imported() {
        let scratch = tempfile::tempdir().unwrap();
        let mut values = Profile::Smoke.values("satellite", "wrn");
        (values.train, values.val, values.test) = (50, 10, 20);
        let first = Built.data("satellite", &values, scratch.path(), &mut Silent).unwrap();
        assert_eq!(first.provenance, Provenance::StandIn);
        assert_eq!(Built.data("satellite", &values, scratch.path(), &mut Silent).unwrap(), first);
        assert_eq!(first.json()["provenance"], "stand-in");
        let set = Dataset::open(&first.dir, tasks::by_name("satellite").unwrap()).unwrap();
        assert_eq!((set.sizes().train, set.sizes().val, set.sizes().test), (50, 10, 20));
        // A store of the task's own that is damaged is refused, never silently replaced by a stand-in.
        std::fs::create_dir(scratch.path().join("satellite")).unwrap();
        assert!(Built.data("satellite", &values, scratch.path(), &mut Silent).is_err());
    }
}

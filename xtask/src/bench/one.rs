//! One run after another, in this process.

use super::plan::{Request, Work};
use crate::cells::Cell;
use crate::cli::BenchArgs;
use crate::engine::{Engine, Job, Outcome, Source};
use crate::live::{Audience, Event, Reporter};
use crate::ui;
use anyhow::Context;
use kernels::Device;
use kernels::cuda::{self, Mode, cudnn};
use kernels::device::Choice;
use nas::profile::Values;
use nas::run::{Cost, Facts, Identity, Progress, RESULT, RunFolder, State, as_number, folder, interrupt};
use serde_json::Value;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use tasks::Quirks;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was not begun.
    Waiting,
    /// Its result is there.
    Done,
    /// By an error, which was told.
    Failed,
    /// Interrupted: what it needs to go on is saved.
    Interrupted,
}

/// What makes runs.
pub struct One<'a> {
    args: &'a BenchArgs,
    request: &'a Request,
    engine: &'a dyn Engine,
    facts: Facts,
    device: Device,
    /// The data of the cell in hand.
    source: RefCell<Option<(Cell, Source)>>,
}

impl<'a> One<'a> {
    /// Opens the device and sets this process' threads and mode.
    ///
    /// # Errors
    /// If the device is not there.
    pub fn new(args: &'a BenchArgs, request: &'a Request, engine: &'a dyn Engine) -> anyhow::Result<Self> {
        let (device, facts) = set_up(args.device, args.threads, args.mode)?;
        Ok(Self { args, request, engine, facts, device, source: RefCell::new(None) })
    }

    /// Makes a run, from wherever it stands, and tells how it ended.
    pub fn run(&self, work: &Work, audience: &mut dyn Audience) -> Standing {
        let run = work.run();
        audience.hear(&Event::Start { run: run.clone() });
        match self.attempt(work, audience) {
            Ok(Some(done)) => {
                audience.hear(&done);
                Standing::Done
            }
            Ok(None) => {
                audience.hear(&Event::Interrupted { run });
                Standing::Interrupted
            }
            Err(e) => {
                audience.hear(&Event::Failed { run, error: ui::one_line(&e) });
                Standing::Failed
            }
        }
    }

    /// Gives the event of a run that is done; none, if it was interrupted.
    fn attempt(&self, work: &Work, audience: &mut dyn Audience) -> anyhow::Result<Option<Event>> {
        let run = work.run();
        let values = self.values(work.cell);
        let source = self.source(work.cell, &values, audience).with_context(|| run.cell())?;
        self.seed(work, &values, &source, audience).with_context(|| run.to_string())
    }

    fn source(&self, cell: Cell, values: &Values, audience: &mut dyn Audience) -> anyhow::Result<Source> {
        if let Some((_, source)) = self.source.borrow().as_ref().filter(|(of, _)| *of == cell) {
            return Ok(source.clone());
        }
        let source = self.engine.data(cell.task, values, &self.args.data, &mut OfCell(cell, audience))?;
        self.source.replace(Some((cell, source.clone())));
        Ok(source)
    }

    fn seed(
        &self,
        work: &Work,
        values: &Values,
        source: &Source,
        audience: &mut dyn Audience,
    ) -> anyhow::Result<Option<Event>> {
        if interrupt::requested() {
            return Ok(None);
        }
        let Work { cell, seed, .. } = *work;
        let identity = self.identity(cell, seed, values, source);
        let path = folder(&self.args.out, &identity);
        let mut run = RunFolder::open(&path, &identity, &self.facts, self.args.fresh)?;
        let mut watch = Reporter::new(work.run(), audience);
        if matches!(run.state(), State::Done(_)) {
            watch.note("done before; not run again");
            return done_in(work, &path).map(Some);
        }
        watch.opened(&path);
        for notice in &source.notices {
            watch.note(notice);
        }
        let quirks = self.request.asked.of(cell.task, cell.method);
        let job = self.job(work, values, source, &quirks);
        if self.engine.run(&job, &mut run, &mut watch)? == Outcome::Interrupted {
            return Ok(None);
        }
        watch.done();
        // Its cost is complete when it is closed.
        drop(run);
        done_in(work, &path).map(Some)
    }

    /// What the engine is to do.
    fn job<'b>(&'b self, work: &Work, values: &'b Values, source: &'b Source, quirks: &'b Quirks) -> Job<'b> {
        Job {
            task: work.cell.task,
            method: work.cell.method,
            seed: work.seed,
            profile: self.args.profile,
            values,
            overrides: &self.request.overrides,
            arch: self.request.arch.as_ref().map(|(arch, _)| arch),
            quirks,
            device: self.device,
            source,
            checkpoint_seconds: self.args.checkpoint_seconds,
        }
    }

    fn values(&self, cell: Cell) -> Values {
        self.args.profile.values(cell.task, cell.method).with(&self.request.overrides)
    }

    /// Finds or generates the data of a run that another process is to make, and looks at its folder; gives that, and the
    /// event of its end if it is done. With `--fresh` what is there is moved aside now.
    ///
    /// # Errors
    /// If there are no data, or the folder holds another configuration.
    pub fn ready(&self, work: &Work, audience: &mut dyn Audience) -> anyhow::Result<(PathBuf, Option<Event>)> {
        let (run, values) = (work.run(), self.values(work.cell));
        let source = self.source(work.cell, &values, audience).with_context(|| run.cell())?;
        let identity = self.identity(work.cell, work.seed, &values, &source);
        let path = folder(&self.args.out, &identity);
        let look = || -> anyhow::Result<Option<Event>> {
            if self.args.fresh {
                drop(RunFolder::open(&path, &identity, &self.facts, true)?);
                return Ok(None);
            }
            match RunFolder::look(&path, &identity)? {
                State::Done(_) => done_in(work, &path).map(Some),
                _ => Ok(None),
            }
        };
        let done = look().with_context(|| run.to_string())?;
        if done.is_some() {
            Reporter::new(run, audience).note("done before; not run again");
        }
        Ok((path, done))
    }

    /// Helps the process that makes a run with its search's trials; does nothing where there is nothing to do.
    ///
    /// # Errors
    /// If a trial fails.
    pub fn help(&self, work: &Work, audience: &mut dyn Audience) -> anyhow::Result<()> {
        let (run, values) = (work.run(), self.values(work.cell));
        let source = self.source(work.cell, &values, audience).with_context(|| run.cell())?;
        let identity = self.identity(work.cell, work.seed, &values, &source);
        let mut help = || -> anyhow::Result<()> {
            let Some(mut folder) = RunFolder::visit(&folder(&self.args.out, &identity), &identity)? else {
                return Ok(());
            };
            let quirks = self.request.asked.of(work.cell.task, work.cell.method);
            let job = self.job(work, &values, &source, &quirks);
            self.engine.help(&job, &mut folder, &mut Reporter::new(work.run(), audience)).map(drop)
        };
        help().with_context(|| run.to_string())
    }

    fn identity(&self, cell: Cell, seed: u64, values: &Values, source: &Source) -> Identity {
        let Request { overrides, asked, arch, .. } = self.request;
        Identity {
            task: cell.task.to_owned(),
            method: cell.method.to_owned(),
            seed,
            protocol: asked.protocol().to_owned(),
            quirks: asked.of(cell.task, cell.method).names().map(str::to_owned).collect(),
            mode: self.args.mode,
            profile: self.args.profile.name().to_owned(),
            values: values.map(),
            set: overrides.of(cell.method).map().clone(),
            arch: arch.as_ref().map(|(_, hash)| hash.clone()),
            data: source.hash.clone(),
            code: nas::code_version(),
        }
    }
}

/// The event of a finished run, by its folder.
///
/// # Errors
/// If there is no result in it, or it cannot be read.
pub fn done_in(work: &Work, path: &Path) -> anyhow::Result<Event> {
    let file = path.join(RESULT);
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let result: Value = serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))?;
    let metric = tasks::by_name(work.cell.task)?.facts().metric;
    let value = as_number(&result["value"]).with_context(|| format!("{}: no value", file.display()))?;
    let hours = Cost::read(path)?.hours;
    Ok(Event::Done { run: work.run(), metric: metric.name.to_owned(), unit: metric.unit.to_owned(), value, hours })
}

/// Notes about a cell's data, whatever the seed.
struct OfCell<'a>(Cell, &'a mut dyn Audience);

impl Progress for OfCell<'_> {
    fn stage(&mut self, _: &str, _: usize, _: usize) {}
    fn step(&mut self, _: usize, _: usize) {}
    fn epoch(&mut self, _: usize, _: Option<(&str, f64)>) {}

    fn note(&mut self, text: &str) {
        let Cell { task, method } = self.0;
        let (task, method, text) = (task.to_owned(), method.to_owned(), text.to_owned());
        self.1.hear(&Event::Note { task, method, seed: None, text });
    }
}

/// Opens the device and sets this process' threads and mode; what a manifest says of that.
///
/// # Errors
/// If the device is not there.
pub(crate) fn set_up(device: Choice, threads: Option<u16>, mode: Mode) -> anyhow::Result<(Device, Facts)> {
    let opened = device.open().map_err(anyhow::Error::msg)?;
    if let Some(threads) = threads {
        kernels::pool::set_threads(usize::from(threads));
    }
    let facts = Facts {
        commit: commit(),
        device: device.to_string(),
        simd: kernels::simd::level().to_string(),
        threads: kernels::pool::threads(),
        cudnn: speed(mode),
    };
    Ok((opened, facts))
}

/// Sets the mode; what computes convolutions in speed mode, where it is cuDNN, else says so.
fn speed(mode: Mode) -> Option<String> {
    cuda::set_mode(mode);
    if mode == Mode::Exact {
        return None;
    }
    match (cudnn::version(), cuda::driver::opened()) {
        (Ok(version), Some(card)) => return Some(format!("{version} on {}", card.name)),
        (Ok(_), None) => ui::note("cuDNN computes on cards alone: own kernels go on"),
        (Err(why), _) => ui::note(&format!("{why}: own kernels go on")),
    }
    None
}

/// The commit of the source this was built from, as far as git tells.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output =
            std::process::Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "HEAD"]) else { return "unknown".to_owned() };
    let clean = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| s.is_empty());
    if clean { head } else { format!("{head}-dirty") }
}

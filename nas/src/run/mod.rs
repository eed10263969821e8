//! A run is a state machine over its folder, `<out>/<profile>/<task>/<method>/<seed>/`.
//!
//! | file | holds |
//! |---|---|
//! | `manifest.json` | the [`Identity`] and its hash; of every attempt commit, device, SIMD level, threads, mode, times |
//! | `cost.json` | hours, peak memory |
//! | `metrics.jsonl` | one line an epoch; a checkpoint records its length, resuming truncates to it |
//! | `arch.json` | what the search found |
//! | `checkpoint.safetensors` | everything training goes on from |
//! | `result.json` | the result; when it is there the run is done |
//! | `trials/<id>/` | a trial of a search: see [`crate::trials`] |
//! | `owner.json` | while a process works on the folder |
//! | `open-trials.json` | while a search has trials that others could work on |
//!
//! The command line leaves courtesies beside them, on which nothing depends: where the run stands (`live.json`) and
//! its curves for TensorBoard.
//!
//! The four in the middle hold nothing of time, machine, threads or SIMD level: they are the same bytes however often
//! the run was interrupted. Every file but `metrics.jsonl` is put under its name whole: temporary file, sync, check of
//! the owner token, rename. A process killed between any two operations leaves a folder that the next one opens.

mod cost;
mod disk;
mod error;
mod identity;
pub mod interrupt;
mod json;
mod owner;
mod place;
mod progress;
mod share;
#[cfg(test)]
mod tests;

pub use cost::{Clock, Cost};
pub use error::RunError;
pub use identity::{Difference, Facts, Identity, Mode, differences};
pub use json::{as_number, number};
pub use nn::checkpoint::canonical;
pub use owner::{Holder, holder};
pub use place::Place;
pub use progress::{Progress, Silent};
pub use share::{OPEN_TRIALS, open_trials};

use disk::{Disk, read, read_json};
use owner::{Token, Who};
use serde_json::{Value, json};
use share::{Hand, Held};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The cost's name.
pub const COST: &str = "cost.json";
/// The metrics' name.
pub const METRICS: &str = "metrics.jsonl";
/// The architecture's name.
pub const ARCH: &str = "arch.json";
/// The checkpoint's name.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The result's name.
pub const RESULT: &str = "result.json";

/// What every result holds at least.
const RESULT_KEYS: [&str; 10] =
    ["task", "method", "seed", "metric", "value", "secondary", "data", "parameters", "multiply_adds", "digest"];

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Nothing to go on from.
    New,
    /// A checkpoint is there.
    Resumable,
    /// Finished, with this result.
    Done(Value),
}

/// What a run goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file's bytes; its metadata holds, among the rest, the length for [`RunFolder::truncate_metrics`].
    pub bytes: Vec<u8>,
}

/// A run's folder, opened for writing by this process alone; or finished, and only read.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    disk: Disk,
    state: State,
    hash: String,
    manifest: Value,
    cost: Cost,
    metrics_len: u64,
    /// Nothing of it is there when the run was done already.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// The metrics' file, of the run's owner.
    metrics: Option<File>,
    clock: Clock,
    /// The run's token; a guest has none.
    token: Option<Token>,
    hand: Hand,
    /// Parts in hand.
    held: Vec<Held>,
}

impl Open {
    /// Whether the file `name` may still be written: by who holds its part, everything else by the run's owner.
    fn check(&self, name: &str, path: &Path) -> Result<(), RunError> {
        let held = self.held.iter().find(|h| h.covers(name));
        if held.is_none() && self.token.is_none() {
            return Err(RunError::damaged(
                &path.join(name),
                "another process owns the run, and this one not that part",
            ));
        }
        self.token.iter().try_for_each(Token::check)?;
        held.map_or(Ok(()), Held::check)
    }

    /// The metrics' file, for the run's owner.
    fn metrics(&mut self, path: &Path) -> Result<&mut File, RunError> {
        self.check(METRICS, path)?;
        self.metrics.as_mut().ok_or_else(|| finished(path))
    }
}

/// Where the run of a configuration lives.
pub fn folder(out: &Path, identity: &Identity) -> PathBuf {
    out.join(&identity.profile).join(&identity.task).join(&identity.method).join(identity.seed.to_string())
}

impl RunFolder {
    /// Opens the run of `identity` in the folder `path` (see [`folder`]), creating what is missing.
    ///
    /// A folder of the same hash goes on where it stopped, or is [`State::Done`]; `fresh` moves what is there aside, to a
    /// sibling `<seed>.old-N`.
    ///
    /// # Errors
    /// If the folder holds another configuration, belongs to a live process, is damaged, or cannot be written.
    pub fn open(path: &Path, identity: &Identity, facts: &Facts, fresh: bool) -> Result<Self, RunError> {
        Self::open_as(path, identity, facts, fresh, Who::here(attempts(path) + 1), Disk::default(), owner::BEAT)
    }

    fn open_as(
        path: &Path,
        identity: &Identity,
        facts: &Facts,
        fresh: bool,
        who: Who,
        disk: Disk,
        beat: Duration,
    ) -> Result<Self, RunError> {
        let hash = identity.hash();
        if !fresh && let Some(done) = Self::done(path, &hash, &disk)? {
            return Ok(done);
        }
        disk.create_dir_all(path)?;
        let mut token = Token::take(path, who.clone(), &disk, beat)?;
        if fresh && holds_a_run(path) {
            token = move_aside(path, token, who.clone(), &disk, beat)?;
        }
        token.sweep(path)?;
        let manifest = match read_json(&path.join(MANIFEST))? {
            Some(m) => same_configuration(path, m, identity, &hash)?,
            None if holds_a_run(path) => {
                return Err(RunError::damaged(path, "holds a run's files but no manifest.json"));
            }
            None => json!({"identity": identity.json(), "hash": hash, "attempts": []}),
        };
        let state = standing(path)?;
        let mut run = Self {
            cost: Cost::own(path)?,
            path: path.to_owned(),
            metrics_len: 0,
            open: None,
            disk,
            state,
            hash,
            manifest,
        };
        run.begin_attempt(identity.mode, facts, &who, &token)?;
        let file = path.join(METRICS);
        let metrics = OpenOptions::new().append(true).create(true).open(&file).map_err(RunError::io("write", &file))?;
        run.metrics_len = metrics.metadata().map_err(RunError::io("read", &file))?.len();
        let hand = Hand { who, beat };
        run.open =
            Some(Open { metrics: Some(metrics), clock: Clock::start(), token: Some(token), hand, held: Vec::new() });
        if run.state == State::New {
            run.truncate_metrics(0)?;
        }
        Ok(run)
    }

    /// Where the run of `identity` stands, without touching its folder: for who does not make it himself.
    ///
    /// # Errors
    /// If the folder holds another configuration, or is damaged.
    pub fn look(path: &Path, identity: &Identity) -> Result<State, RunError> {
        let hash = identity.hash();
        let Some(manifest) = read_json(&path.join(MANIFEST))? else { return Ok(State::New) };
        same_configuration(path, manifest, identity, &hash)?;
        standing(path)
    }

    /// The folder of a finished run needs no owner: several may look at it, and it may be read-only.
    fn done(path: &Path, hash: &str, disk: &Disk) -> Result<Option<Self>, RunError> {
        let Some(result) = read_json(&path.join(RESULT))? else { return Ok(None) };
        let Some(manifest) = read_json(&path.join(MANIFEST))?.filter(|m| m["hash"] == hash) else { return Ok(None) };
        Ok(Some(Self {
            cost: Cost::read(path)?,
            path: path.to_owned(),
            disk: disk.clone(),
            state: State::Done(result),
            hash: hash.to_owned(),
            manifest,
            metrics_len: 0,
            open: None,
        }))
    }

    fn begin_attempt(&mut self, mode: Mode, facts: &Facts, who: &Who, token: &Token) -> Result<(), RunError> {
        let mut attempt = serde_json::to_value(facts).expect("plain data");
        attempt["mode"] = mode.to_string().into();
        attempt["host"] = who.host.clone().into();
        attempt["job"] = who.job.clone().into();
        attempt["attempt"] = who.attempt.into();
        attempt["started"] = cost::now().into();
        match self.manifest["attempts"].as_array_mut() {
            Some(attempts) => attempts.push(attempt),
            None => self.manifest["attempts"] = json!([attempt]),
        }
        self.write_manifest(token)
    }

    fn write_manifest(&self, token: &Token) -> Result<(), RunError> {
        let text = serde_json::to_string_pretty(&self.manifest).expect("plain data") + "\n";
        self.disk.replace(&self.path.join(MANIFEST), text.as_bytes(), || token.check())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The configuration's hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the run has cost so far, this process included.
    pub fn cost(&self) -> Cost {
        self.open.as_ref().map_or(self.cost, |o| self.cost.with(&o.clock))
    }

    /// The checkpoint to go on from, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn resume(&self) -> Result<Option<Checkpoint>, RunError> {
        Ok(read(&self.path.join(CHECKPOINT))?.map(|bytes| Checkpoint { bytes }))
    }

    /// Bytes of metrics so far: what a checkpoint records.
    pub fn metrics_len(&self) -> u64 {
        self.metrics_len
    }

    /// Forgets the metrics after the first `len` bytes: those that came after the checkpoint.
    ///
    /// # Errors
    /// If the file is shorter than that, or cannot be written.
    pub fn truncate_metrics(&mut self, len: u64) -> Result<(), RunError> {
        let path = self.path.join(METRICS);
        if self.metrics_len < len {
            let what = format!("{} bytes, but the checkpoint was made after {len}", self.metrics_len);
            return Err(RunError::damaged(&path, what));
        }
        let Some(open) = &mut self.open else { return Err(finished(&self.path)) };
        let metrics = open.metrics(&self.path)?;
        if self.metrics_len > len {
            self.disk.set_len(metrics, len).map_err(RunError::io("write", &path))?;
            self.metrics_len = len;
        }
        Ok(())
    }

    /// Adds one line to the metrics.
    ///
    /// # Errors
    /// If it cannot be written; then the file ends where it ended before.
    pub fn append_metrics(&mut self, value: &Value) -> Result<(), RunError> {
        let path = self.path.join(METRICS);
        let Some(open) = &mut self.open else { return Err(finished(&self.path)) };
        let metrics = open.metrics(&self.path)?;
        let line = canonical(value) + "\n";
        if let Err(e) = self.disk.write(metrics, line.as_bytes()) {
            let _ = self.disk.set_len(metrics, self.metrics_len);
            return Err(RunError::io("write", &path)(e));
        }
        self.metrics_len += line.len() as u64;
        Ok(())
    }

    /// Puts a checkpoint in the place of the last; its metrics are on the disk first.
    ///
    /// # Errors
    /// If it cannot be written; then the last one stands.
    pub fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        self.sync_metrics()?;
        self.write_file(CHECKPOINT, bytes)?;
        self.write_cost()?;
        if self.state == State::New {
            self.state = State::Resumable;
        }
        Ok(())
    }

    /// Writes what the search found.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_arch(&self, value: &Value) -> Result<(), RunError> {
        self.write_file(ARCH, (canonical(value) + "\n").as_bytes())
    }

    /// Writes a file of the run's own (`trials/3/trial.json`), creating its folder.
    ///
    /// # Errors
    /// If it cannot be written; then what was there stands.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let open = writable(&self.open, &self.path)?;
        let path = self.path.join(name);
        if let Some(parent) = path.parent().filter(|p| *p != self.path) {
            self.disk.create_dir_all(parent)?;
        }
        self.disk.replace(&path, bytes, || open.check(name, &self.path))
    }

    /// Writes the result, last of all: the run is done.
    ///
    /// # Errors
    /// If it cannot be written, or lacks one of the keys that every result holds.
    pub fn write_result(&mut self, value: &Value) -> Result<(), RunError> {
        if let Some(key) = RESULT_KEYS.iter().find(|k| value.get(**k).is_none()) {
            let (path, what) = (self.path.join(RESULT), format!("the result to be written lacks '{key}'"));
            return Err(RunError::Damaged { path, what, fix: "this is a fault of the method's code" });
        }
        self.sync_metrics()?;
        self.write_cost()?;
        self.write_file(RESULT, (canonical(value) + "\n").as_bytes())?;
        self.state = State::Done(value.clone());
        Ok(())
    }

    fn sync_metrics(&self) -> Result<(), RunError> {
        let open = writable(&self.open, &self.path)?;
        let sync = |file| self.disk.sync(file).map_err(RunError::io("write", &self.path.join(METRICS)));
        open.metrics.as_ref().map_or(Ok(()), sync)
    }

    fn write_cost(&self) -> Result<(), RunError> {
        if self.is_guest() {
            return self.write_parts_cost();
        }
        self.write_file(COST, self.cost().text().as_bytes())
    }
}

impl Drop for RunFolder {
    /// Notes the end and gives the folder free. What fails here is lost without harm.
    fn drop(&mut self) {
        let _ = self.write_parts_cost();
        let Some(open) = self.open.take() else { return };
        let Some(token) = &open.token else { return };
        self.cost = self.cost.with(&open.clock);
        if let Some(last) = self.manifest["attempts"].as_array_mut().and_then(|a| a.last_mut()) {
            last["ended"] = cost::now().into();
        }
        if self.write_manifest(token).is_ok() {
            let _ = self.disk.replace(&self.path.join(COST), self.cost.text().as_bytes(), || token.check());
        }
    }
}

fn writable<'a>(open: &'a Option<Open>, path: &Path) -> Result<&'a Open, RunError> {
    open.as_ref().ok_or_else(|| finished(path))
}

fn finished(path: &Path) -> RunError {
    RunError::damaged(path, "the run is finished and is not written again")
}

/// How many attempts the manifest tells of; a guess that need not be right.
fn attempts(path: &Path) -> usize {
    read_json(&path.join(MANIFEST)).ok().flatten().and_then(|m| m["attempts"].as_array().map(Vec::len)).unwrap_or(0)
}

/// What its files say of a run.
fn standing(path: &Path) -> Result<State, RunError> {
    Ok(match (read_json(&path.join(RESULT))?, path.join(CHECKPOINT).exists()) {
        (Some(result), _) => State::Done(result),
        (None, true) => State::Resumable,
        (None, false) => State::New,
    })
}

fn holds_a_run(path: &Path) -> bool {
    [MANIFEST, COST, METRICS, ARCH, CHECKPOINT, RESULT].iter().any(|f| path.join(f).exists())
}

fn same_configuration(path: &Path, manifest: Value, now: &Identity, hash: &str) -> Result<Value, RunError> {
    let differences = differences(&manifest["identity"], &now.json());
    if !differences.is_empty() {
        return Err(RunError::Different { path: path.to_owned(), differences });
    }
    if manifest["hash"] != hash {
        return Err(RunError::damaged(&path.join(MANIFEST), "its hash is not that of its configuration"));
    }
    Ok(manifest)
}

/// Renames the folder, token and all, and takes the token of a new one.
fn move_aside(path: &Path, mut token: Token, who: Who, disk: &Disk, beat: Duration) -> Result<Token, RunError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = (1u32..).map(|n| path.with_file_name(format!("{name}.old-{n}"))).find(|p| !p.exists());
    let aside = aside.expect("numbers do not end");
    token.check()?;
    disk.rename(path, &aside).map_err(RunError::io("move aside", path))?;
    token.moved(&aside);
    drop(token);
    disk.create_dir_all(path)?;
    Token::take(path, who, disk, beat)
}

//! A configuration run again: everything but data, device and threads comes from its identity.

use super::ReproduceArgs;
use crate::engine::{Engine, Job, Outcome, Source};
use crate::live::{self, Event, Reporter, Run};
use crate::{bench, ui};
use anyhow::{Context, bail};
use kernels::Device;
use kernels::cuda::Mode;
use nas::arch::Arch;
use nas::profile::{Overrides, Profile, Values};
use nas::protocol::{QUIRKS, method_named};
use nas::run::{Facts, Identity, Progress, RunFolder, State, canonical, folder};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tasks::{Provenance, Quirks};

/// A run as events name it.
fn named(identity: &Identity) -> Run {
    Run::new(&identity.task, &identity.method, identity.seed)
}

/// Runs configurations again, in this process.
pub struct Again<'a> {
    engine: &'a dyn Engine,
    data: &'a Path,
    device: Device,
    /// What this process runs with.
    pub facts: Facts,
}

impl<'a> Again<'a> {
    /// Opens the device, sets threads and mode.
    ///
    /// # Errors
    /// If the device is not there.
    pub fn new(args: &'a ReproduceArgs, mode: Mode, engine: &'a dyn Engine) -> anyhow::Result<Self> {
        let (device, facts) = bench::one::set_up(args.device, args.threads, mode)?;
        Ok(Self { engine, data: &args.data, device, facts })
    }

    /// The task's data, which must be those of the run.
    ///
    /// # Errors
    /// If they cannot be had, or are others.
    pub fn source(&self, identity: &Identity, provenance: &str) -> anyhow::Result<Source> {
        let (task, data) = (&identity.task, self.data.display());
        if provenance != Provenance::StandIn.name() && !self.data.join(task).exists() {
            bail!(
                "the run's data of {task} were imported ({provenance}, hash {}), and there are none in {data}; see cargo xtask \
                 data import, or name their folder with --data",
                identity.data
            );
        }
        let mut audience = live::audience(false);
        let mut watch = Reporter::new(named(identity), audience.as_mut());
        let source = self.engine.data(task, &values(identity)?, self.data, &mut watch)?;
        if source.hash != identity.data {
            bail!(
                "other data of {task}: the run's have hash {} ({provenance}), those in {} {} ({}); name the folder of the \
                 run's data with --data",
                identity.data,
                source.dir.display(),
                source.hash,
                source.provenance.name()
            );
        }
        Ok(source)
    }

    /// Runs it below `out`, from wherever it stands there; gives its folder.
    ///
    /// # Errors
    /// If it fails, or the folder is in use or of another configuration.
    pub fn run(
        &self,
        identity: &Identity,
        arch: Option<&Arch>,
        source: &Source,
        out: &Path,
    ) -> anyhow::Result<(PathBuf, Outcome)> {
        let path = folder(out, identity);
        let mut audience = live::audience(false);
        let (profile, out, runs) = (identity.profile.clone(), out.display().to_string(), vec![named(identity)]);
        audience.hear(&Event::Plan { profile, out, runs });
        audience.hear(&Event::Start { run: named(identity) });
        let mut watch = Reporter::new(named(identity), audience.as_mut());
        let mut run = RunFolder::open(&path, identity, &self.facts, false)?;
        if matches!(run.state(), State::Done(_)) {
            watch.note(&format!("run again before, in {}; compared as it stands there", path.display()));
            return Ok((path, Outcome::Done));
        }
        watch.opened(&path);
        let outcome = self.job(identity, arch, source, &mut run, &mut watch)?;
        if outcome == Outcome::Done {
            watch.done();
        }
        Ok((path, outcome))
    }

    fn job(
        &self,
        identity: &Identity,
        arch: Option<&Arch>,
        source: &Source,
        run: &mut RunFolder,
        watch: &mut dyn Progress,
    ) -> anyhow::Result<Outcome> {
        let job = Job {
            task: tasks::by_name(&identity.task)?.facts().name,
            method: method_named(&identity.method).with_context(|| unknown("method", &identity.method))?.name,
            seed: identity.seed,
            profile: identity.profile.parse::<Profile>().map_err(anyhow::Error::msg)?,
            values: &values(identity)?,
            overrides: &overrides(identity)?,
            quirks: &quirks(identity)?,
            device: self.device,
            arch,
            source,
            checkpoint_seconds: 10.0,
        };
        self.engine.run(&job, run, watch)
    }
}

fn unknown(what: &str, name: &str) -> String {
    format!("the manifest's {what} '{name}' is none of this program's")
}

fn values(identity: &Identity) -> anyhow::Result<Values> {
    let map = identity.values.clone().into_iter().collect();
    serde_json::from_value(Value::Object(map)).context("the manifest's values are none of this program's")
}

fn overrides(identity: &Identity) -> anyhow::Result<Overrides> {
    let words: Vec<String> = identity.set.iter().map(|(k, v)| format!("{k}={}", canonical(v))).collect();
    let overrides = Overrides::parse(&words).map_err(anyhow::Error::msg)?;
    if *overrides.map() != identity.set {
        bail!("the manifest's overrides ({}) do not read back", words.join(", "));
    }
    Ok(overrides)
}

fn quirks(identity: &Identity) -> anyhow::Result<Quirks> {
    let named = |name: &String| QUIRKS.iter().find(|q| q.name == name).map(|q| q.name);
    identity.quirks.iter().map(|n| named(n).with_context(|| unknown("quirk", n))).collect()
}

/// The command that runs this configuration below `out`.
pub fn command(identity: &Identity, out: &Path) -> String {
    let Identity { task, method, seed, profile, .. } = identity;
    let mut words = vec![format!("cargo xtask bench {task} {method} --profile {profile} --seeds {seed}")];
    words.extend(identity.set.iter().map(|(k, v)| format!("--set {k}={}", canonical(v))));
    if identity.protocol == nas::protocol::PUBLISHED {
        words.push(format!("--protocol {}", identity.protocol));
    } else {
        words.extend(identity.quirks.iter().map(|q| format!("--quirk {q}")));
    }
    if identity.mode != Mode::Exact {
        words.push(format!("--mode {}", identity.mode));
    }
    if identity.arch.is_some() {
        words.push("--arch FILE".to_owned());
    }
    words.push(format!("--out {}", out.display()));
    words.join(" ")
}

/// Where new runs go: the user's folder, or a temporary one.
pub enum Place {
    /// It stays.
    Given(PathBuf),
    /// It goes unless it is kept.
    Scratch(tempfile::TempDir),
}

impl Place {
    /// The folder of `--out`, else a temporary one.
    ///
    /// # Errors
    /// If no temporary folder can be made.
    pub fn new(out: Option<&Path>) -> anyhow::Result<Self> {
        Ok(match out {
            Some(out) => Self::Given(out.to_owned()),
            None => {
                let made = tempfile::Builder::new().prefix("np360-reproduce-").tempdir();
                Self::Scratch(made.context("cannot make a temporary folder; name one with --out")?)
            }
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Scratch(folder) => folder.path(),
        }
    }

    /// Leaves the folder where it is and says where that is.
    pub fn keep(self) {
        if let Self::Scratch(folder) = self {
            ui::note(&format!(
                "the new run is kept in {}; --out with it goes on or compares again",
                folder.keep().display()
            ));
        }
    }
}

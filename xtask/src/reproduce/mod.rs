//! `reproduce`: a finished run, or every run of a lock file, run again from its recorded configuration and compared.
//!
//! `again` runs a configuration, `compare` finds where two runs first differ, [`lock`] is the file of `bench --lock`,
//! `all` runs what is in one.

mod again;
mod all;
mod args;
pub mod compare;
pub mod lock;
mod recorded;

pub use args::ReproduceArgs;

use crate::engine::{Engine, Outcome};
use crate::{Ended, bench, ui};
use again::{Again, Place};
use anyhow::{Context, bail};
use nas::arch::Arch;
use nas::run::{ARCH, Identity, canonical, folder};
use recorded::Recorded;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// If there is nothing to run again, code or data are others, or the new run fails.
pub fn run(args: &ReproduceArgs, engine: &dyn Engine) -> anyhow::Result<Ended> {
    let path = &args.run;
    if path.is_file() {
        return all::run(&lock::Lock::read(path)?, args, engine);
    }
    if !path.is_dir() {
        bail!("{} is not there; name a run's folder like runs/quick/satellite/wrn/0, or a lock file", path.display());
    }
    one(&Recorded::read(path)?, args, engine)
}

/// Refuses what another version made: bits are promised within one.
fn same_code(what: &str, code: &str, commit: &str) -> anyhow::Result<()> {
    let here = nas::code_version();
    if code != here {
        bail!(
            "{what} was made by code {code} (commit {commit}), this is {here}: other bits are to be expected; build that version to reproduce it"
        );
    }
    Ok(())
}

fn one(recorded: &Recorded, args: &ReproduceArgs, engine: &dyn Engine) -> anyhow::Result<Ended> {
    let Recorded { folder: then, identity, .. } = recorded;
    same_code(&then.display().to_string(), &identity.code, &recorded.then("commit"))?;
    // Of `--arch` the run keeps what it was given: the same network and values.
    let arch = identity.arch.as_ref().map(|_| Arch::read(&then.join(ARCH))).transpose()?;
    let place = Place::new(args.out.as_deref())?;
    not_itself(then, place.path(), identity)?;
    let again = Again::new(args, identity.mode, engine)?;
    let source = again.source(identity, recorded.provenance())?;
    bench::stop_on_signals();
    ui::line(&format!("{} {} seed {}, profile {}", identity.task, identity.method, identity.seed, identity.profile));
    ui::line(&ui::table(&["", "then", "now"], &[false; 3], &recorded.beside(&again.facts)));
    if let Some(hash) = &identity.arch {
        ui::line(&format!("of an architecture given with --arch (hash {hash}): the run's own {ARCH} is taken"));
    }
    let (now, outcome) = match again.run(identity, arch.as_ref(), &source, place.path()) {
        Ok(ran) => ran,
        Err(e) => {
            place.keep();
            return Err(e);
        }
    };
    if outcome == Outcome::Interrupted {
        place.keep();
        return Ok(Ended::Interrupted);
    }
    let compared = compare::compare(then, &now)?;
    let value = |v: &serde_json::Value| canonical(&v["value"]);
    ui::line(&format!("{}: {}", recorded.result["metric"].as_str().unwrap_or("value"), value(&recorded.result)));
    match compared {
        Ok(same) => {
            ui::line(&format!("same bits: {}", same.join(", ")));
            Ok(Ended::Well)
        }
        Err(first) => {
            place.keep();
            ui::line(&format!("first difference: {first}"));
            Ok(Ended::Failed)
        }
    }
}

/// Refuses a folder for the new run in which the old one lies: it would be compared with itself.
fn not_itself(then: &Path, out: &Path, identity: &Identity) -> anyhow::Result<()> {
    let now = folder(out, identity);
    if let Ok(real) = now.canonicalize()
        && real == then.canonicalize().with_context(|| format!("cannot read {}", then.display()))?
    {
        bail!("--out {}: the run to be reproduced lies there; choose another folder", out.display());
    }
    Ok(())
}

//! Every run of a lock file, run again and compared by digests: what a stranger does.

use super::again::{Again, Place};
use super::lock::{Lock, Run};
use super::recorded::Recorded;
use super::{ReproduceArgs, same_code};
use crate::engine::{Engine, Outcome, Source};
use crate::{Ended, bench, ui};
use anyhow::{Context, bail};
use nas::run::canonical;
use std::collections::BTreeMap;
use std::path::Path;

/// Runs the command on a lock.
///
/// # Errors
/// If the lock is another version's, or the device is not there. Runs that fail or have other data are reported one by one;
/// the others are run.
pub fn run(lock: &Lock, args: &ReproduceArgs, engine: &dyn Engine) -> anyhow::Result<Ended> {
    let commits = lock.commits.iter().cloned().collect::<Vec<_>>().join(", ");
    same_code(&args.run.display().to_string(), &lock.code, &commits)?;
    let again = Again::new(args, lock.mode()?, engine)?;
    let place = Place::new(args.out.as_deref())?;
    bench::stop_on_signals();
    let facts = &again.facts;
    let mut head = format!(
        "{} runs of profile {}, protocol {}, seeds {:?}, made by commit {commits}; now commit {}, device {}, {} threads, SIMD {}",
        lock.runs.len(),
        lock.profile,
        lock.protocol,
        lock.seeds,
        facts.commit,
        facts.device,
        facts.threads,
        facts.simd
    );
    if !lock.cudnn.is_empty() {
        let then: Vec<&str> = lock.cudnn.iter().map(String::as_str).collect();
        head += &format!("; cuDNN {} then, {} now", then.join(", "), facts.cudnn.as_deref().unwrap_or("none"));
    }
    ui::line(&head);
    let (mut rows, mut same, mut interrupted) = (Vec::new(), 0, false);
    let mut sources = BTreeMap::new();
    for then in &lock.runs {
        let row = |now: String, bits: String| {
            let cell = [&then.task, &then.method].map(String::clone);
            cell.into_iter().chain([then.seed.to_string(), canonical(&then.value), now, bits]).collect::<Vec<String>>()
        };
        match one(lock, then, &again, &mut sources, place.path()) {
            Ok(None) => {
                interrupted = true;
                break;
            }
            Ok(Some(now)) => {
                let first = then.first_difference(&now);
                same += usize::from(first.is_none());
                let bits = first.map_or_else(|| "same bits".to_owned(), |f| format!("first difference: {f}"));
                rows.push(row(canonical(&now.value), bits));
            }
            Err(e) => {
                ui::error(&e.context(format!("{} {} seed {}", then.task, then.method, then.seed)));
                rows.push(row("-".to_owned(), "not run".to_owned()));
            }
        }
    }
    if !rows.is_empty() {
        let head = ["task", "method", "seed", "value then", "now", "bits"];
        ui::line(&ui::table(&head, &[false, false, true, true, true, false], &rows));
    }
    let all = lock.runs.len();
    if interrupted {
        place.keep();
        ui::note(&format!(
            "interrupted after {} of {all} runs; the same command with --out goes on from here",
            rows.len()
        ));
        return Ok(Ended::Interrupted);
    }
    if same < all {
        place.keep();
    }
    ui::line(&format!("{same} of {all} runs: same bits"));
    Ok(if same == all { Ended::Well } else { Ended::Failed })
}

/// Runs one again; `None`: interrupted.
fn one(
    lock: &Lock,
    then: &Run,
    again: &Again<'_>,
    sources: &mut BTreeMap<String, Source>,
    out: &Path,
) -> anyhow::Result<Option<Run>> {
    if nas::run::interrupt::requested() {
        return Ok(None);
    }
    let data = lock.tasks.get(&then.task).with_context(|| format!("the lock has no data of {}", then.task))?;
    let identity = lock.identity(&then.task, &then.method, then.seed, &data.data)?;
    if identity.hash() != then.configuration {
        bail!("the lock's values are not those of this program's profile {}", lock.profile);
    }
    let source = match sources.get(&then.task) {
        Some(source) => source,
        None => {
            let source = again.source(&identity, &data.provenance)?;
            sources.entry(then.task.clone()).or_insert(source)
        }
    };
    let (folder, outcome) = again.run(&identity, lock.arch.as_ref().map(|a| &a.content), source, out)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    Ok(Some(Run::of(&Recorded::read(&folder)?)?))
}

//! How long cells would take here: [`nas::course`] says what passes, `probe` finds what a step takes, by running a few.
//!
//! What was measured is kept in `<out>/step-times.json`, for this code, machine, device and configuration.

mod probe;
mod timer;

use crate::bench::one::set_up;
use crate::cells::Cell;
use crate::cli::BenchArgs;
use crate::ui;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nas::methods;
use nas::profile::{Overrides, Profile, Values};
use nas::run::canonical;
use probe::{Measured, Probe};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The file of what was measured, in the folder of runs.
pub const TIMES: &str = "step-times.json";

/// Hours of one run of each cell; why not, where they cannot be told.
pub type Hours = Vec<Result<f64, String>>;

/// Estimates the time of every cell, measuring what was not measured before.
///
/// # Errors
/// If the device is not there, or there is no room for scratch files.
pub fn hours(args: &BenchArgs, cells: &[Cell], overrides: &Overrides) -> anyhow::Result<Hours> {
    let (device, _) = set_up(args.device, args.threads, args.mode)?;
    let scratch =
        tempfile::Builder::new().prefix("np360-steps-").tempdir().context("cannot make a temporary folder")?;
    let probe = Probe { profile: args.profile, set: &args.set, device, scratch: scratch.path() };
    let mut times = Times::read(&args.out);
    let mut wanted = Vec::new();
    for cell in cells {
        let want = Wanted::of(*cell, cells, args, overrides)?;
        if !wanted.iter().any(|w: &Wanted| w.key == want.key) {
            wanted.push(want);
        }
    }
    wanted.retain(|w| !times.all.contains_key(&w.key));
    let failed = measure(&wanted, &probe, &mut times)?;
    cells
        .iter()
        .map(|cell| {
            let want = Wanted::of(*cell, cells, args, overrides)?;
            let Some(measured) = times.all.get(&want.key) else {
                return Ok(Err(failed.get(&want.key).cloned().unwrap_or_else(|| "not measured".to_owned())));
            };
            let (task, method) = (tasks::by_name(cell.task)?, methods::by_name(cell.method).context("not built")?);
            let values = args.profile.values(cell.task, cell.method).with(overrides);
            let scaled = args.profile != Profile::Paper;
            let hours = measured.hours(method, task.facts(), &values, scaled, want.sibling);
            Ok(hours.map_err(|leg| format!("no step of its {leg} was timed")))
        })
        .collect()
}

/// Measures cells one by one, writing down each; gives why those failed that did.
fn measure(wanted: &[Wanted], probe: &Probe<'_>, times: &mut Times) -> anyhow::Result<BTreeMap<String, String>> {
    let (mut failed, begun) = (BTreeMap::new(), Instant::now());
    if wanted.is_empty() {
        return Ok(failed);
    }
    if let Some((load, cores)) = busy() {
        ui::note(&format!(
            "this machine is busy (load {load:.1} on {cores} cores): steps, and so the estimates, are longer than when it is not"
        ));
    }
    let kept = times.path.display().to_string();
    let bar = ui::watched().then(|| {
        let bar = ProgressBar::with_draw_target(Some(wanted.len() as u64), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("measuring steps: {msg}  [{bar:12}] {pos}/{len}  {elapsed}, {eta} left");
        bar.set_style(style.expect("a valid template").progress_chars("=> "));
        bar
    });
    if bar.is_none() {
        ui::note(&format!("measuring steps of {} cells, once ({kept} keeps them)", wanted.len()));
    }
    for want in wanted {
        let Cell { task, method } = want.cell;
        if let Some(bar) = &bar {
            bar.set_message(format!("{task} {method}"));
        }
        let (task, method) = (tasks::by_name(task)?, methods::by_name(method).context("selected as built")?);
        match probe.measure(task, method, &want.values) {
            Ok(measured) => {
                times.all.insert(want.key.clone(), measured);
                times.write();
            }
            Err(e) => {
                failed.insert(want.key.clone(), format!("{e:#}"));
            }
        }
        if let Some(bar) = &bar {
            bar.inc(1);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    ui::note(&format!(
        "measured steps of {} cells in {}; {kept} keeps them",
        wanted.len() - failed.len(),
        ui::duration(begun.elapsed().as_secs_f64())
    ));
    Ok(failed)
}

/// A cell whose steps are to be known.
struct Wanted {
    /// The task, and the method whose steps they are.
    cell: Cell,
    /// Its values.
    values: Values,
    /// Whether the method's sibling is among the cells.
    sibling: bool,
    /// Of all that the times depend on.
    key: String,
}

impl Wanted {
    fn of(cell: Cell, cells: &[Cell], args: &BenchArgs, overrides: &Overrides) -> anyhow::Result<Self> {
        let method = methods::by_name(cell.method).context("selected as built")?.steps_of();
        let sibling = cells.iter().any(|c| c.task == cell.task && c.method == "densenas");
        let values = args.profile.values(cell.task, method).with(overrides);
        let key = json!({
            "code": nas::code_version(),
            "machine": machine(),
            "threads": kernels::pool::threads(),
            "simd": kernels::simd::level().to_string(),
            "device": args.device.to_string(),
            "mode": args.mode.to_string(),
            "task": cell.task,
            "method": method,
            "profile": args.profile.name(),
            "values": values.map(),
        });
        let key = format!("{} {method} {}", cell.task, &blake3::hash(canonical(&key).as_bytes()).to_hex()[..16]);
        Ok(Self { cell: Cell { task: cell.task, method }, values, sibling, key })
    }
}

/// The load, and cores, of a machine that has other work.
fn busy() -> Option<(f64, usize)> {
    let load = std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (load > 0.5 * cores as f64).then_some((load, cores))
}

/// The processor's name.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// What was measured, by [`Wanted::key`].
struct Times {
    path: PathBuf,
    all: BTreeMap<String, Measured>,
}

impl Times {
    /// What is in the folder of runs; nothing, if it cannot be read: it is then measured again.
    fn read(out: &Path) -> Self {
        let path = out.join(TIMES);
        let bytes = std::fs::read(&path).unwrap_or_default();
        Self { all: serde_json::from_slice(&bytes).unwrap_or_default(), path }
    }

    /// Keeps it; a folder that cannot be written costs time alone.
    fn write(&self) {
        let text = serde_json::to_string_pretty(&self.all).expect("plain data") + "\n";
        if let Err(e) = crate::reproduce::lock::put(&self.path, text.as_bytes()) {
            ui::note(&format!("{} is not kept: {e}", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_and_damage_is_measured_again() {
        let scratch = tempfile::tempdir().unwrap();
        let mut times = Times::read(scratch.path());
        let one = Measured { seconds: vec![Some(0.1 + 0.2), None], multiply_adds: 3, train: 1.5, val: 1.0 };
        times.all.insert("a".to_owned(), one.clone());
        times.write();
        assert_eq!(Times::read(scratch.path()).all["a"], one);
        std::fs::write(scratch.path().join(TIMES), "{").unwrap();
        assert!(Times::read(scratch.path()).all.is_empty());
    }
}

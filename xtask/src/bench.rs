//! `bench`: every chosen cell and seed in its folder, then the table.

use crate::cells::{Cell, select};
use crate::cli::BenchArgs;
use crate::engine::{Engine, Job, Outcome, Source};
use crate::{Ended, Usage, dry_run, progress, reproduce, table, ui};
use anyhow::Context;
use kernels::Device;
use kernels::cuda::{self, Mode, cudnn};
use nas::arch::Arch;
use nas::profile::{Overrides, Values};
use nas::protocol::{Asked, method_named};
use nas::run::{Facts, Identity, Progress, RunFolder, State, folder, interrupt};
use std::collections::BTreeSet;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// If the command line asks for what is not there. Cells that fail are reported one by one; the others are run.
pub fn run(args: &BenchArgs, engine: &dyn Engine) -> anyhow::Result<Ended> {
    let overrides = Overrides::parse(&args.set).map_err(Usage)?;
    let asked = Asked::parse(&args.protocol, &args.quirk).map_err(Usage)?;
    if args.dry_run {
        return dry_run::run(args, &overrides);
    }
    let cells = select(&args.words, &|task, method| engine.built(task, method))?;
    if let Some(idle) = asked.idle(cells.iter().map(|c| (c.task, c.method))).first() {
        return Err(Usage(format!("--quirk {idle} changes none of the chosen cells")).into());
    }
    if let Some(idle) = overrides.idle(cells.iter().map(|c| c.method)).first() {
        return Err(Usage(format!("--set {idle} changes none of the chosen cells")).into());
    }
    let arch = args.arch.as_deref().map(|path| given(path, &cells)).transpose()?;
    let device = args.device.open().map_err(anyhow::Error::msg)?;
    if let Some(threads) = args.threads {
        kernels::pool::set_threads(usize::from(threads));
    }
    let mut seeds = if args.seeds.is_empty() { args.profile.seeds().to_vec() } else { args.seeds.clone() };
    let mut seen = BTreeSet::new();
    seeds.retain(|s| seen.insert(*s));
    stop_on_signals();
    let facts = Facts { cudnn: speed(args), ..facts(args) };
    let bench = Bench { args, engine, overrides, asked, arch, facts, device };
    let (mut good, mut ended) = (Vec::new(), Ended::Well);
    for cell in in_turn(&cells) {
        match bench.cell(cell, &seeds) {
            Ok(Ended::Interrupted) => {
                good.push(cell);
                ended = Ended::Interrupted;
                break;
            }
            Ok(_) => good.push(cell),
            Err(e) => {
                ui::error(&e);
                ended = Ended::Failed;
            }
        }
    }
    good.sort_by_key(|cell| cells.iter().position(|c| c == cell));
    let rows = table::collect(&args.out, args.profile, &good, &seeds)?;
    if !rows.is_empty() {
        ui::line(&table::render(&rows, args.profile, &args.out));
    }
    if ended == Ended::Interrupted {
        ui::note("interrupted; the same command goes on from here");
    }
    if let Some(file) = &args.lock {
        let asked = (&bench.overrides, &bench.asked, bench.arch.as_ref());
        reproduce::lock::write(file, args, asked, &in_turn(&cells), &seeds)?;
    }
    Ok(ended)
}

/// The cells in the order in which they run: a method after the one it is like, which on the same task may have found what it
/// needs (DenseNAS's random search is bounded by what DenseNAS found).
fn in_turn(cells: &[Cell]) -> Vec<Cell> {
    let like = |cell: &Cell| method_named(cell.method).and_then(|m| m.like);
    let mut turn: Vec<Cell> = Vec::new();
    for cell in cells {
        turn.push(*cell);
        let waiting = |c: &Cell| c.task == cell.task && like(c) == Some(cell.method);
        if let Some(i) = turn.iter().position(waiting) {
            let later = turn.remove(i);
            turn.push(later);
        }
    }
    turn
}

/// Reads the file of `--arch` and its hash; refuses one that the chosen cells cannot train.
fn given(path: &Path, cells: &[Cell]) -> anyhow::Result<(Arch, String)> {
    let arch = Arch::read(path)?;
    let family = nas::arch::family(&arch.network)?.name;
    for cell in cells {
        let (task, method) = (tasks::by_name(cell.task)?, nas::methods::by_name(cell.method));
        let families = method.map_or(&[][..], |m| m.families());
        let name = path.display();
        if !families.contains(&family) {
            let theirs = families.join(", ");
            let what = format!("--arch {name}: {} trains networks of family {theirs}, this is '{family}'", cell.method);
            return Err(Usage(format!("{what}; name a method that finds such networks")).into());
        }
        if arch.kind != task.facts().kind {
            let what = format!("--arch {name}: its network is for tasks like {}, not for {}", arch.task, cell.task);
            return Err(Usage(format!("{what}; choose a task with answers of the same kind")).into());
        }
    }
    let hash = blake3::hash(&std::fs::read(path)?).to_hex().to_string();
    Ok((arch, hash))
}

/// The first signal asks runs to stop, the second ends the process.
pub(crate) fn stop_on_signals() {
    // Installing twice fails, in tests that run two commands in one process; the first handler does the same.
    let _ = ctrlc::set_handler(|| {
        if interrupt::request() {
            std::process::exit(130);
        }
        ui::note("stopping after this step; once more to stop at once");
    });
}

fn facts(args: &BenchArgs) -> Facts {
    Facts {
        commit: commit(),
        device: args.device.to_string(),
        simd: kernels::simd::level().to_string(),
        threads: kernels::pool::threads(),
        cudnn: None,
    }
}

/// Sets the mode; what computes convolutions in speed mode, where it is cuDNN, else says so.
fn speed(args: &BenchArgs) -> Option<String> {
    cuda::set_mode(args.mode);
    if args.mode == Mode::Exact {
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
pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output =
            std::process::Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "HEAD"]) else { return "unknown".to_owned() };
    let clean = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| s.is_empty());
    if clean { head } else { format!("{head}-dirty") }
}

struct Bench<'a> {
    args: &'a BenchArgs,
    engine: &'a dyn Engine,
    overrides: Overrides,
    asked: Asked,
    /// The architecture of `--arch`, and the hash of its file.
    arch: Option<(Arch, String)>,
    facts: Facts,
    device: Device,
}

impl Bench<'_> {
    fn cell(&self, cell: Cell, seeds: &[u64]) -> anyhow::Result<Ended> {
        let name = format!("{} {}", cell.task, cell.method);
        let values = self.args.profile.values(cell.task, cell.method).with(&self.overrides);
        let source = {
            let mut watch = progress::watcher(&name);
            self.engine.data(cell.task, &values, &self.args.data, watch.as_mut()).with_context(|| name.clone())?
        };
        for seed in seeds {
            let name = format!("{name} seed {seed}");
            let mut watch = progress::watcher(&name);
            let outcome = self.seed(cell, *seed, &values, &source, watch.as_mut()).with_context(|| name.clone())?;
            if outcome == Outcome::Interrupted {
                return Ok(Ended::Interrupted);
            }
        }
        Ok(Ended::Well)
    }

    fn seed(
        &self,
        cell: Cell,
        seed: u64,
        values: &Values,
        source: &Source,
        watch: &mut dyn Progress,
    ) -> anyhow::Result<Outcome> {
        if interrupt::requested() {
            return Ok(Outcome::Interrupted);
        }
        let identity = self.identity(cell, seed, values, source);
        let path = folder(&self.args.out, &identity);
        let mut run = RunFolder::open(&path, &identity, &self.facts, self.args.fresh)?;
        if matches!(run.state(), State::Done(_)) {
            watch.note("done before; not run again");
            return Ok(Outcome::Done);
        }
        for notice in &source.notices {
            watch.note(notice);
        }
        let job = Job {
            task: cell.task,
            method: cell.method,
            seed,
            profile: self.args.profile,
            values,
            overrides: &self.overrides,
            arch: self.arch.as_ref().map(|(arch, _)| arch),
            quirks: &self.asked.of(cell.task, cell.method),
            device: self.device,
            source,
            checkpoint_seconds: self.args.checkpoint_seconds,
        };
        self.engine.run(&job, &mut run, watch)
    }

    fn identity(&self, cell: Cell, seed: u64, values: &Values, source: &Source) -> Identity {
        Identity {
            task: cell.task.to_owned(),
            method: cell.method.to_owned(),
            seed,
            protocol: self.asked.protocol().to_owned(),
            quirks: self.asked.of(cell.task, cell.method).names().map(str::to_owned).collect(),
            mode: self.args.mode,
            profile: self.args.profile.name().to_owned(),
            values: values.map(),
            set: self.overrides.of(cell.method).map().clone(),
            arch: self.arch.as_ref().map(|(_, hash)| hash.clone()),
            data: source.hash.clone(),
            code: nas::code_version(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use anyhow::bail;
    use serde_json::{Value, json};
    use std::cell::RefCell;
    use tasks::Provenance;

    /// Three cells; "training" writes a line an epoch.
    #[derive(Default)]
    pub(crate) struct Fake {
        ran: RefCell<Vec<String>>,
        fail: bool,
        stop_after: Option<u64>,
    }

    impl Engine for Fake {
        fn built(&self, task: &str, method: &str) -> bool {
            [("satellite", "wrn"), ("satellite", "gaea"), ("deepsea", "wrn")].contains(&(task, method))
        }

        fn data(&self, _: &str, _: &Values, data: &Path, _: &mut dyn Progress) -> anyhow::Result<Source> {
            Ok(Source { dir: data.into(), hash: "d".into(), provenance: Provenance::Partial, notices: vec![] })
        }

        fn run(&self, job: &Job<'_>, run: &mut RunFolder, watch: &mut dyn Progress) -> anyhow::Result<Outcome> {
            self.ran.borrow_mut().push(format!("{} {} {}", job.task, job.method, job.seed));
            if self.fail && job.method == "gaea" {
                bail!("the loss is NaN");
            }
            let mut epoch = 0;
            if let Some(c) = run.resume()? {
                let c: Value = serde_json::from_slice(&c.bytes)?;
                epoch = c["epoch"].as_u64().unwrap();
                run.truncate_metrics(c["len"].as_u64().unwrap())?;
            }
            let total = job.values.epochs as u64;
            watch.stage("final", epoch as usize, total as usize);
            while epoch < total {
                epoch += 1;
                run.append_metrics(&json!({"epoch": epoch}))?;
                run.save_checkpoint(json!({"epoch": epoch, "len": run.metrics_len()}).to_string().as_bytes())?;
                watch.epoch(epoch as usize, Some(("error", 50.0)));
                if self.stop_after == Some(epoch) {
                    return Ok(Outcome::Interrupted);
                }
            }
            run.write_arch(&json!({}))?;
            run.write_result(&json!({"task": job.task, "method": job.method, "seed": job.seed, "metric": "0-1 error",
                "value": 20.0 + job.seed as f64, "secondary": {}, "data": job.source.json(), "parameters": 1,
                "multiply_adds": 1, "digest": "d"}))?;
            Ok(Outcome::Done)
        }
    }

    fn bench(line: &str, out: &Path, engine: &Fake) -> anyhow::Result<Ended> {
        use clap::Parser;
        let words = format!("xtask bench {line} --out {0} --data {0}", out.display());
        match crate::cli::Cli::try_parse_from(words.split_whitespace())?.command {
            crate::cli::Command::Bench(args) => run(&args, engine),
            _ => unreachable!(),
        }
    }

    #[test]
    fn cells_are_run_once_resumed_and_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let (out, engine) = (scratch.path(), Fake { stop_after: Some(1), ..Fake::default() });
        assert_eq!(bench("satellite wrn --set epochs=3", out, &engine).unwrap(), Ended::Interrupted);
        let engine = Fake::default();
        assert_eq!(bench("satellite wrn --set epochs=3 --threads 1", out, &engine).unwrap(), Ended::Well);
        let run = out.join("quick/satellite/wrn/0");
        assert_eq!(std::fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count(), 3);
        assert_eq!(bench("satellite wrn --set epochs=3", out, &engine).unwrap(), Ended::Well);
        assert_eq!(engine.ran.take(), ["satellite wrn 0"], "finished cells are not run again");
        // Another configuration: refused, the rest goes on.
        assert_eq!(bench("wrn --set epochs=2", out, &engine).unwrap(), Ended::Failed);
        assert_eq!(engine.ran.take(), ["deepsea wrn 0"]);
        assert_eq!(bench("satellite wrn --set epochs=2 --fresh", out, &engine).unwrap(), Ended::Well);
        assert!(out.join("quick/satellite/wrn/0.old-1/result.json").exists());
        let failing = Fake { fail: true, ..Fake::default() };
        assert_eq!(bench("all --profile smoke --seeds 0,1,0", out, &failing).unwrap(), Ended::Failed);
        assert_eq!(failing.ran.take().len(), 5, "two seeds of two cells, and the one that fails");
        let wrn = Cell { task: "satellite", method: "wrn" };
        let rows = table::collect(out, nas::profile::Profile::Smoke, &[wrn], &[0, 1, 2]).unwrap();
        assert_eq!(rows[0].values, [(0, 20.0), (1, 21.0)]);
        assert!(rows[0].partial && !rows[0].stand_in && rows[0].hours > 0.0);
    }

    #[test]
    fn the_mode_is_part_of_what_a_run_is() {
        let scratch = tempfile::tempdir().unwrap();
        let (out, engine) = (scratch.path(), Fake::default());
        assert_eq!(bench("satellite wrn --mode speed", out, &engine).unwrap(), Ended::Well);
        let manifest = std::fs::read(out.join("quick/satellite/wrn/0/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let attempt = &manifest["attempts"][0];
        assert_eq!((&manifest["identity"]["mode"], &attempt["mode"]), (&json!("speed"), &json!("speed")));
        assert_eq!(attempt["cudnn"], Value::Null, "nothing of it was computed on a card");
        assert_eq!(bench("satellite wrn", out, &engine).unwrap(), Ended::Failed, "another configuration");
        assert_eq!(bench("satellite wrn --mode speed", out, &engine).unwrap(), Ended::Well);
        assert_eq!(engine.ran.take().len(), 1);
    }

    #[test]
    fn a_method_runs_after_the_one_it_is_like() {
        let cell = |task, method| Cell { task, method };
        let cells = ["wrn", "densenas-random", "densenas", "wrn-asha"].map(|m| cell("ecg", m));
        let methods: Vec<&str> = in_turn(&cells).iter().map(|c| c.method).collect();
        assert_eq!(methods, ["wrn", "densenas", "densenas-random", "wrn-asha"]);
        let other = [cell("ecg", "densenas-random"), cell("darcy", "densenas")];
        assert_eq!(in_turn(&other), other);
    }

    #[test]
    fn wrong_usage_is_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        for line in [
            "satelite",
            "--set epoch=3",
            "darcy wrn",
            "--quirk x",
            "--protocol paper",
            "satellite wrn --quirk sky-at-test",
        ] {
            assert!(bench(line, scratch.path(), &Fake::default()).unwrap_err().is::<Usage>(), "{line}");
        }
        for line in ["--threads 0", "--profile huge", "--seeds x", "--device tpu", "--mode fast"] {
            assert!(bench(line, scratch.path(), &Fake::default()).unwrap_err().is::<clap::Error>(), "{line}");
        }
    }
}

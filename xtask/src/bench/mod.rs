//! `bench`: every chosen cell and seed in its folder, then the table.

pub mod child;
pub mod engines;
pub mod local;
pub mod one;
pub mod plan;
pub mod slurm;

use crate::cells::Cell;
use crate::cli::BenchArgs;
use crate::engine::Engine;
use crate::live::{self, Audience, Event};
use crate::{Ended, dry_run, reproduce, table, ui};
use nas::run::interrupt;
use one::{One, Standing};
use plan::{Plan, Request};

/// Runs the command.
///
/// # Errors
/// If the command line asks for what is not there. Cells that fail are reported one by one; the others are run.
pub fn run(args: &BenchArgs, engine: &dyn Engine) -> anyhow::Result<Ended> {
    if args.dry_run {
        return dry_run::run(args);
    }
    args.engine.check()?;
    let request = Request::parse(args, engine)?;
    let plan = &request.plan;
    let one = One::new(args, &request, engine)?;
    stop_on_signals();
    let mut audience = live::audience(args.json);
    if args.engine.help_trials {
        plan.work.iter().try_for_each(|work| one.help(work, audience.as_mut()))?;
        return Ok(if interrupt::requested() { Ended::Interrupted } else { Ended::Well });
    }
    audience.hear(&plan.event(args));
    let standings = engines::run(args, plan, &one, audience.as_mut())?;
    audience.hear(&end(&standings));
    drop(audience);
    let ended = finish(args, plan, &standings)?;
    if let Some(file) = &args.lock {
        let asked = (&request.overrides, &request.asked, request.arch.as_ref());
        reproduce::lock::write(file, args, asked, plan)?;
    }
    Ok(ended)
}

/// Makes the runs in this process, in order. What follows a failed seed of the same cell is left.
fn one_by_one(one: &One<'_>, plan: &Plan, audience: &mut dyn Audience) -> Vec<Standing> {
    let mut standings = vec![Standing::Waiting; plan.work.len()];
    for (i, work) in plan.work.iter().enumerate() {
        if failed(plan, &standings, work.cell) {
            continue;
        }
        standings[i] = one.run(work, audience);
        if standings[i] == Standing::Interrupted {
            break;
        }
    }
    standings
}

/// Whether a run of the cell failed.
fn failed(plan: &Plan, standings: &[Standing], cell: Cell) -> bool {
    plan.work.iter().zip(standings).any(|(w, s)| w.cell == cell && *s == Standing::Failed)
}

/// The event that comes last.
fn end(standings: &[Standing]) -> Event {
    let count = |what| standings.iter().filter(|s| **s == what).count();
    let (done, failed) = (count(Standing::Done), count(Standing::Failed));
    Event::End { done, failed, left: standings.len() - done - failed }
}

/// Prints the table of the cells that were run, but of those that failed; says how the command ended.
fn finish(args: &BenchArgs, plan: &Plan, standings: &[Standing]) -> anyhow::Result<Ended> {
    let run = |cell: &Cell| plan.work.iter().zip(standings).any(|(w, s)| w.cell == *cell && *s != Standing::Waiting);
    let good: Vec<Cell> = plan.cells.iter().copied().filter(|c| run(c) && !failed(plan, standings, *c)).collect();
    if !args.json {
        let rows = table::collect(&args.out, args.profile, &good, &plan.seeds)?;
        if !rows.is_empty() {
            ui::line(&table::render(&rows, args.profile, &args.out));
        }
    }
    if standings.contains(&Standing::Interrupted) || interrupt::requested() {
        ui::note("interrupted; the same command goes on from here");
        return Ok(Ended::Interrupted);
    }
    Ok(if standings.contains(&Standing::Failed) { Ended::Failed } else { Ended::Well })
}

/// The first signal asks runs to stop, the second ends the process.
pub(crate) fn stop_on_signals() {
    // Installing twice fails, in tests that run two commands in one process; the first handler does the same.
    let _ = ctrlc::set_handler(|| {
        if interrupt::request() {
            ui::leave();
            std::process::exit(130);
        }
        ui::note("stopping after this step; once more to stop at once");
    });
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Usage;
    use crate::engine::{Job, Outcome, Source};
    use anyhow::bail;
    use nas::profile::Values;
    use nas::run::{Progress, RunFolder};
    use serde_json::{Value, json};
    use std::cell::RefCell;
    use std::path::Path;
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

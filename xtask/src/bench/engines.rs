//! Who makes the runs: this process, several on this machine, or a cluster.

use super::one::{One, Standing};
use super::plan::Plan;
use super::{local, one_by_one, slurm};
use crate::Usage;
use crate::cli::BenchArgs;
use crate::live::{Audience, Event};
use crate::ui;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where runs are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// On this machine
    #[default]
    Local,
    /// As jobs of a Slurm cluster, whose machines share the folders of --out and --data
    Slurm,
}

/// The flags about that.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who makes the runs")]
pub struct EngineArgs {
    /// local: this machine; slurm: jobs of a cluster, whose machines share the folders of --out and --data
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE", hide_possible_values = true)]
    pub engine: Engine,
    /// Runs side by side on this machine, each with its share of the threads
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Slurm's partition
    #[arg(long, value_name = "PARTITION")]
    pub partition: Option<String>,
    /// Cards a job asks Slurm for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub gpus: Option<u16>,
    /// The most jobs that Slurm runs at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub array_limit: Option<u32>,
    /// Anything else for sbatch (--sbatch=--time=12:00:00); may be given several times
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// These runs are a part of a larger command: a --set or --quirk that changes none of them is for others
    #[arg(long, hide = true)]
    pub part: bool,
    /// Make no run: help the process that makes it with its search's trials
    #[arg(long, hide = true)]
    pub help_trials: bool,
}

impl EngineArgs {
    /// Refuses flags of the other engine.
    ///
    /// # Errors
    /// Names one.
    pub fn check(&self) -> Result<(), Usage> {
        let slurms = [
            ("--partition", self.partition.is_some()),
            ("--gpus", self.gpus.is_some()),
            ("--array-limit", self.array_limit.is_some()),
            ("--sbatch", !self.sbatch.is_empty()),
        ];
        match self.engine {
            Engine::Slurm if self.jobs > 1 => Err(Usage(
                "--jobs is for --engine local; with --engine slurm --array-limit says how many run at once".into(),
            )),
            Engine::Local => match slurms.iter().find(|(_, given)| *given) {
                Some((flag, _)) => Err(Usage(format!("{flag} is for --engine slurm"))),
                None => Ok(()),
            },
            Engine::Slurm => Ok(()),
        }
    }
}

/// Makes the runs.
///
/// # Errors
/// What the engine says; runs that fail are told of instead.
pub fn run(args: &BenchArgs, plan: &Plan, one: &One<'_>, audience: &mut dyn Audience) -> anyhow::Result<Vec<Standing>> {
    match (args.engine.engine, args.engine.jobs) {
        (Engine::Local, 1) => Ok(one_by_one(one, plan, audience)),
        (Engine::Local, _) => local::run(args, plan, one, audience),
        (Engine::Slurm, _) => slurm::run(args, plan, one, audience),
    }
}

/// The folders of the runs that are to be made by others, whose data are there then; of the rest, how they stand.
pub(super) fn made_ready(
    one: &One<'_>,
    plan: &Plan,
    audience: &mut dyn Audience,
) -> (Vec<Option<PathBuf>>, Vec<Standing>) {
    let mut paths = vec![None; plan.work.len()];
    let mut standings = vec![Standing::Waiting; plan.work.len()];
    for (i, work) in plan.work.iter().enumerate() {
        match one.ready(work, audience) {
            Ok((_, Some(done))) => {
                standings[i] = Standing::Done;
                audience.hear(&done);
            }
            Ok((path, None)) => paths[i] = Some(path),
            Err(e) => {
                standings[i] = Standing::Failed;
                audience.hear(&Event::Failed { run: work.run(), error: ui::one_line(&e) });
            }
        }
    }
    (paths, standings)
}

//! What a command line asks for, as a list of runs.

use crate::Usage;
use crate::cells::{Cell, select};
use crate::cli::BenchArgs;
use crate::engine::Engine;
use crate::live::{Event, Run};
use nas::arch::Arch;
use nas::profile::Overrides;
use nas::protocol::{Asked, method_named};
use std::collections::BTreeSet;
use std::path::Path;

/// What is asked for, checked.
#[derive(Debug)]
pub struct Request {
    /// What `--set` gave.
    pub overrides: Overrides,
    /// Protocol and quirks.
    pub asked: Asked,
    /// The architecture of `--arch`, and the hash of its file.
    pub arch: Option<(Arch, String)>,
    /// The runs.
    pub plan: Plan,
}

/// One run to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Task and method.
    pub cell: Cell,
    /// The seed.
    pub seed: u64,
    /// The run, by its place in [`Plan::work`], that is to end first, well or not: this one reads what that one found.
    pub after: Option<usize>,
}

impl Work {
    /// As events name it.
    pub fn run(&self) -> Run {
        Run::new(self.cell.task, self.cell.method, self.seed)
    }
}

/// All runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The cells in the order of the tables.
    pub cells: Vec<Cell>,
    /// The seeds of each.
    pub seeds: Vec<u64>,
    /// The runs in the order in which one process makes them.
    pub work: Vec<Work>,
}

impl Request {
    /// Reads the command line.
    ///
    /// # Errors
    /// If it asks for what is not there.
    pub fn parse(args: &BenchArgs, engine: &dyn Engine) -> anyhow::Result<Self> {
        let overrides = Overrides::parse(&args.set).map_err(Usage)?;
        let asked = Asked::parse(&args.protocol, &args.quirk).map_err(Usage)?;
        let cells = select(&args.words, &|task, method| engine.built(task, method))?;
        if let Some(idle) = asked.idle(cells.iter().map(|c| (c.task, c.method))).first() {
            return Err(Usage(format!("--quirk {idle} changes none of the chosen cells")).into());
        }
        if let Some(idle) = overrides.idle(cells.iter().map(|c| c.method)).first() {
            return Err(Usage(format!("--set {idle} changes none of the chosen cells")).into());
        }
        let arch = args.arch.as_deref().map(|path| given(path, &cells)).transpose()?;
        let mut seeds = if args.seeds.is_empty() { args.profile.seeds().to_vec() } else { args.seeds.clone() };
        let mut seen = BTreeSet::new();
        seeds.retain(|s| seen.insert(*s));
        Ok(Self { overrides, asked, arch, plan: Plan::new(cells, seeds) })
    }
}

impl Plan {
    /// Every seed of every cell.
    pub fn new(cells: Vec<Cell>, seeds: Vec<u64>) -> Self {
        let mut work: Vec<Work> = Vec::with_capacity(cells.len() * seeds.len());
        for cell in in_turn(&cells) {
            for seed in &seeds {
                let first = reads(cell.method).map(|method| Cell { method, ..cell });
                let after = work.iter().position(|w| Some(w.cell) == first && w.seed == *seed);
                work.push(Work { cell, seed: *seed, after });
            }
        }
        Self { cells, seeds, work }
    }

    /// The event that comes first.
    pub fn event(&self, args: &BenchArgs) -> Event {
        Event::Plan {
            profile: args.profile.name().to_owned(),
            out: args.out.display().to_string(),
            runs: self.work.iter().map(Work::run).collect(),
        }
    }
}

/// The method whose finds this one reads where they are there, on the same task and seed: DenseNAS's random search is bounded
/// by what DenseNAS found, and else searches first itself.
fn reads(method: &str) -> Option<&'static str> {
    (method == "densenas-random").then_some("densenas")
}

/// The cells in the order in which they run: a method after the one it is like.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_runs_after_the_one_it_is_like() {
        let cell = |task, method| Cell { task, method };
        let cells = ["wrn", "densenas-random", "densenas", "wrn-asha"].map(|m| cell("ecg", m));
        let plan = Plan::new(cells.to_vec(), vec![3, 1]);
        let runs: Vec<(&str, u64, Option<usize>)> =
            plan.work.iter().map(|w| (w.cell.method, w.seed, w.after)).collect();
        let (wrn, dense, random, asha) = ("wrn", "densenas", "densenas-random", "wrn-asha");
        let first = [(wrn, 3, None), (wrn, 1, None), (dense, 3, None), (dense, 1, None)];
        let then = [(random, 3, Some(2)), (random, 1, Some(3)), (asha, 3, None), (asha, 1, None)];
        assert_eq!(runs, [first, then].concat());
        let other = vec![cell("ecg", random), cell("darcy", dense)];
        let plan = Plan::new(other.clone(), vec![0]);
        assert!(plan.work.iter().map(|w| w.cell).eq(other) && plan.work.iter().all(|w| w.after.is_none()));
    }
}

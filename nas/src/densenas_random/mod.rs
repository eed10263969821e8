//! The random baseline of DenseNAS: networks drawn from its space, trained for a few epochs each for as long as its search
//! takes, the best by the validation metric.
//!
//! [`sample`] draws, [`budget`] says how long, [`trials`] trains one and writes it down. The search is its trials' files:
//! which trials there are and what each is follows from seed and configuration alone.

pub mod budget;
pub mod sample;
#[cfg(test)]
mod tests;
pub mod trials;

use serde_json::{Value as Json, json};
use tasks::{Direction, Facts};

use crate::Error;
use crate::arch::{Arch, Form, Found};

use crate::bilevel::Spec;
use crate::course::{Amounts, Leg, SIBLING};
use crate::densenas::supernet::Rules;
use crate::densenas::{self, Blocks, Costs, DenseNas};
use crate::method::{Method, Recipe, SearchStage};
use crate::profile::Values;
use crate::run::{RunError, number};
use crate::trials::{forget, forget_trial, share};
use budget::Budget;
use sample::Sampler;
use trials::{Trainer, Trial};

/// Parameters that a drawn network may have beyond those of the searched one.
const SLACK: usize = 1_000_000;

/// The quirk that draws as the reference does.
const QUIRK: &str = "depth-only-random";

/// Networks whose mean an estimate of the time takes.
const DRAWN: usize = 32;

/// Where this cell's own DenseNAS search is kept, if it needs one.
const SEARCHED: &str = "searched";

/// DenseNAS's space without its search.
#[derive(Debug, Clone, Copy)]
pub struct DenseNasRandom;

/// What DenseNAS found with the same seed and configuration, if that is known: in this run, or in DenseNAS's own.
fn searched_before(stage: &SearchStage<'_>) -> Result<Option<Arch>, Error> {
    let own = stage.folder.read_file(&format!("{SEARCHED}/arch.json"))?;
    let bytes = match own {
        None => stage.folder.sibling_arch(DenseNas.name(), &[QUIRK])?,
        own => own,
    };
    bytes.map(|b| Arch::parse(&b)).transpose()
}

/// The same; where it is not known this cell runs the search, to the same bits.
fn searched(stage: &mut SearchStage<'_>, spec: Spec) -> Result<Arch, Error> {
    if let Some(arch) = searched_before(stage)? {
        return Ok(arch);
    }
    stage.progress.note("there is no run of densenas with this seed and configuration: its search comes first");
    let found = densenas::find(stage, spec, Some(SEARCHED))?;
    let arch = Arch::new(DenseNas.name(), stage.problem.facts.name, &stage.problem.form(), found)?;
    let own = format!("{SEARCHED}/arch.json");
    stage.folder.write_file(&own, (nn::checkpoint::canonical(&arch.json()) + "\n").as_bytes())?;
    forget(stage.folder, SEARCHED, spec.epochs)?;
    Ok(arch)
}

/// The trials: which networks, trained how.
struct Plan {
    networks: Vec<Blocks>,
    budget: Budget,
    epochs: usize,
    batch: usize,
}

impl Plan {
    /// As many drawn networks of at most so many parameters as the budget pays for.
    fn new(stage: &mut SearchStage<'_>, spec: Spec, most: usize) -> Self {
        let (problem, values, items) = (stage.problem, stage.values, stage.fitted.len());
        let (facts, form) = (problem.facts, problem.form());
        let grid = densenas::grid(facts, values);
        let costs = Costs::new(&grid, form.kind, &form.input, form.outputs, Rules::CORRECTED.stem_stride);
        let epochs = values.count("trial_epochs");
        let mut budget = Budget::new(&costs, spec, items, values.count("trials"));
        let sampler = Sampler::new(facts, grid, &form, most, problem.quirks.has(QUIRK));
        let mut networks = Vec::new();
        while budget.goes_on() {
            let network = sampler.network(stage.seed, networks.len());
            budget.spend(network.multiply_adds(form.kind, &form.input, form.outputs), items, epochs);
            networks.push(network);
        }
        Self { networks, budget, epochs, batch: stage.batch("trial_batch", items) }
    }

    /// Runs trials until none is open; gives all of them.
    fn run(&self, stage: &mut SearchStage<'_>) -> Result<Vec<Trial>, Error> {
        let trainer = Trainer { task: stage.task, epochs: self.epochs, batch: self.batch };
        share(
            stage,
            &mut |folder| {
                let mut open = Vec::new();
                for (id, network) in self.networks.iter().enumerate() {
                    if Trial::read(folder, id, network)?.is_none() {
                        open.push(id);
                    }
                }
                Ok(open)
            },
            &mut |stage, id| trainer.run(stage, id, &self.networks[id]),
        )?;
        let read = |(id, network)| Trial::read(stage.folder, id, network).map(|t| t.expect("no trial is open"));
        self.networks.iter().enumerate().map(read).collect()
    }
}

/// The best of trials: the first of the best metrics. NaN is worse than any.
fn best(trials: &[Trial], direction: Direction) -> Option<&Trial> {
    trials.iter().fold(None, |best: Option<&Trial>, t| match best {
        None => Some(t),
        Some(b) => {
            let better = match direction {
                Direction::Lower => t.metric < b.metric,
                Direction::Higher => t.metric > b.metric,
            };
            Some(if better || b.metric.is_nan() && !t.metric.is_nan() { t } else { b })
        }
    })
}

impl Method for DenseNasRandom {
    fn name(&self) -> &'static str {
        "densenas-random"
    }

    fn covers(&self, facts: &Facts) -> bool {
        DenseNas.covers(facts)
    }

    fn families(&self) -> &'static [&'static str] {
        DenseNas.families()
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let spec = densenas::spec(stage);
        let most = searched(stage, spec)?.parameters + SLACK;
        let plan = Plan::new(stage, spec, most);
        let trials = plan.run(stage)?;
        for trial in &trials {
            forget_trial(stage.folder, trial.id, plan.epochs)?;
        }
        let best = best(&trials, stage.problem.facts.metric.direction).ok_or_else(|| RunError::Damaged {
            path: stage.folder.path().to_owned(),
            what: "no trial was run".to_owned(),
            fix: "give trials of at least 1",
        })?;
        let found = found(best, &trials, most, &plan.budget);
        stage.progress.note(&found.rule);
        Ok(found)
    }

    fn assist(&self, stage: &mut SearchStage<'_>) -> Result<(), Error> {
        let spec = densenas::spec(stage);
        let Some(arch) = searched_before(stage)? else { return Ok(()) };
        Plan::new(stage, spec, arch.parameters + SLACK).run(stage).map(drop)
    }

    fn recipe(&self, values: &Values) -> Recipe {
        DenseNas.recipe(values)
    }

    /// The search comes first, where there is no run of DenseNAS. Networks are taken as if none were too large.
    fn steps_of(&self) -> &'static str {
        DenseNas.name()
    }

    fn course(&self, facts: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        let (grid, form) = (densenas::grid(facts, values), Form::of(facts));
        let costs = Costs::new(&grid, form.kind, &form.input, form.outputs, Rules::CORRECTED.stem_stride);
        let sampler = Sampler::new(facts, grid, &form, usize::MAX, false);
        let mut mean = 0.0;
        for id in 0..DRAWN {
            mean += sampler.network(0, id).multiply_adds(form.kind, &form.input, form.outputs) as f64 / DRAWN as f64;
        }
        let (epochs, parts) = (values.count("trial_epochs"), DenseNas.parts());
        let batch = Values::batch_of(values.count("search_batch"), amounts.train / parts, amounts.scaled, false).size;
        let spec = Spec { epochs: values.count("search_epochs"), parts, batch, shuffled: true };
        let mut budget = Budget::new(&costs, spec, amounts.train, values.count("trials"));
        let mut trials = 0;
        while budget.goes_on() {
            budget.spend(mean as u64, amounts.train, epochs);
            trials += 1;
        }
        let training = Leg { multiply_adds: Some(mean), ..Leg::training(values, amounts) };
        let mut legs = DenseNas.course(facts, values, amounts);
        legs.pop();
        legs.iter_mut().for_each(|l| l.what = SIBLING);
        legs.push(Leg { what: "trials", passes: (trials * epochs * amounts.train) as f64, ..training });
        legs.push(training);
        legs
    }

    fn parts(&self) -> usize {
        DenseNas.parts()
    }
}

fn found(best: &Trial, trials: &[Trial], most: usize, budget: &Budget) -> Found {
    let rule = format!("trial {} of {}: the best validation metric, {}", best.id, trials.len(), best.metric);
    let search: Json = json!({
        "trials": trials.len(),
        "best": best.id,
        "metric": number(best.metric),
        "most_parameters": most,
        "budget_mega_multiply_adds": budget.whole,
        "spent_mega_multiply_adds": budget.spent,
        "ran_away": trials.iter().filter(|t| t.digest.is_none()).count(),
    });
    Found { rule, network: best.network.json(), hyperparameters: Default::default(), search: Some(search) }
}

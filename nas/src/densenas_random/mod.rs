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
use crate::course::{Amounts, Leg, SIBLING, Shown};
use crate::densenas::supernet::Rules;
use crate::densenas::{self, Costs, DenseNas};
use crate::method::{Method, Recipe, SearchStage};
use crate::profile::Values;
use crate::run::{RunError, number};
use crate::trials::{folder, forget};
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

/// What DenseNAS found with the same seed and configuration: its own run's, if there is one, else this cell runs the search,
/// to the same bits.
fn searched(stage: &mut SearchStage<'_>, spec: Spec) -> Result<Arch, Error> {
    let own = format!("{SEARCHED}/arch.json");
    if let Some(bytes) = stage.folder.read_file(&own)? {
        return Arch::parse(&bytes);
    }
    if let Some(bytes) = stage.folder.sibling_arch(DenseNas.name(), &[QUIRK])? {
        return Arch::parse(&bytes);
    }
    stage.progress.note("there is no run of densenas with this seed and configuration: its search comes first");
    let found = densenas::find(stage, spec, Some(SEARCHED))?;
    let arch = Arch::new(DenseNas.name(), stage.problem.facts.name, &stage.problem.form(), found)?;
    stage.folder.write_file(&own, (nn::checkpoint::canonical(&arch.json()) + "\n").as_bytes())?;
    forget(stage.folder, SEARCHED, spec.epochs)?;
    Ok(arch)
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
        let (problem, values) = (stage.problem, stage.values);
        let (facts, form) = (problem.facts, problem.form());
        let spec = densenas::spec(stage);
        let most = searched(stage, spec)?.parameters + SLACK;

        let grid = densenas::grid(facts, values);
        let costs = Costs::new(&grid, form.kind, &form.input, form.outputs, Rules::CORRECTED.stem_stride);
        let epochs = values.count("trial_epochs");
        let mut budget = Budget::new(&costs, spec, stage.fitted.len(), values.count("trials"));
        let sampler = Sampler::new(facts, grid, &form, most, problem.quirks.has(QUIRK));
        let batch = stage.batch("trial_batch", stage.fitted.len());
        let trainer = Trainer { task: stage.task, epochs, batch };
        let mut trials: Vec<Trial> = Vec::new();
        while budget.goes_on() {
            let id = trials.len();
            let network = sampler.network(stage.seed, id);
            budget.spend(network.multiply_adds(form.kind, &form.input, form.outputs), stage.fitted.len(), epochs);
            trials.push(trainer.run(stage, id, network)?);
        }
        for trial in &trials {
            forget(stage.folder, &folder(trial.id), epochs)?;
        }
        let best = best(&trials, facts.metric.direction).ok_or_else(|| RunError::Damaged {
            path: stage.folder.path().to_owned(),
            what: "no trial was run".to_owned(),
            fix: "give trials of at least 1",
        })?;
        let found = found(best, &trials, most, &budget);
        stage.progress.note(&found.rule);
        Ok(found)
    }

    fn recipe(&self, values: &Values) -> Recipe {
        DenseNas.recipe(values)
    }

    /// The search comes first, where there is no run of DenseNAS. Networks are taken as if none were too large.
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
        legs.push(Leg {
            what: "trials",
            shown: Shown::stage(": train"),
            step: values.count("trial_batch"),
            passes: (trials * epochs * amounts.train) as f64,
            ..training
        });
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

//! ASHA over the fixed network: the training's own numbers are searched, by asynchronous successive halving.
//!
//! [`space`] draws a trial's configuration, [`rungs`] says how many trials there are and how far each is trained before the
//! next look at it, [`simulate`] decides which goes on, and [`trials`] trains one and writes down where it stands. The search
//! is nothing but its trials' files: whoever reads them knows what is to be done next.

pub mod rungs;
pub mod simulate;
pub mod space;
pub mod trials;

use serde_json::json;
use std::cell::Cell;
use tasks::{Direction, Facts, Metric};

use crate::Error;
use crate::arch::Found;
use crate::course::{Amounts, Leg};
use crate::method::{Method, Recipe, SearchStage};
use crate::profile::Values;
use crate::run::number;
use crate::trials::share;
use crate::wrn;
use rungs::Mode;
use simulate::{Next, Search, Seen};
use trials::{Trainer, Trial};

/// The default network with numbers of its training that are searched.
#[derive(Debug, Clone, Copy)]
pub struct Asha;

impl Asha {
    /// The search of a task's trials.
    fn of(values: &Values, direction: Direction) -> Search {
        let mode = if values.count("standard") == 0 { Mode::Aggressive } else { Mode::Standard };
        Search::new(values.epochs, values.count("trials"), mode, direction)
    }

    /// Runs trials until none is open; gives the search and the network that it trains.
    fn run_trials(&self, stage: &mut SearchStage<'_>) -> Result<(Search, serde_json::Value), Error> {
        let (facts, values) = (stage.problem.facts, stage.values);
        let search = Self::of(values, facts.metric.direction);
        let network = wrn::described(facts.kind, values.real("width"), &stage.problem.quirks);
        let batch = values.batch_for(stage.fitted.len(), stage.scaled, (stage.set)("batch"));
        if let Some(note) = &batch.note {
            stage.progress.note(&format!("trials: {note}"));
        }
        let trainer = Trainer { search: &search, task: stage.task, network: &network, batch: batch.size };
        let (seed, legs) = (stage.seed, Cell::new(Vec::new()));
        share(
            stage,
            &mut |folder| {
                let now = match search.next(&trials::known(&trials::read_all(folder, &search, seed)?)) {
                    Next::Run(now) => now,
                    Next::Done(_) => Vec::new(),
                };
                let ids = now.iter().map(|leg| leg.trial).collect();
                legs.set(now);
                Ok(ids)
            },
            &mut |stage, id| {
                let now = legs.take();
                let leg = now.iter().find(|leg| leg.trial == id).expect("an open trial");
                trainer.run(stage, *leg)
            },
        )?;
        Ok((search, network))
    }
}

impl Method for Asha {
    fn name(&self) -> &'static str {
        "wrn-asha"
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn families(&self) -> &'static [&'static str] {
        wrn::Wrn.families()
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let (search, network) = self.run_trials(stage)?;
        let trials = trials::read_all(stage.folder, &search, stage.seed)?;
        let Next::Done(best) = search.next(&trials::known(&trials)) else { unreachable!("no trial is open") };
        trials::forget(stage.folder, &trials)?;
        let found = found(network, &trials, best, stage.problem.facts.metric);
        stage.progress.note(&found.rule);
        Ok(found)
    }

    fn assist(&self, stage: &mut SearchStage<'_>) -> Result<(), Error> {
        self.run_trials(stage).map(drop)
    }

    fn recipe(&self, values: &Values) -> Recipe {
        wrn::Wrn.recipe(values)
    }

    fn course(&self, facts: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        let training = Leg::training(values, amounts);
        let epochs = Self::of(values, facts.metric.direction).expected_epochs();
        vec![Leg { what: "trials", passes: epochs * amounts.train as f64, ..training }, training]
    }

    fn steps_of(&self) -> &'static str {
        wrn::Wrn.name()
    }
}

/// The network, with the configuration of the best trial.
fn found(network: serde_json::Value, trials: &[Trial], best: Seen, of: Metric) -> Found {
    let Seen { trial, epochs, metric } = best;
    let rule = if metric.is_nan() {
        format!("no trial of {} has a metric: trial {trial} is taken", trials.len())
    } else {
        let (name, value, unit, trials) = (of.name, metric * of.scale, of.unit, trials.len());
        let text = format!(
            "trial {trial} of {trials}: the best {name} on validation data, at epoch {epochs}: {value:.4} {unit}"
        );
        text.trim_end().to_owned()
    };
    let trained = |t: &Trial| t.rungs.iter().rfind(|r| r.digest.is_some()).map_or(0, |r| r.epochs);
    let search = json!({
        "trials": trials.len(),
        "best": trial,
        "epochs": epochs,
        "metric": number(metric),
        "trained_epochs": trials.iter().map(trained).sum::<usize>(),
        "ran_away": trials.iter().filter(|t| t.ran_away()).count(),
    });
    let space::Hyperparameters { dropout, lr, momentum, weight_decay } = trials[trial].hyperparameters;
    let hyperparameters = [("dropout", dropout), ("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)];
    let hyperparameters = hyperparameters.into_iter().map(|(k, x)| (k.to_owned(), x)).collect();
    Found { rule, network, hyperparameters, search: Some(search) }
}

#[cfg(test)]
mod tests;

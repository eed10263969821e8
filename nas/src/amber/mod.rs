//! AMBER: a search in which an LSTM controller samples architectures for series and learns from what they are worth.
//!
//! [`space`] is what an architecture is, [`stages`] how its layers follow one another, [`body`] what is made of them: the
//! [`supernet`], in which all architectures share weights, and the final [`network`]. [`controller`] samples and scores
//! architectures ([`policy`] is its arithmetic), and [`reinforce`] is an episode's update. [`child`] trains the shared weights,
//! [`reward`] is what an architecture is worth with them, and [`search`] the loop over both.

pub mod body;
#[cfg(test)]
mod body_tests;
pub mod child;
pub mod controller;
pub mod network;
pub mod policy;
pub mod reinforce;
pub mod reward;
pub mod search;
#[cfg(test)]
mod search_tests;
pub mod space;
pub mod stages;
pub mod supernet;
#[cfg(test)]
mod tests;

pub use controller::Controller;
pub use network::Branches;
pub use reinforce::Reinforce;
pub use space::Sequence;
pub use stages::Stages;
pub use supernet::Supernet;

use std::collections::BTreeMap;

use nn::Schedule;
use serde_json::json;
use tasks::{Facts, Kind};

use crate::Error;
use crate::arch::Found;
use crate::course::{Amounts, Leg, Shown};
use crate::method::{Method, Mover, Recipe, SearchStage};
use crate::profile::Values;
use crate::run::number;
use child::Child;
use search::{Best, Spec};

/// Channels of the supernet's first stage.
const CHANNELS: f64 = 32.0;

/// Units of the final network's hidden linear layer.
const UNITS: f64 = 100.0;

/// How much wider the final network is.
const WIDER: usize = 2;

/// The largest norm of a column of the final network's kernels.
const MAX_NORM: f32 = 0.9;

/// AMBER.
#[derive(Debug, Clone, Copy)]
pub struct Amber;

/// A published number of channels or units at the profile's width.
fn scaled(published: f64, values: &Values) -> usize {
    ((published * values.real("width")).round() as usize).max(1)
}

/// The network that the best architecture stands for.
fn found(best: &Best, values: &Values, episodes: usize, judged: usize) -> Found {
    let network = Branches {
        stages: Stages::published(WIDER * scaled(CHANNELS, values)),
        dense: scaled(UNITS, values),
        momentum: network::MOMENTUM,
        eps: network::EPS,
        sequence: best.sequence.clone(),
    };
    let Best { reward, episode, .. } = *best;
    let rule = format!(
        "the largest reward of {judged} architectures in {episodes} episodes, {reward:.4} in episode {}: the mean AUROC of the \
         outputs on validation data, with shared weights",
        episode + 1
    );
    let search =
        json!({"architectures": judged, "episodes": episodes, "episode": episode + 1, "reward": number(reward)});
    Found { rule, network: network.json(), hyperparameters: BTreeMap::new(), search: Some(search) }
}

impl Method for Amber {
    fn name(&self) -> &'static str {
        "amber"
    }

    fn covers(&self, facts: &Facts) -> bool {
        facts.kind == Kind::Series
    }

    fn families(&self) -> &'static [&'static str] {
        &["branches"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let (values, problem) = (stage.values, stage.problem);
        let batch = stage.batch("search_batch", stage.fitted.len());
        let spec = Spec {
            episodes: values.count("episodes"),
            steps: values.count("episode_steps"),
            architectures: values.count("episode_architectures"),
            batch,
            rate: values.real("search_lr"),
        };
        let stages = Stages::published(scaled(CHANNELS, values));
        let dense = scaled(supernet::DENSE as f64, values);
        let child = Child::new(problem, &stages, dense, values.dropout as f32, stage.seed, stage.device)?;
        let controller = Controller::new(stages.total(), stage.seed);
        let best = search::search(stage, spec, child, controller)?;
        let found = found(&best, values, spec.episodes, spec.episodes * spec.architectures);
        stage.progress.note(&found.rule);
        Ok(found)
    }

    fn recipe(&self, _: &Values) -> Recipe {
        Recipe { max_norm: Some(MAX_NORM), ..Recipe::plain(Mover::Adam { eps: child::EPS }, Schedule::Constant) }
    }

    /// Shared weights, architectures that are judged, the final training. (The controller's updates take little.)
    fn course(&self, _: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        let [episodes, steps, architectures] =
            ["episodes", "episode_steps", "episode_architectures"].map(|k| values.count(k));
        let batch = Values::batch_of(values.count("search_batch"), amounts.train, amounts.scaled, false).size;
        // The first episode's steps come after the warm-up's.
        let first = amounts.train.div_ceil(values.count("search_batch")) + steps;
        let (search, training) = (Shown::stage("search"), Leg::training(values, amounts));
        let shared = Leg {
            what: "search",
            shown: Shown { until: first, ..search },
            step: values.count("search_batch"),
            passes: (amounts.train + episodes * steps * batch) as f64,
            ..training
        };
        let judged = Leg {
            what: "judging",
            shown: Shown { from: first, ..search },
            step: amounts.val,
            passes: (episodes * architectures * amounts.val) as f64,
            ..training
        };
        vec![shared, judged, training]
    }
}

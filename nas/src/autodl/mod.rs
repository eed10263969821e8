//! Auto-DeepLab: a search over the resolution of every layer and over the cell that all layers share, for tasks with an answer a
//! pixel.
//!
//! [`space`] is the lattice of levels and the cell, [`supernet`] all of it at once, [`search`] moves weights and architecture,
//! [`decode`] says what they stand for, and [`network`] is what is trained in the end.

pub mod decode;
pub mod network;
pub mod search;
#[cfg(test)]
mod search_tests;
pub mod space;
pub mod supernet;
#[cfg(test)]
mod tests;

pub use network::{DeepLab, DeepLabSpec};
pub use search::Search;
pub use space::Architecture;
pub use supernet::{Route, Rules, Supernet, SupernetSpec};

use std::collections::BTreeMap;

use nn::Schedule;
use serde_json::json;
use tasks::{Facts, Kind};

use crate::Error;
use crate::arch::Found;
use crate::bilevel::{self, Spec, Supernet as _};
use crate::course::{Amounts, Leg, two_level};
use crate::method::{Method, Mover, Recipe, SearchStage};
use crate::profile::Values;

/// Steps in which the learning rate of the final training rises.
const WARMUP: usize = 1_000;

/// Where it begins.
const FIRST_RATE: f64 = 5e-6;

/// The parts that the training items are cut into: one for the weights, one for the architecture.
const PARTS: usize = 2;

/// The row `autodl`.
#[derive(Debug, Clone, Copy)]
pub struct AutoDeepLab;

impl Method for AutoDeepLab {
    fn name(&self) -> &'static str {
        "autodl"
    }

    fn covers(&self, facts: &Facts) -> bool {
        facts.kind == Kind::Dense2d
    }

    fn families(&self) -> &'static [&'static str] {
        &["deeplab"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let (problem, values) = (stage.problem, stage.values);
        let batch = stage.batch_of_least("search_batch", stage.fitted.len() / PARTS, self.least_batch());
        let epochs = values.count("search_epochs");
        let filters = values.count("search_filters");
        let spec = SupernetSpec { filters, ..SupernetSpec::new(problem.form().channels(), problem.outputs) };
        let course = (epochs, values.real("search_lr"));
        let mut search = Search::new(problem, spec, course, values.count("filters"), stage.seed, stage.device)?;
        bilevel::search(stage, &mut search, Spec { epochs, parts: PARTS, batch, shuffled: false })?;
        Ok(Found {
            rule: "the path with the largest product of its steps after the last epoch (Viterbi); per node of the cell the two \
                   edges whose strongest operation but none is strongest, each with its strongest operation, none included"
                .to_owned(),
            network: search.derive(),
            hyperparameters: BTreeMap::new(),
            search: Some(json!({
                "supernet": {"filters": spec.filters, "layers": spec.layers, "nodes": spec.nodes},
                "supernet_parameters": search.params().trainable(),
                "epochs": epochs,
                "batch": batch,
                "architecture": search.log(),
            })),
        })
    }

    /// Of what its heads pool there is one number a channel and sample.
    fn least_batch(&self) -> usize {
        2
    }

    fn recipe(&self, values: &Values) -> Recipe {
        let schedule = Schedule::WarmupPoly { warmup: WARMUP, from: FIRST_RATE, epochs: values.epochs };
        Recipe { by_step: true, ..Recipe::plain(Mover::Sgd { nesterov: false }, schedule) }
    }

    fn course(&self, _: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        two_level(values, amounts, PARTS, search::moves)
    }

    fn parts(&self) -> usize {
        PARTS
    }
}

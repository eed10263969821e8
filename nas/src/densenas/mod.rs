//! DenseNAS in its residual flavour (DenseNAS-R1): a search over how many blocks there are, how wide and how deep.
//!
//! [`space`] is the grid of blocks and the paths through it, [`network`] what is made of a path, [`supernet`] all paths at
//! once. [`cost`] says what an architecture takes, [`search`] moves weights and architecture, and [`viterbi`] derives a path.

pub mod block;
pub mod cost;
pub mod network;
pub mod relaxed;
pub mod search;
#[cfg(test)]
mod search_tests;
pub mod space;
pub mod supernet;
#[cfg(test)]
mod tests;
pub mod viterbi;

pub use cost::Costs;
pub use network::{Block, Blocks, Derived};
pub use relaxed::Relaxed;
pub use search::Search;
pub use space::{Grid, Operation, Path, Stop};
pub use supernet::{Route, Rules, Supernet};

use std::collections::BTreeMap;

use nn::Schedule;
use tasks::Facts;

use crate::Error;
use crate::arch::Found;
use crate::bilevel::{self, Spec};
use crate::course::{Amounts, Leg, two_level};
use crate::method::{Method, Mover, Recipe, SearchStage};
use crate::profile::Values;
use cost::CostTerm;

/// The parts that the training items are cut into: four for the weights, one for the architecture.
const PARTS: usize = 5;

/// The last learning rate of a derived network.
const LAST_RATE: f64 = 1e-5;

/// DenseNAS-R1.
#[derive(Debug, Clone, Copy)]
pub struct DenseNas;

/// The grid of a task at the profile's size.
pub fn grid(facts: &Facts, values: &Values) -> Grid {
    Grid::of(facts, values.real("width"), values.real("depth"))
}

/// How the search goes over the data.
pub fn spec(stage: &mut SearchStage<'_>) -> Spec {
    let held_out = (stage.fitted.len() / PARTS).max(1);
    let batch = stage.batch("search_batch", held_out);
    Spec { epochs: stage.values.count("search_epochs"), parts: PARTS, batch, shuffled: true }
}

/// Runs the search in a part of the run's folder, in the run itself if there is none given.
///
/// # Errors
/// If the folder cannot be written, or the search is stopped.
pub fn find(stage: &mut SearchStage<'_>, spec: Spec, part: Option<&str>) -> Result<Found, Error> {
    let (problem, values) = (stage.problem, stage.values);
    let term = CostTerm { weight: values.real("cost_weight"), ..CostTerm::PUBLISHED };
    let course = (spec.epochs, values.real("search_lr"));
    let grid = grid(problem.facts, values);
    let mut search = Search::new(problem, grid, term, course, stage.seed, stage.device)?;
    bilevel::search_in(stage, &mut search, spec, part)?;
    Ok(Found {
        rule: "the likeliest path by its links after the last epoch, the likelier operation of each layer".to_owned(),
        network: bilevel::Supernet::derive(&search),
        hyperparameters: BTreeMap::new(),
        search: Some(search.facts()),
    })
}

/// SGD without Nesterov's momentum on a cosine a step.
pub fn recipe(epochs: usize) -> Recipe {
    let schedule = Schedule::Cosine { epochs, end: LAST_RATE };
    Recipe { by_step: true, ..Recipe::plain(Mover::Sgd { nesterov: false }, schedule) }
}

impl Method for DenseNas {
    fn name(&self) -> &'static str {
        "densenas"
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn families(&self) -> &'static [&'static str] {
        &["blocks"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let spec = spec(stage);
        find(stage, spec, None)
    }

    fn recipe(&self, values: &Values) -> Recipe {
        recipe(values.epochs)
    }

    fn course(&self, _: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        two_level(values, amounts, PARTS, search::moves)
    }

    fn parts(&self) -> usize {
        PARTS
    }
}

//! GAEA: PC-DARTS's cell space, searched by exponentiated gradient.

mod architecture;
pub(crate) mod cell;
#[cfg(test)]
mod counts;
mod cutout;
pub mod network;
pub mod operations;
pub mod search;
pub mod space;
pub mod supernet;

pub use architecture::Mixed;
pub use cutout::cutout;
pub use network::{Cells, CellsError, CellsSpec};
pub use search::{Search, Variant, WeightUpdate};
pub use space::{Genotype, GenotypeError, Operation};

use serde_json::{Value as Json, json};
use tasks::{Facts, Kind, Quirks};

use crate::Error;
use crate::arch::Found;
use crate::bilevel::{self, Supernet as _};
use crate::course::{Amounts, Leg, Shown};
use crate::method::{Method, Mover, Recipe, SearchStage};
use crate::profile::Values;
use nn::schedule::Schedule;
use supernet::SupernetSpec;

/// Bound on the common norm of all gradients, in search and final training.
const CLIP: f64 = 5.0;

/// The parts that the training items are cut into: one for the weights, one for the architecture.
const PARTS: usize = 2;

/// The row `gaea`.
#[derive(Debug, Clone, Copy)]
pub struct Gaea;

/// The final network but for its genotype.
fn network(kind: Kind, values: &Values, quirks: &Quirks) -> Json {
    let [momentum, eps] = if quirks.has("last-batch-bn") { [0.999, 1e-3] } else { [0.1, 1e-5] };
    json!({
        "family": "cells",
        "channels": values.count("channels"),
        "layers": values.count("layers"),
        "momentum": momentum,
        "eps": eps,
        "auxiliary": kind == Kind::Point2d && values.real("auxiliary") > 0.0,
    })
}

/// The supernet of a search.
fn spec(kind: Kind, inputs: usize, outputs: usize, values: &Values) -> Result<SupernetSpec, Error> {
    let spec = SupernetSpec {
        channels: values.count("search_channels"),
        layers: values.count("search_layers"),
        ..SupernetSpec::new(kind, inputs, outputs)
    };
    if !spec.channels.is_multiple_of(spec.fraction) {
        let SupernetSpec { channels, fraction, .. } = spec;
        return Err(Error::Arch(format!(
            "search_channels is {channels}, and operations see 1 / {fraction} of the channels; give a multiple of {fraction}"
        )));
    }
    Ok(spec)
}

impl Method for Gaea {
    fn name(&self) -> &'static str {
        "gaea"
    }

    fn covers(&self, _: &Facts) -> bool {
        true
    }

    fn families(&self) -> &'static [&'static str] {
        &["cells"]
    }

    fn search(&self, stage: &mut SearchStage<'_>) -> Result<Found, Error> {
        let (problem, values) = (stage.problem, stage.values);
        let (kind, benchmark) = (problem.facts.kind, problem.quirks.has("gaea-benchmark"));
        let variant = if benchmark { Variant::BENCHMARK } else { Variant::ORIGINAL };
        if values.real("auxiliary") > 0.0 && kind != Kind::Point2d {
            stage.progress.note("an auxiliary head is for images with one answer: this network has none");
        }
        let batch = stage.batch("search_batch", stage.fitted.len() / PARTS);
        let epochs = values.count("search_epochs");
        let spec = spec(kind, problem.form().channels(), problem.outputs, values)?;
        let update = WeightUpdate::new(values.real("search_lr"), epochs);
        let network = network(kind, values, &problem.quirks);
        let mut search = Search::new(problem, spec, variant, update, network, stage.seed, stage.device)?;
        let course = bilevel::Spec { epochs, parts: PARTS, batch, shuffled: !benchmark };
        bilevel::search(stage, &mut search, course)?;
        let how = if benchmark { "the benchmark's variant" } else { "the original release" };
        Ok(Found {
            rule: format!(
                "PC-DARTS supernet, exponentiated gradient ({how}), {epochs} epochs; the genotype of the last epoch: per node the \
                 two edges whose strongest operation is strongest, with that operation"
            ),
            network: search.derive(),
            hyperparameters: std::collections::BTreeMap::new(),
            search: Some(json!({
                "supernet": {"channels": spec.channels, "layers": spec.layers, "fraction": spec.fraction},
                "supernet_parameters": search.params().trainable(),
                "epochs": epochs,
                "batch": batch,
                "architecture": search.log(),
            })),
        })
    }

    fn recipe(&self, values: &Values) -> Recipe {
        let schedule = Schedule::Cosine { epochs: values.epochs, end: 0.0 };
        Recipe {
            clip: Some(CLIP),
            drop_path: values.real("drop_path"),
            cutout: values.count("cutout"),
            auxiliary: values.real("auxiliary"),
            ..Recipe::plain(Mover::Sgd { nesterov: false }, schedule)
        }
    }

    fn course(&self, _: &Facts, values: &Values, amounts: Amounts) -> Vec<Leg> {
        let epochs = values.count("search_epochs");
        let search = Leg::search(values, amounts, PARTS, epochs, Shown::stage("search"));
        vec![search, Leg::training(values, amounts)]
    }

    fn parts(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests;

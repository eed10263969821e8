//! A trial: a drawn network, trained for a few epochs and validated.
//!
//! `trials/<id>/trial.json` is written when it is done; until then `trials/<id>/checkpoint.safetensors` is what its training
//! goes on from.

use nn::{Builder, Params};
use serde_json::json;
use tasks::Task;

use super::sample::trial_seed;
use crate::densenas::{self, Blocks};
use crate::method::SearchStage;
use crate::profile::Values;
use crate::run::{Progress, RunFolder, as_number, number};
use crate::train::Training;
use crate::trials::{FORMAT, Named, damaged, file, folder, sealed, unsealed};
use crate::{Error, cell};

/// A trial that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number.
    pub id: usize,
    /// What was trained.
    pub network: Blocks,
    /// The task's metric on the validation data, before [`tasks::Metric::scale`]; NaN if the loss ran away.
    pub metric: f64,
    /// Of the parameters then; `None` if the loss ran away.
    pub digest: Option<String>,
}

impl Trial {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { id, ref network, metric, ref digest } = *self;
        let json = json!({
            "format": FORMAT, "id": id, "network": network.json(), "metric": number(metric), "digest": digest,
        });
        sealed(json)
    }

    /// Reads the file of trial `id`, whose network is known.
    ///
    /// # Errors
    /// What is wrong with it, in words: anything but what [`Trial::to_bytes`] wrote for this trial.
    pub fn parse(bytes: &[u8], id: usize, network: &Blocks) -> Result<Self, String> {
        let json = unsealed(bytes)?;
        if json["id"].as_u64() != Some(id as u64) {
            return Err(format!("it is trial {}", json["id"]));
        }
        if Blocks::read(&json["network"])? != *network {
            return Err("its network is not the one that the seed draws for this trial".to_owned());
        }
        let metric = as_number(&json["metric"]).ok_or_else(|| format!("the metric {} is no number", json["metric"]))?;
        let digest = json["digest"].as_str().map(str::to_owned);
        if digest.is_none() && !metric.is_nan() {
            return Err("it has a metric but no digest".to_owned());
        }
        Ok(Self { id, network: network.clone(), metric, digest })
    }

    /// The trial of the run that is done, if it is.
    ///
    /// # Errors
    /// If its file cannot be read, or is damaged.
    pub fn read(run: &RunFolder, id: usize, network: &Blocks) -> Result<Option<Self>, Error> {
        let name = file(id);
        let parse = |bytes: Vec<u8>| Self::parse(&bytes, id, network).map_err(|what| damaged(run, &name, what));
        run.read_file(&name)?.map(parse).transpose()
    }
}

/// How trials are trained.
pub struct Trainer {
    /// The task.
    pub task: &'static dyn Task,
    /// Epochs of each.
    pub epochs: usize,
    /// Items a step.
    pub batch: usize,
}

impl Trainer {
    /// Trains a trial from wherever it stands, validates it and writes it down.
    ///
    /// # Errors
    /// If the folder fails, its files are damaged, or a stop was requested (everything is saved then).
    pub fn run(&self, stage: &mut SearchStage<'_>, id: usize, network: &Blocks) -> Result<(), Error> {
        let (metric, digest) = match self.train(stage, id, network) {
            Ok((metric, digest)) => (metric, Some(digest)),
            Err(e @ Error::NotFinite { .. }) => {
                stage.progress.note(&format!("trial {id} ran away: {e}"));
                (f64::NAN, None)
            }
            Err(e) => return Err(e),
        };
        let trial = Trial { id, network: network.clone(), metric, digest };
        Ok(stage.folder.write_file(&file(id), &trial.to_bytes())?)
    }

    /// The validation metric and the digest of the parameters.
    fn train(&self, stage: &mut SearchStage<'_>, id: usize, blocks: &Blocks) -> Result<(f64, String), Error> {
        let (problem, seed) = (stage.problem, trial_seed(stage.seed, id));
        let values = &Values { epochs: self.epochs, ..stage.values.clone() };
        let mut params = Params::new();
        let (form, at) = (problem.form(), &mut Builder::new(&mut params, seed));
        let network = blocks.build(form.kind, form.channels(), form.outputs, at);
        params.move_to(stage.device);
        let mut training = Training::new(problem, values, densenas::recipe(self.epochs), self.batch, seed, params)?;
        training.checkpoint_seconds = stage.checkpoint_seconds;
        let mut watch = Named { inner: &mut *stage.progress, name: format!("trial {id}") };
        let mut place = stage.folder.part(folder(id));
        training.run(&network, &stage.train, &stage.fitted, self.epochs, &mut place, &mut watch)?;
        watch.stage("validation", 0, 1);
        let params = &mut training.params;
        let score = cell::evaluate(&network, params, problem, self.task, &stage.val, values.val, &mut watch)?;
        Ok((score.value(), training.params.digest()))
    }
}

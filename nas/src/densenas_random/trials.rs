//! A trial: a drawn network, trained for a few epochs and validated.
//!
//! `trials/<id>/trial.json` is written when it is done; until then `trials/<id>/checkpoint.safetensors` is what its training
//! goes on from.

use nn::checkpoint::canonical;
use nn::{Builder, Checkpoint, Params};
use serde_json::{Value as Json, json};
use tasks::Task;

use super::sample::trial_seed;
use crate::densenas::{self, Blocks};
use crate::method::SearchStage;
use crate::profile::Values;
use crate::run::{Progress, RunError, RunFolder, as_number, number};
use crate::train::Training;
use crate::{Error, cell};

/// The version of the file's layout.
const FORMAT: u32 = 1;

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

/// The folder of a trial, within the run's.
pub fn folder(id: usize) -> String {
    format!("trials/{id}")
}

impl Trial {
    /// The file's bytes: one line of canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { id, ref network, metric, ref digest } = *self;
        let json = json!({
            "format": FORMAT, "id": id, "network": network.json(), "metric": number(metric), "digest": digest,
        });
        (canonical(&json) + "\n").into_bytes()
    }

    /// Reads the file of trial `id`, whose network is known.
    ///
    /// # Errors
    /// What is wrong with it, in words: anything but what [`Trial::to_bytes`] wrote for this trial.
    pub fn parse(bytes: &[u8], id: usize, network: &Blocks) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(bytes).map_err(|e| format!("it is no JSON ({e})"))?;
        if json["format"].as_u64() != Some(FORMAT.into()) {
            return Err(format!("it has format {}, this program reads {FORMAT}", json["format"]));
        }
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
        let trial = Self { id, network: network.clone(), metric, digest };
        if trial.to_bytes() != bytes {
            return Err("it is not as it was written: no canonical JSON".to_owned());
        }
        Ok(trial)
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
    /// Trains a trial from wherever it stands, validates it and writes it down; if that was done before, reads it.
    ///
    /// # Errors
    /// If the folder fails, its files are damaged, or a stop was requested (everything is saved then).
    pub fn run(&self, stage: &mut SearchStage<'_>, id: usize, network: Blocks) -> Result<Trial, Error> {
        let name = format!("{}/trial.json", folder(id));
        if let Some(bytes) = stage.folder.read_file(&name)? {
            return Ok(Trial::parse(&bytes, id, &network).map_err(|what| RunError::Damaged {
                path: stage.folder.path().join(&name),
                what,
                fix: "remove the trial's folder: it is then trained anew",
            })?);
        }
        let (metric, digest) = match self.train(stage, id, &network) {
            Ok((metric, digest)) => (metric, Some(digest)),
            Err(e @ Error::NotFinite { .. }) => {
                stage.progress.note(&format!("trial {id} ran away: {e}"));
                (f64::NAN, None)
            }
            Err(e) => return Err(e),
        };
        let trial = Trial { id, network, metric, digest };
        stage.folder.write_file(&name, &trial.to_bytes())?;
        Ok(trial)
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

/// Empties the checkpoint of what is over: nobody goes on from it.
///
/// # Errors
/// If the folder cannot be written.
pub fn forget(folder: &mut RunFolder, part: &str) -> Result<(), Error> {
    Ok(folder.part(part).save(&Checkpoint::new(json!({"stage": "over"})).to_bytes())?)
}

/// Names every stage by the trial.
struct Named<'a> {
    inner: &'a mut dyn Progress,
    name: String,
}

impl Progress for Named<'_> {
    fn stage(&mut self, name: &str, done: usize, total: usize) {
        self.inner.stage(&format!("{}: {name}", self.name), done, total);
    }

    fn step(&mut self, done: usize, total: usize) {
        self.inner.step(done, total);
    }

    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>) {
        self.inner.epoch(done, metric);
    }

    fn note(&mut self, text: &str) {
        self.inner.note(text);
    }
}

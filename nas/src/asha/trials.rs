//! Trials: what they are, and where they stand.
//!
//! | file | holds |
//! |---|---|
//! | `trials/<id>/trial.json` | number, hyperparameters, and of every rung it came to epochs, metric and digest of its parameters |
//! | `trials/<id>/checkpoint.safetensors` | what its training goes on from; nothing but metadata once the search is over |
//!
//! Both are functions of the configuration and the trial's number alone: not of the other trials, of who ran it, nor of how
//! often it was interrupted.

use nn::{Builder, Checkpoint, Params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasks::Task;

use super::simulate::{Known, Leg, Search};
use super::space::{self, Draw, Hyperparameters};
use crate::method::{Recipe, SearchStage};
use crate::profile::Values;
use crate::run::{Progress, RunError, RunFolder, as_number, number};
use crate::train::Training;
use crate::trials::{self, FORMAT, Named, damaged, file, folder, sealed, unsealed};
use crate::{Error, arch, cell};

/// How a trial did on a rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Epochs of training.
    pub epochs: usize,
    /// The task's metric on the validation data, before [`tasks::Metric::scale`].
    #[serde(with = "metric")]
    pub metric: f64,
    /// Of the parameters then; of a trial whose loss ran away on its way there is none, and its metric is NaN.
    pub digest: Option<String>,
}

/// A trial's record: the content of `trial.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number.
    pub id: usize,
    /// What it is trained with.
    pub hyperparameters: Hyperparameters,
    /// The rungs it came to, from the first.
    pub rungs: Vec<Rung>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    id: usize,
    hyperparameters: Value,
    rungs: Vec<Rung>,
}

/// Numbers with the three that JSON lacks.
mod metric {
    use super::{Value, as_number, number};
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, to: S) -> Result<S::Ok, S::Error> {
        number(*x).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let value = Value::deserialize(from)?;
        as_number(&value).ok_or_else(|| D::Error::custom(format!("the metric {value} is no number")))
    }
}

impl Trial {
    /// The file's bytes: one line of canonical JSON, `blake3` being the hash of the line without it.
    ///
    /// # Panics
    /// Never: it is plain data.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { id, ref hyperparameters, ref rungs } = *self;
        let file = File { format: FORMAT, id, hyperparameters: hyperparameters.json(), rungs: rungs.clone() };
        sealed(serde_json::to_value(file).expect("plain data"))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, in words: anything but what [`Trial::to_bytes`] wrote.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let json = unsealed(bytes)?;
        let File { id, hyperparameters, rungs, .. } = serde_json::from_value(json).map_err(|e| e.to_string())?;
        let trial = Self { id, hyperparameters: Hyperparameters::read(&hyperparameters)?, rungs };
        let digits = |s: &String| s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        for rung in &trial.rungs {
            match &rung.digest {
                Some(digest) if !digits(digest) => {
                    return Err(format!("the digest after epoch {} is not 64 hexadecimal digits", rung.epochs));
                }
                None if !rung.metric.is_nan() => {
                    return Err(format!("after epoch {} it has a metric but no digest", rung.epochs));
                }
                _ => {}
            }
        }
        Ok(trial)
    }

    /// Whether its loss ran away: it is not trained further.
    pub fn ran_away(&self) -> bool {
        self.rungs.last().is_some_and(|r| r.digest.is_none())
    }

    /// What of it is not this search's, in words.
    fn foreign(&self, id: usize, draw: &Draw, rungs: &[usize]) -> Option<String> {
        if self.id != id {
            return Some(format!("it is trial {}", self.id));
        }
        if self.hyperparameters != draw.hyperparameters {
            return Some("its hyperparameters are not those that the seed draws for this trial".to_owned());
        }
        let theirs: Vec<usize> = self.rungs.iter().map(|r| r.epochs).collect();
        (!rungs.starts_with(&theirs)).then(|| format!("its rungs are at epochs {theirs:?}, the search's at {rungs:?}"))
    }
}

/// The record of a trial of the search, empty if it has not come to a rung.
fn read(folder: &RunFolder, search: &Search, seed: u64, id: usize) -> Result<Trial, Error> {
    let (name, draw) = (file(id), space::draw(seed, id));
    let Some(bytes) = folder.read_file(&name)? else {
        return Ok(Trial { id, hyperparameters: draw.hyperparameters, rungs: Vec::new() });
    };
    let trial = Trial::parse(&bytes).map_err(|what| damaged(folder, &name, what))?;
    match trial.foreign(id, &draw, search.rungs(id)) {
        Some(what) => Err(damaged(folder, &name, what)),
        None => Ok(trial),
    }
}

/// The records of all trials of the search, by number.
///
/// # Errors
/// If one cannot be read, or is damaged.
pub fn read_all(folder: &RunFolder, search: &Search, seed: u64) -> Result<Vec<Trial>, Error> {
    (0..search.trials()).map(|id| read(folder, search, seed, id)).collect()
}

/// What the simulation knows by them.
pub fn known(trials: &[Trial]) -> Known {
    let of = |t: &Trial| t.rungs.iter().enumerate().map(|(i, r)| ((t.id, i), r.metric)).collect::<Vec<_>>();
    trials.iter().flat_map(of).collect()
}

/// How the trials of a search are trained.
pub struct Trainer<'a> {
    /// The search.
    pub search: &'a Search,
    /// The task.
    pub task: &'a dyn Task,
    /// The network, as its family reads it.
    pub network: &'a Value,
    /// Items a step.
    pub batch: usize,
}

impl Trainer<'_> {
    /// Trains a trial to its next rung, from wherever it stands; validates it, and writes that down.
    ///
    /// # Errors
    /// If the folder fails, its files are damaged, or a stop was requested (everything is saved then).
    pub fn run(&self, stage: &mut SearchStage<'_>, leg: Leg) -> Result<(), Error> {
        let mut trial = read(stage.folder, self.search, stage.seed, leg.trial)?;
        let rung = if trial.ran_away() { nothing(leg) } else { self.train(stage, leg)? };
        trial.rungs.push(rung);
        Ok(stage.folder.write_file(&file(leg.trial), &trial.to_bytes())?)
    }

    fn train(&self, stage: &mut SearchStage<'_>, leg: Leg) -> Result<Rung, Error> {
        self.not_past(stage.folder, leg)?;
        let Draw { hyperparameters, seed } = space::draw(stage.seed, leg.trial);
        let values = &hyperparameters.values(stage.values);
        let problem = stage.problem;
        let mut params = Params::new();
        let at = &mut Builder::new(&mut params, seed);
        let network = arch::build(self.network, &problem.form(), values.dropout as f32, at)?;
        params.move_to(stage.device);
        let recipe = Recipe::benchmark_steps(values);
        let mut training = Training::new(problem, values, recipe, self.batch, seed, params)?;
        training.checkpoint_seconds = stage.checkpoint_seconds;
        let rungs = self.search.rungs(leg.trial).len();
        let name = format!("trial {} of {}, rung {} of {rungs}", leg.trial, self.search.trials(), leg.rung + 1);
        let mut watch = Named { inner: &mut *stage.progress, name };
        let mut place = stage.folder.part(folder(leg.trial));
        let trained = training.run(&*network, &stage.train, &stage.fitted, leg.to, &mut place, &mut watch);
        match trained {
            Ok(_) => {}
            Err(e @ Error::NotFinite { .. }) => {
                watch.note(&format!("trial {} ran away and goes on no further: {e}", leg.trial));
                return Ok(nothing(leg));
            }
            Err(e) => return Err(e),
        }
        watch.stage("validation", 0, 1);
        let (params, val) = (&mut training.params, &stage.val);
        let score = cell::evaluate(&*network, params, problem, self.task, val, values.val, &mut watch)?;
        Ok(Rung { epochs: leg.to, metric: score.value(), digest: Some(training.params.digest()) })
    }

    /// Refuses a checkpoint of a later epoch than the rung's: it would be validated as if it were of the rung.
    fn not_past(&self, run: &mut RunFolder, leg: Leg) -> Result<(), Error> {
        let place = run.part(folder(leg.trial));
        // What is damaged is refused by the training itself.
        let Some(checkpoint) = place.checkpoint()?.and_then(|b| Checkpoint::from_bytes(&b).ok()) else { return Ok(()) };
        let (epoch, step) = (checkpoint.meta["epoch"].as_u64(), checkpoint.meta["step"].as_u64());
        let past = (epoch, step) > (Some(leg.to as u64), Some(0));
        if past {
            let (path, to) = (place.path(), leg.to);
            let what = format!("it is past epoch {to}, for which trial.json has no metric yet");
            return Err(
                RunError::Damaged { path, what, fix: "remove the trial's folder: it is then trained anew" }.into()
            );
        }
        Ok(())
    }
}

/// Empties the checkpoints of a search that is over: hundreds of networks that nobody goes on from.
///
/// # Errors
/// If the folder cannot be written.
pub fn forget(run: &mut RunFolder, trials: &[Trial]) -> Result<(), Error> {
    let epochs = |t: &Trial| t.rungs.last().map_or(0, |r| r.epochs);
    trials.iter().try_for_each(|t| trials::forget_trial(run, t.id, epochs(t)))
}

/// A rung that a trial whose loss ran away did not come to.
fn nothing(leg: Leg) -> Rung {
    Rung { epochs: leg.to, metric: f64::NAN, digest: None }
}

impl Hyperparameters {
    /// The profile's values with these.
    #[must_use]
    pub fn values(&self, values: &Values) -> Values {
        let Self { dropout, lr, momentum, weight_decay } = *self;
        Values { dropout, lr, momentum, weight_decay, ..values.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Trial {
        let digest = Some("0123456789abcdef".repeat(4));
        let rungs = vec![
            Rung { epochs: 12, metric: 0.5, digest: digest.clone() },
            Rung { epochs: 50, metric: f64::INFINITY, digest },
            Rung { epochs: 200, metric: f64::NAN, digest: None },
        ];
        Trial { id: 3, hyperparameters: space::draw(0, 3).hyperparameters, rungs }
    }

    #[test]
    fn a_record_reads_back_to_the_bit() {
        let bytes = sample().to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.starts_with(r#"{"blake3":""#) && text.ends_with("]}\n"), "{text}");
        assert!(text.contains(r#""epochs":200,"metric":"NaN"}"#), "{text}");
        let back = Trial::parse(&bytes).unwrap();
        assert_eq!((back.to_bytes(), back.ran_away()), (bytes, true));
        let known = known(&[back]);
        assert_eq!((known[&(3, 0)], known[&(3, 1)], known[&(3, 2)].is_nan()), (0.5, f64::INFINITY, true));
    }

    #[test]
    fn what_is_damaged_is_named() {
        let refused = |edit: fn(&mut Value)| {
            let mut json: Value = serde_json::from_slice(&sample().to_bytes()).unwrap();
            json.as_object_mut().unwrap().remove("blake3");
            edit(&mut json);
            Trial::parse(&sealed(json)).unwrap_err()
        };
        for (edit, part) in [
            ((|j| j["format"] = 2.into()) as fn(&mut Value), "format 2, this program reads 1"),
            (|j| drop(j.as_object_mut().unwrap().remove("format")), "no number 'format'"),
            (|j| drop(j.as_object_mut().unwrap().remove("rungs")), "missing field `rungs`"),
            (|j| j["more"] = 1.into(), "unknown field `more`"),
            (|j| j["id"] = (-1).into(), "invalid value"),
            (|j| j["hyperparameters"]["lr"] = 7.into(), "'lr' is 7"),
            (|j| j["rungs"][0]["metric"] = Value::Null, "the metric null is no number"),
            (|j| j["rungs"][0]["digest"] = "12".into(), "the digest after epoch 12 is not 64"),
            (|j| j["rungs"][0]["digest"] = Value::Null, "after epoch 12 it has a metric but no digest"),
        ] {
            let text = refused(edit);
            assert!(text.contains(part), "{text} / {part}");
        }
        let bytes = sample().to_bytes();
        for n in 0..bytes.len() {
            assert!(Trial::parse(&bytes[..n]).is_err(), "cut to {n} bytes");
        }
        for n in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[n / 8] ^= 1 << (n % 8);
            assert!(Trial::parse(&changed).is_err(), "bit {n}");
        }
    }

    #[test]
    fn a_record_of_another_search_is_named() {
        let trial = sample();
        let foreign = |id, seed, rungs: &[usize]| trial.foreign(id, &space::draw(seed, 3), rungs).unwrap_or_default();
        assert_eq!(foreign(3, 0, &[12, 50, 200]), "");
        assert_eq!(foreign(4, 0, &[12, 50, 200]), "it is trial 3");
        assert!(foreign(3, 1, &[12, 50, 200]).contains("not those that the seed draws"));
        assert!(foreign(3, 0, &[12, 50]).contains("epochs [12, 50, 200], the search's at [12, 50]"));
        assert!(foreign(3, 0, &[3, 12, 50, 200]).contains("the search's at [3, 12, 50, 200]"));
    }
}

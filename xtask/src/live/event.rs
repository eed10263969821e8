//! Events: one JSON line each, `{"event": "epoch", "task": ..}`.

use nas::run::{as_number, number};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A task, a method and a seed: one run, as events name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// The task's name.
    pub task: String,
    /// The method's name.
    pub method: String,
    /// The seed.
    pub seed: u64,
}

impl Run {
    /// Of its three parts.
    pub fn new(task: &str, method: &str, seed: u64) -> Self {
        Self { task: task.to_owned(), method: method.to_owned(), seed }
    }

    /// `satellite wrn`: the run without its seed.
    pub fn cell(&self) -> String {
        format!("{} {}", self.task, self.method)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} seed {}", self.task, self.method, self.seed)
    }
}

/// The newest number of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name (`train error`).
    pub name: String,
    /// Its value.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub value: f64,
}

/// Something happened. Times are in seconds unless they say hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// First of all: what is going to be run, in running order.
    Plan {
        /// The profile's name.
        profile: String,
        /// The folder of the runs.
        out: String,
        /// The runs.
        runs: Vec<Run>,
    },
    /// A run begins, or goes on.
    Start {
        /// Which.
        #[serde(flatten)]
        run: Run,
    },
    /// A stage of it begins: `done` of its `total` epochs are there when it goes on.
    Stage {
        /// Of which.
        #[serde(flatten)]
        run: Run,
        /// The stage (`search`; `trial 3 of 16, rung 1 of 3: train`).
        stage: String,
        /// Epochs that are through.
        done: usize,
        /// Epochs of the stage.
        total: usize,
    },
    /// Steps of an epoch are through. Not every one is told.
    Step {
        /// Of which.
        #[serde(flatten)]
        run: Run,
        /// Steps that are through.
        done: usize,
        /// Steps of the epoch.
        total: usize,
    },
    /// An epoch of the stage is through.
    Epoch {
        /// Of which.
        #[serde(flatten)]
        run: Run,
        /// The stage.
        stage: String,
        /// Epochs that are through.
        done: usize,
        /// Epochs of the stage.
        total: usize,
        /// The newest number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metric: Option<Metric>,
        /// Seconds that the stage may still take, as far as is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta: Option<f64>,
    },
    /// Something the user should know.
    Note {
        /// The task's name.
        task: String,
        /// The method's name.
        method: String,
        /// The seed; none where it is about all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
        /// The text, one line.
        text: String,
    },
    /// A run is done, now or before.
    Done {
        /// Which.
        #[serde(flatten)]
        run: Run,
        /// The metric's name.
        metric: String,
        /// Its unit; empty where it has none.
        unit: String,
        /// Its value on the test data.
        #[serde(serialize_with = "write", deserialize_with = "read")]
        value: f64,
        /// Hours of all its attempts.
        hours: f64,
    },
    /// A run failed.
    Failed {
        /// Which.
        #[serde(flatten)]
        run: Run,
        /// Why, with its causes, as one line.
        error: String,
    },
    /// A run was interrupted; what it needs to go on is saved.
    Interrupted {
        /// Which.
        #[serde(flatten)]
        run: Run,
    },
    /// Last of all.
    End {
        /// Runs that are done.
        done: usize,
        /// Runs that failed.
        failed: usize,
        /// Runs that were interrupted, or never begun.
        left: usize,
    },
}

impl Event {
    /// As one line of JSON, without its end.
    ///
    /// # Panics
    /// Never: an event is plain data.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// Reads what [`Event::line`] wrote.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

/// JSON has no NaN and no infinities: they are words, as in a result.
fn write<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    number(*value).serialize(to)
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    as_number(&value).ok_or_else(|| serde::de::Error::custom(format!("{value} is no number")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn samples() -> Vec<Event> {
        let run = Run::new("satellite", "wrn", 3);
        let metric = Some(Metric { name: "train error".into(), value: 0.1 + 0.2 });
        let stage = || "trial 3 of 16, rung 1 of 3: train".to_owned();
        vec![
            Event::Plan { profile: "smoke".into(), out: "runs".into(), runs: vec![run.clone()] },
            Event::Start { run: run.clone() },
            Event::Stage { run: run.clone(), stage: stage(), done: 1, total: 4 },
            Event::Step { run: run.clone(), done: 1, total: 3 },
            Event::Epoch { run: run.clone(), stage: stage(), done: 2, total: 4, metric, eta: Some(1.5) },
            Event::Epoch { run: run.clone(), stage: stage(), done: 4, total: 4, metric: None, eta: None },
            Event::Note { task: "satellite".into(), method: "wrn".into(), seed: None, text: "a \"note\"".into() },
            Event::Done {
                run: run.clone(),
                metric: "0-1 error".into(),
                unit: "%".into(),
                value: f64::INFINITY,
                hours: 0.5,
            },
            Event::Failed { run: run.clone(), error: "the loss is NaN".into() },
            Event::Interrupted { run },
            Event::End { done: 1, failed: 0, left: 2 },
        ]
    }

    #[test]
    fn every_event_is_one_line_and_comes_back() {
        for event in samples() {
            let line = event.line();
            assert!(!line.contains('\n') && line.starts_with("{\"event\":\""), "{line}");
            assert_eq!(Event::parse(&line).unwrap(), event, "{line}");
        }
        let epoch = samples()[4].line();
        let parts =
            ["\"event\":\"epoch\"", "\"task\":\"satellite\"", "\"method\":\"wrn\"", "\"seed\":3", "\"eta\":1.5"];
        assert!(parts.iter().all(|p| epoch.contains(p)), "{epoch}");
        assert!(samples()[7].line().contains("\"value\":\"Infinity\""));
        assert!(Event::parse("{\"event\":\"epoch\"}").is_err() && Event::parse("error: no").is_err());
    }
}

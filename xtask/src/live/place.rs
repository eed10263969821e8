//! Where in its work a run is: drawn, and left in the run's folder.

use super::event::Metric;
use super::pace::Pace;
use serde::{Deserialize, Serialize};

/// Where in its work a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The stage; empty before the first.
    pub stage: String,
    /// Epochs of it that are through.
    pub done: usize,
    /// Epochs of it.
    pub total: usize,
    /// The part of the epoch in hand that is through.
    pub step: f64,
    /// The newest number.
    pub metric: Option<Metric>,
    /// Seconds that the stage may still take, as far as is known.
    pub eta: Option<f64>,
    /// Who works on it, where that is not this process (`host, pid 12`).
    #[serde(skip)]
    pub who: Option<String>,
}

impl Place {
    /// In a stage, as far as its pace says.
    pub(super) fn of(stage: &str, pace: &Pace, metric: Option<&Metric>) -> Self {
        let (done, total, step, eta) = (pace.done, pace.total, pace.step, pace.eta());
        Self { stage: stage.to_owned(), done, total, step, metric: metric.cloned(), eta, who: None }
    }

    /// The epoch in hand, of how many; nothing before the first stage.
    pub fn epoch(&self) -> Option<String> {
        (self.total > 0).then(|| format!("{}/{}", (self.done + 1).min(self.total), self.total))
    }

    /// The part of the stage that is through, 0 to 1.
    pub fn part(&self) -> f64 {
        ((self.done as f64 + self.step) / self.total.max(1) as f64).clamp(0.0, 1.0)
    }
}

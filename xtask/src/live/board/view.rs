//! Where all runs stand, at one moment: what is drawn, whether events or folders said it.

use crate::live::{Metric, Run};

/// Where one run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Nothing of it is there.
    Waiting,
    /// A process works on it.
    Running(Place),
    /// Nobody works on it; it goes on from where it was.
    Interrupted(Place),
    /// Its value on the test data.
    Done(f64),
    /// An error ended it.
    Failed,
}

/// Where in its work a run is.
#[derive(Debug, Clone, Default, PartialEq)]
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
    pub who: Option<String>,
}

impl Place {
    /// The epoch in hand, of how many; nothing before the first stage.
    pub fn epoch(&self) -> Option<String> {
        (self.total > 0).then(|| format!("{}/{}", (self.done + 1).min(self.total), self.total))
    }

    /// The part of the stage that is through, 0 to 1.
    pub fn part(&self) -> f64 {
        ((self.done as f64 + self.step) / self.total.max(1) as f64).clamp(0.0, 1.0)
    }
}

/// Where all stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// The runs, in any order.
    pub runs: Vec<(Run, State)>,
    /// What was noted last, the newest last.
    pub notes: Vec<String>,
    /// Seconds since the command began, where one is watched.
    pub elapsed: Option<f64>,
    /// Seconds that all of it may still take, as far as is known.
    pub left: Option<f64>,
}

impl View {
    /// Runs that are waiting, running, interrupted, done, failed.
    pub fn counts(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for (_, state) in &self.runs {
            counts[match state {
                State::Waiting => 0,
                State::Running(_) => 1,
                State::Interrupted(_) => 2,
                State::Done(_) => 3,
                State::Failed => 4,
            }] += 1;
        }
        counts
    }
}

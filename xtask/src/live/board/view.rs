//! Where all runs stand, at one moment: what is drawn, whether events or folders said it.

use crate::live::{Place, Run};

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

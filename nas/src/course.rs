//! What a cell's work consists of, in items that pass: for estimates of its time before anything is run.
//!
//! A [`Leg`] is a part of a run whose steps are alike, so that its time is that of one step times the items that pass. What a
//! step takes is found by running the method's own code for a few steps on a small copy (`bench --dry-run`); [`short`] gives
//! the values for that.

use serde_json::Value;

use crate::profile::Values;

/// What [`Leg::what`] says of work that the run of another method with the same configuration spares.
pub const SIBLING: &str = "sibling's search";

/// What passes, and what a run's batches depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Items that a search fits.
    pub train: usize,
    /// Items that it selects by.
    pub val: usize,
    /// Whether sizes are scaled down: see [`Values::batch_for`].
    pub scaled: bool,
}

impl Amounts {
    /// Items that the final training fits.
    pub fn all(self) -> usize {
        self.train + self.val
    }
}

/// Which steps of a run, as [`crate::run::Progress`] is told of them, show what a leg's steps take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The stage's name.
    pub stage: &'static str,
    /// The epoch, from 0; none: any.
    pub epoch: Option<usize>,
    /// Of an epoch's steps those from this one on, from 0.
    pub from: usize,
    /// And up to this one.
    pub until: usize,
}

impl Shown {
    /// All steps of a stage.
    pub fn stage(stage: &'static str) -> Self {
        Self { stage, epoch: None, from: 0, until: usize::MAX }
    }

    /// Those of one epoch of a stage.
    pub fn epoch(stage: &'static str, epoch: usize) -> Self {
        Self { epoch: Some(epoch), ..Self::stage(stage) }
    }
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// In words.
    pub what: &'static str,
    /// Which steps show what it takes.
    pub shown: Shown,
    /// Items of such a step.
    pub step: usize,
    /// Items that pass in the whole run, epochs times items.
    pub passes: f64,
    /// Where the run trains many networks: multiply-adds of one input's forward through the mean one. The time then grows
    /// with them, too.
    pub multiply_adds: Option<f64>,
}

impl Leg {
    /// The final training of `values`.
    pub fn training(values: &Values, amounts: Amounts) -> Self {
        let passes = values.epochs as f64 * amounts.all() as f64;
        Self { what: "training", shown: Shown::stage("train"), step: values.batch, passes, multiply_adds: None }
    }

    /// Epochs of a two-level search in which `shown` says what a step takes, over the part of the items that is for the
    /// weights.
    pub fn search(values: &Values, amounts: Amounts, parts: usize, epochs: usize, shown: Shown) -> Self {
        let held_out = (amounts.train / parts).max(1);
        let weights = amounts.train.saturating_sub(held_out).max(1);
        let step = values.count("search_batch") * (parts - 1);
        Self { what: "search", shown, step, passes: epochs as f64 * weights as f64, multiply_adds: None }
    }
}

/// A two-level search whose epochs are of two kinds, before its architecture moves and after (`moves`, of epoch and epochs),
/// and the final training. Of a short search the first epoch is of the one kind and the second of the other.
pub fn two_level(values: &Values, amounts: Amounts, parts: usize, moves: impl Fn(usize, usize) -> bool) -> Vec<Leg> {
    let epochs = values.count("search_epochs");
    let moving = (0..epochs).filter(|&e| moves(e, epochs)).count();
    let leg = |kind, epochs| Leg::search(values, amounts, parts, epochs, Shown::epoch("search", kind));
    vec![leg(0, epochs - moving), leg(1, moving), Leg::training(values, amounts)]
}

/// Overrides for a run of a few steps, as `--set` takes them: one epoch of everything, two of a search, which begins without
/// its architecture; `batch` items a step, `search` of each part of a search.
pub fn short(values: &Values, search: usize, batch: usize) -> Vec<(&'static str, usize)> {
    let mut all = vec![("epochs", 1), ("batch", batch)];
    let own = [
        ("search_epochs", 2),
        ("search_batch", search),
        ("episodes", 1),
        ("episode_steps", 3),
        ("episode_architectures", 3),
    ];
    all.extend(own.into_iter().filter(|(key, _)| values.own.get(*key).is_some_and(Value::is_number)));
    all
}

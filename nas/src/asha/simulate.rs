//! The decision: a discrete-event simulation in which a trial lasts its epochs.
//!
//! Asynchronous halving decides by what it has seen so far, so with real clocks its outcome would depend on which trial
//! happened to end first. Here virtual workers run the trials in the search's own time: a leg (a trial from one rung to the
//! next) lasts its epochs, and of legs that end together the trial of the smaller number comes first. The outcome is then a
//! function of the trials' metrics alone; however many processes compute them, in whatever order, on whatever machines, each
//! derives the same.
//!
//! A leg that ends puts its trial on its rung. If a trial among the best n / 4 (rounded down) of the rung's n is not yet
//! promoted, it is (there is never more than one); else the next trial begins, while there are any; else the worker rests.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use kernels::rng::{Key, Purpose};
use tasks::Direction;

use super::rungs::{Bracket, DIVISOR, Mode, brackets};

/// Searches that are played through for an estimate of their length.
const PLAYED: u64 = 8;

/// What is known: the metric of a trial on a rung of its bracket.
pub type Known = BTreeMap<(usize, usize), f64>;

/// A trial's way from one rung to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The trial's number.
    pub trial: usize,
    /// The rung it leads to.
    pub rung: usize,
    /// Epochs the trial has behind it.
    pub from: usize,
    /// Epochs it will have behind it, counted from its beginning.
    pub to: usize,
}

/// A trial as it was seen on a rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The trial's number.
    pub trial: usize,
    /// Its epochs then.
    pub epochs: usize,
    /// Its metric then.
    pub metric: f64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Every leg that the search is sure to need and whose metric is not known, the one it waits for first; never none.
    /// Several may be run at once, and be reported in any order.
    Run(Vec<Leg>),
    /// The search is over: the best that was seen of all trials on all rungs.
    Done(Seen),
}

/// A search: its brackets, and which way is better.
#[derive(Debug, Clone)]
pub struct Search {
    brackets: Vec<Bracket>,
    direction: Direction,
}

/// A leg that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Running {
    end: usize,
    leg: Leg,
}

/// Where a bracket comes to with what is known.
struct Played {
    /// What it waits for, and what ends after that: nothing if it is over.
    running: Vec<Running>,
    /// The first trial that has not begun.
    waiting: usize,
    /// The best seen.
    best: Option<Seen>,
}

impl Search {
    /// The search of so many trials of at most `length` epochs.
    ///
    /// # Panics
    /// If there are no epochs or no trials.
    pub fn new(length: usize, trials: usize, mode: Mode, direction: Direction) -> Self {
        Self { brackets: brackets(length, trials, mode), direction }
    }

    /// How many trials.
    pub fn trials(&self) -> usize {
        self.brackets.last().map_or(0, |b| b.trials.end)
    }

    /// The rungs that a trial may reach, in epochs from its beginning.
    ///
    /// # Panics
    /// If there is no such trial.
    pub fn rungs(&self, trial: usize) -> &[usize] {
        &self.brackets.iter().find(|b| b.trials.contains(&trial)).expect("a trial of this search").rungs
    }

    /// Epochs that all trials are trained for together, in the mean of some searches in which each trial is as good on
    /// every rung, at random.
    pub fn expected_epochs(&self) -> f64 {
        let mut epochs = 0;
        for play in 0..PLAYED {
            let good = Key::new(play, Purpose::Search).stream(0).permutation(self.trials());
            let mut known = Known::new();
            while let Next::Run(legs) = self.next(&known) {
                epochs += legs.iter().map(|l| l.to - l.from).sum::<usize>();
                known.extend(legs.iter().map(|l| ((l.trial, l.rung), f64::from(good[l.trial]))));
            }
        }
        epochs as f64 / PLAYED as f64
    }

    /// What is to be done, given what is known.
    pub fn next(&self, known: &Known) -> Next {
        let played: Vec<Played> = self.brackets.iter().map(|b| self.play(b, known)).collect();
        let unknown = |leg: &Leg| !known.contains_key(&(leg.trial, leg.rung));
        let mut running: Vec<Running> = played.iter().flat_map(|p| p.running.iter().copied()).collect();
        running.sort_by_key(|r| (r.end, r.leg.trial));
        let mut legs: Vec<Leg> = running.into_iter().map(|r| r.leg).filter(unknown).collect();
        // Every trial begins in the end, whatever the metrics.
        for (bracket, played) in self.brackets.iter().zip(&played) {
            let first = |trial| Leg { trial, rung: 0, from: 0, to: bracket.rungs[0] };
            legs.extend((played.waiting..bracket.trials.end).map(first).filter(unknown));
        }
        if !legs.is_empty() {
            return Next::Run(legs);
        }
        let best = played.iter().filter_map(|p| p.best).min_by(|a, b| self.order(a, b));
        Next::Done(best.expect("a bracket has a trial, and it was seen"))
    }

    /// Better first: NaN is worst; of equals the smaller number comes first.
    fn order(&self, a: &Seen, b: &Seen) -> Ordering {
        let by_metric = match self.direction {
            Direction::Lower => a.metric.partial_cmp(&b.metric),
            Direction::Higher => b.metric.partial_cmp(&a.metric),
        };
        let by_metric = by_metric.unwrap_or_else(|| a.metric.is_nan().cmp(&b.metric.is_nan()));
        by_metric.then(a.trial.cmp(&b.trial))
    }

    fn play(&self, bracket: &Bracket, known: &Known) -> Played {
        let rungs = &bracket.rungs;
        let leg = |trial: usize, rung: usize| {
            let from = rung.checked_sub(1).map_or(0, |below| rungs[below]);
            Leg { trial, rung, from, to: rungs[rung] }
        };
        let start = |now: usize, leg: Leg| Running { end: now + (leg.to - leg.from), leg };
        let mut waiting = bracket.trials.clone();
        let mut running: Vec<Running> =
            waiting.by_ref().take(bracket.workers).map(|trial| start(0, leg(trial, 0))).collect();
        // Of each rung the trials seen, best first, and whether each was promoted.
        let mut seen: Vec<Vec<(Seen, bool)>> = vec![Vec::new(); rungs.len()];
        while let Some(i) = (0..running.len()).min_by_key(|&i| (running[i].end, running[i].leg.trial)) {
            let Running { end: now, leg: ended } = running[i];
            let Some(&metric) = known.get(&(ended.trial, ended.rung)) else { break };
            running.swap_remove(i);
            let rung = &mut seen[ended.rung];
            let new = Seen { trial: ended.trial, epochs: ended.to, metric };
            let at = rung.partition_point(|(s, _)| self.order(s, &new).is_lt());
            rung.insert(at, (new, false));
            let good = if ended.rung + 1 < rungs.len() { rung.len() / DIVISOR } else { 0 };
            if let Some((best, promoted)) = rung[..good].iter_mut().find(|(_, promoted)| !promoted) {
                *promoted = true;
                running.push(start(now, leg(best.trial, ended.rung + 1)));
            } else if let Some(trial) = waiting.next() {
                running.push(start(now, leg(trial, 0)));
            }
        }
        let best = seen.iter().filter_map(|rung| rung.first()).map(|(s, _)| *s).min_by(|a, b| self.order(a, b));
        Played { running, waiting: waiting.start, best }
    }
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
mod tests;

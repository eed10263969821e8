//! What a run's steps take, as its progress tells of them.

use nas::course::Shown;
use nas::run::Progress;
use std::time::Instant;

/// A step that followed another of its epoch.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    stage: String,
    epoch: usize,
    step: usize,
    last: bool,
    seconds: f64,
}

/// Watches a run; of every epoch's steps but the first, which warms up, it keeps the time since the one before.
#[derive(Debug, Default)]
pub struct Timer {
    stage: String,
    epoch: usize,
    before: Option<Instant>,
    seen: Vec<Seen>,
}

impl Progress for Timer {
    fn stage(&mut self, name: &str, done: usize, _: usize) {
        (self.stage, self.epoch, self.before) = (name.to_owned(), done, None);
    }

    fn step(&mut self, done: usize, total: usize) {
        let now = Instant::now();
        if let Some(before) = self.before.replace(now) {
            let (stage, epoch, step) = (self.stage.clone(), self.epoch, done.saturating_sub(1));
            let seconds = (now - before).as_secs_f64();
            self.seen.push(Seen { stage, epoch, step, last: done == total, seconds });
        }
    }

    fn epoch(&mut self, done: usize, _: Option<(&str, f64)>) {
        (self.epoch, self.before) = (done, None);
    }

    fn note(&mut self, _: &str) {}
}

impl Timer {
    /// The mean of the quicker half of the steps that show what a leg's take: what else runs on a machine only makes them
    /// longer. Nothing if there were none. An epoch's last step may be a short one: it counts where there is no other.
    pub fn mean(&self, shown: Shown) -> Option<f64> {
        let of = |s: &&Seen| {
            s.stage == shown.stage
                && shown.epoch.is_none_or(|e| e == s.epoch)
                && (shown.from..shown.until).contains(&s.step)
        };
        let all: Vec<&Seen> = self.seen.iter().filter(of).collect();
        let whole: Vec<&Seen> = all.iter().copied().filter(|s| !s.last).collect();
        let mut taken = if whole.is_empty() { all } else { whole };
        taken.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        taken.truncate(taken.len().div_ceil(2));
        let mut sum = 0.0;
        taken.iter().for_each(|s| sum += s.seconds);
        (!taken.is_empty()).then(|| sum / taken.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_has_the_steps_of_its_stage_and_epoch_alone() {
        let mut timer = Timer::default();
        timer.stage("search", 0, 2);
        for epoch in 0..2 {
            (1..=4).for_each(|step| timer.step(step, 4));
            timer.epoch(epoch + 1, None);
        }
        timer.stage("trial 0: train", 0, 1);
        (1..=2).for_each(|step| timer.step(step, 2));
        // Times that can be told apart, in the order of the steps: 1, 2, 3; 4, 5, 6; 7.
        assert_eq!(timer.seen.len(), 7, "the first step of an epoch follows none");
        timer.seen.iter_mut().enumerate().for_each(|(i, s)| s.seconds = (i + 1) as f64);
        assert_eq!(timer.mean(Shown::epoch("search", 0)), Some(1.0), "the last may be short");
        assert_eq!(timer.mean(Shown::epoch("search", 1)), Some(4.0));
        assert_eq!(timer.mean(Shown::stage("search")), Some(1.5));
        assert_eq!(timer.mean(Shown { from: 2, ..Shown::epoch("search", 1) }), Some(5.0));
        assert_eq!(timer.mean(Shown { from: 3, ..Shown::epoch("search", 1) }), Some(6.0), "there is no other");
        assert_eq!(timer.mean(Shown { until: 2, ..Shown::epoch("search", 1) }), Some(4.0));
        assert_eq!(timer.mean(Shown::stage("train")), None, "a trial's is not the final one");
    }
}

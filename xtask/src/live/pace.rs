//! How fast a stage goes, and how long it may still take.

use std::time::Instant;

/// A stage's place and pace, as far as this process saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// When it began here.
    begun: Instant,
    /// Where: epochs, in fractions.
    first: f64,
    /// Whether a step was seen.
    stepped: bool,
    /// Epochs that are through.
    pub(super) done: usize,
    /// Epochs of the stage.
    pub(super) total: usize,
    /// The part of the epoch in hand that is through.
    pub(super) step: f64,
}

impl Pace {
    /// The stage begins, or goes on.
    pub(super) fn begin(done: usize, total: usize) -> Self {
        Self { begun: Instant::now(), first: done as f64, stepped: false, done, total, step: 0.0 }
    }

    /// Steps of an epoch are through. The first that is told says where in the epoch the stage went on.
    pub(super) fn step(&mut self, done: usize, total: usize) {
        let part = |n: usize| n as f64 / total.max(1) as f64;
        if !self.stepped {
            (self.stepped, self.first) = (true, self.first + part(done.saturating_sub(1)));
        }
        self.step = part(done).clamp(0.0, 1.0);
    }

    /// An epoch is through.
    pub(super) fn epoch(&mut self, done: usize) {
        (self.done, self.step, self.stepped) = (done, 0.0, true);
    }

    /// Seconds left after `elapsed` seconds of it.
    fn after(&self, elapsed: f64) -> Option<f64> {
        let here = self.done as f64 + self.step;
        let (gone, left) = (here - self.first, self.total as f64 - here);
        (gone > 0.0 && left >= 0.0).then(|| elapsed / gone * left)
    }

    /// Seconds left, as far as is known.
    pub(super) fn eta(&self) -> Option<f64> {
        self.after(self.begun.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_what_was_seen_here() {
        let mut pace = Pace::begin(10, 30);
        assert_eq!(pace.after(5.0), None, "nothing is known yet");
        // It went on in the middle of an epoch: half of one took 5 s, 19 are left.
        pace.step(51, 100);
        pace.step(100, 100);
        assert_eq!((pace.after(5.0), pace.step), (Some(190.0), 1.0));
        pace.epoch(11);
        assert_eq!(pace.after(5.0), Some(190.0));
        pace.epoch(30);
        assert_eq!(pace.after(60.0), Some(0.0));
        let mut pace = Pace::begin(0, 1);
        pace.step(0, 0);
        assert_eq!(pace.after(1.0), None);
    }
}

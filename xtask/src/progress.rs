//! Progress for people: a bar on a terminal, a plain line now and then elsewhere.

use crate::ui;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nas::run::Progress;
use std::time::{Duration, Instant};

/// Steps of the bar that one epoch takes.
const EPOCH: u64 = 1_000;
/// The least time between two plain lines.
const PAUSE: Duration = Duration::from_secs(3);

/// Watches the run called `name` (`satellite wrn seed 0`).
pub fn watcher(name: &str) -> Box<dyn Progress> {
    if ui::watched() { Box::new(Bar::new(name)) } else { Box::new(Plain::new(name, ui::note)) }
}

struct Bar {
    bar: ProgressBar,
    stage: String,
    done: usize,
    total: usize,
    metric: String,
}

impl Bar {
    fn new(name: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix}  {msg}  [{bar:12}] {elapsed}, {eta} left");
        bar.set_style(style.expect("a valid template").progress_chars("=> "));
        bar.set_prefix(name.to_owned());
        Self { bar, stage: String::new(), done: 0, total: 0, metric: String::new() }
    }

    fn show(&self) {
        let epoch = (self.done + 1).min(self.total);
        self.bar.set_message(format!("{} {epoch}/{}{}", self.stage, self.total, self.metric));
    }
}

impl Progress for Bar {
    fn stage(&mut self, name: &str, done: usize, total: usize) {
        (self.stage, self.done, self.total) = (name.to_owned(), done, total);
        self.metric.clear();
        self.bar.set_length(total as u64 * EPOCH);
        self.bar.set_position(done as u64 * EPOCH);
        self.bar.reset_eta();
        self.show();
    }

    fn step(&mut self, done: usize, total: usize) {
        self.bar.set_position(self.done as u64 * EPOCH + done as u64 * EPOCH / total.max(1) as u64);
    }

    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>) {
        self.done = done;
        if let Some((name, value)) = metric {
            self.metric = format!("  {name} {value:.4}");
        }
        self.bar.set_position(done as u64 * EPOCH);
        self.show();
    }

    fn note(&mut self, text: &str) {
        // Composed first: inside `suspend` the bar may not be asked anything, it would wait for itself.
        let text = format!("{}: {text}", self.bar.prefix());
        self.bar.suspend(|| ui::note(&text));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

struct Plain<F> {
    name: String,
    print: F,
    stage: String,
    total: usize,
    first: usize,
    begun: Instant,
    last: Option<Instant>,
}

impl<F: FnMut(&str)> Plain<F> {
    fn new(name: &str, print: F) -> Self {
        Self {
            name: name.to_owned(),
            print,
            stage: String::new(),
            total: 0,
            first: 0,
            begun: Instant::now(),
            last: None,
        }
    }
}

impl<F: FnMut(&str)> Progress for Plain<F> {
    fn stage(&mut self, name: &str, done: usize, total: usize) {
        (self.stage, self.first, self.total) = (name.to_owned(), done, total);
        self.begun = Instant::now();
        if done > 0 {
            (self.print)(&format!("{}: goes on at {name} epoch {}/{total}", self.name, done + 1));
        }
    }

    fn step(&mut self, _: usize, _: usize) {}

    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>) {
        if done < self.total && self.last.is_some_and(|t| t.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        let mut text = format!("{}: {} epoch {done}/{}", self.name, self.stage, self.total);
        if let Some((name, value)) = metric {
            text += &format!(", {name} {value:.4}");
        }
        if done > self.first {
            let one = self.begun.elapsed().as_secs_f64() / (done - self.first) as f64;
            text += &format!(", {} an epoch", ui::duration(one));
            if done < self.total {
                text += &format!(", {} left", ui::duration(one * (self.total - done) as f64));
            }
        }
        (self.print)(&text);
    }

    fn note(&mut self, text: &str) {
        (self.print)(&format!("{}: {text}", self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_follows_epochs_and_steps() {
        let mut bar = Bar::new("satellite wrn seed 0");
        bar.stage("final", 10, 30);
        bar.step(1, 2);
        assert_eq!((bar.bar.position(), bar.bar.length()), (10_500, Some(30_000)));
        bar.epoch(11, Some(("loss", 0.5)));
        bar.note("a note");
        assert_eq!((bar.bar.position(), bar.bar.message().as_str()), (11_000, "final 12/30  loss 0.5000"));
        bar.epoch(30, None);
        bar.step(0, 0);
        assert_eq!(bar.bar.message(), "final 30/30  loss 0.5000");
    }

    #[test]
    fn plain_lines_are_few_ascii_and_end_with_the_last_epoch() {
        let mut lines = Vec::new();
        let mut plain = Plain::new("satellite wrn seed 0", |l: &str| lines.push(l.to_owned()));
        plain.stage("final", 10, 1000);
        for epoch in 11..=1000 {
            plain.step(1, 2);
            plain.epoch(epoch, Some(("loss", 0.5)));
        }
        plain.note("done");
        drop(plain);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[0], "satellite wrn seed 0: goes on at final epoch 11/1000");
        assert!(lines[1].starts_with("satellite wrn seed 0: final epoch 11/1000, loss 0.5000, 0.0 s an epoch, "));
        assert!(lines[2].contains("epoch 1000/1000") && !lines[2].contains("left"));
        assert!(lines.iter().all(|l| l.is_ascii()));
    }
}

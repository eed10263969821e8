//! A bar on a terminal.

use crate::ui;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nas::run::Progress;

/// Steps of the bar that one epoch takes.
const EPOCH: u64 = 1_000;
/// A run's bar.
pub(crate) struct Bar {
    bar: ProgressBar,
    stage: String,
    done: usize,
    total: usize,
    metric: String,
}

impl Bar {
    pub(crate) fn new(name: &str) -> Self {
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
}

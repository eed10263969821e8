//! A line on the terminal that says how far a sweep is; where there is no terminal, a line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Width of the bar.
const BAR: usize = 30;

/// The progress of one function.
pub struct Progress {
    name: &'static str,
    begun: Instant,
    /// Inputs that an earlier run did.
    before: u64,
    all: u64,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Of a function of which `before` of `all` inputs are done.
    pub fn new(name: &'static str, before: u64, all: u64) -> Self {
        Self { name, begun: Instant::now(), before, all, shown: None, terminal: std::io::stderr().is_terminal() }
    }

    /// Says that `done` inputs are done, if the last word on it is old.
    pub fn show(&mut self, done: u64) {
        let every = if self.terminal { Duration::from_millis(100) } else { Duration::from_secs(10) };
        if self.shown.unwrap_or(self.begun).elapsed() < every {
            return;
        }
        self.shown = Some(Instant::now());
        let text = text(self.name, self.before, done, self.all, self.begun.elapsed().as_secs_f64());
        let mut err = std::io::stderr().lock();
        // Nobody to read it is no reason to stop.
        let _ = if self.terminal { write!(err, "\r{text}\x1b[K") } else { writeln!(err, "{text}") };
        let _ = err.flush();
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.terminal && self.shown.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn text(name: &str, before: u64, done: u64, all: u64, seconds: f64) -> String {
    let share = done as f64 / all as f64;
    let rate = (done - before) as f64 / seconds;
    let left = ((all - done) as f64 / rate) as u64;
    let full = (share * BAR as f64) as usize;
    format!(
        "{name:8} [{}{}] {:5.1} %  {:6.1} M/s  ETA {}:{:02}",
        "#".repeat(full),
        "-".repeat(BAR - full),
        100.0 * share,
        rate / 1e6,
        left / 60,
        left % 60
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn rate_and_time_left_count_from_this_start() {
        let text = super::text("exp", 1_000_000_000, 2_000_000_000, 4_000_000_000, 10.0);
        assert_eq!(text, "exp      [###############---------------]  50.0 %   100.0 M/s  ETA 0:20");
    }
}

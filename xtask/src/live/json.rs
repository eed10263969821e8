//! For programs: one event a line on the standard output, and nothing else there.

use super::audience::Audience;
use super::event::{Event, Run};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The least time between two steps of a run.
const PAUSE: Duration = Duration::from_secs(1);

/// Prints events as lines.
pub(super) struct Json<F> {
    print: F,
    /// When a step of a run was last told.
    told: BTreeMap<Run, Instant>,
}

impl<F: FnMut(&str) + Send> Json<F> {
    pub(super) fn new(print: F) -> Self {
        Self { print, told: BTreeMap::new() }
    }
}

impl<F: FnMut(&str) + Send> Audience for Json<F> {
    fn hear(&mut self, event: &Event) {
        if let Event::Step { run, .. } = event {
            if self.told.get(run).is_some_and(|t| t.elapsed() < PAUSE) {
                return;
            }
            self.told.insert(run.clone(), Instant::now());
        }
        (self.print)(&event.line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::event::tests::samples;

    #[test]
    fn everything_is_told_but_steps_in_a_hurry() {
        let mut lines = Vec::new();
        let mut json = Json::new(|l: &str| lines.push(l.to_owned()));
        let all = samples();
        all.iter().for_each(|e| json.hear(e));
        for done in 2..100 {
            json.hear(&Event::Step { run: Run::new("satellite", "wrn", 3), done, total: 100 });
        }
        json.hear(&Event::Step { run: Run::new("satellite", "wrn", 4), done: 1, total: 100 });
        drop(json);
        assert_eq!(lines.len(), all.len() + 1);
        assert!(lines.iter().zip(&all).all(|(line, event)| Event::parse(line).unwrap() == *event));
    }
}

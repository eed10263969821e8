//! For logs: a plain line now and then.

use super::audience::Audience;
use super::event::{Event, Run};
use crate::ui;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The least time between two lines about epochs of a run.
const PAUSE: Duration = Duration::from_secs(3);

/// Prints lines.
pub(super) struct Plain<F> {
    print: F,
    stages: BTreeMap<Run, Stage>,
}

/// The stage that a run is in.
struct Stage {
    first: usize,
    begun: Instant,
    last: Option<Instant>,
}

impl<F: FnMut(&str) + Send> Plain<F> {
    pub(super) fn new(print: F) -> Self {
        Self { print, stages: BTreeMap::new() }
    }
}

impl<F: FnMut(&str) + Send> Audience for Plain<F> {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Stage { run, stage, done, total } => {
                // A line was due or not whatever the stage: short ones do not speak more often.
                let last = self.stages.get(run).and_then(|s| s.last);
                self.stages.insert(run.clone(), Stage { first: *done, begun: Instant::now(), last });
                if *done > 0 {
                    (self.print)(&format!("{run}: goes on at {stage} epoch {}/{total}", done + 1));
                }
            }
            Event::Epoch { run, stage, done, total, metric, eta } => {
                let Some(begun) = self.stages.get_mut(run) else { return };
                if done < total && begun.last.is_some_and(|t| t.elapsed() < PAUSE) {
                    return;
                }
                begun.last = Some(Instant::now());
                let mut text = format!("{run}: {stage} epoch {done}/{total}");
                if let Some(m) = metric {
                    text += &format!(", {} {:.4}", m.name, m.value);
                }
                if *done > begun.first {
                    let one = begun.begun.elapsed().as_secs_f64() / (done - begun.first) as f64;
                    text += &format!(", {} an epoch", ui::duration(one));
                }
                if let Some(eta) = eta.filter(|_| done < total) {
                    text += &format!(", {} left", ui::duration(eta));
                }
                (self.print)(&text);
            }
            Event::Note { task, method, seed, text } => {
                let seed = seed.map(|s| format!(" seed {s}")).unwrap_or_default();
                (self.print)(&format!("{task} {method}{seed}: {text}"));
            }
            Event::Failed { error, .. } => (self.print)(&format!("error: {error}")),
            Event::Done { run, .. } | Event::Interrupted { run } => drop(self.stages.remove(run)),
            Event::Plan { .. } | Event::Start { .. } | Event::Step { .. } | Event::End { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::event::Metric;

    #[test]
    fn lines_are_few_ascii_and_end_with_the_last_epoch() {
        let mut lines = Vec::new();
        let mut plain = Plain::new(|l: &str| lines.push(l.to_owned()));
        let run = || Run::new("satellite", "wrn", 0);
        let (stage, total) = ("final".to_owned(), 1000);
        plain.hear(&Event::Start { run: run() });
        plain.hear(&Event::Stage { run: run(), stage: stage.clone(), done: 10, total });
        for done in 11..=total {
            plain.hear(&Event::Step { run: run(), done: 1, total: 2 });
            let metric = Some(Metric { name: "loss".into(), value: 0.5 });
            plain.hear(&Event::Epoch { run: run(), stage: stage.clone(), done, total, metric, eta: Some(70.0) });
        }
        let (task, method, text) = ("satellite".to_owned(), "wrn".to_owned(), "a note".to_owned());
        plain.hear(&Event::Note { task, method, seed: None, text });
        plain.hear(&Event::Failed { run: run(), error: "satellite wrn seed 0: the loss is NaN".into() });
        drop(plain);
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!(lines[0], "satellite wrn seed 0: goes on at final epoch 11/1000");
        assert_eq!(lines[1], "satellite wrn seed 0: final epoch 11/1000, loss 0.5000, 0.0 s an epoch, 1 m 10 s left");
        assert!(lines[2].contains("epoch 1000/1000") && !lines[2].contains("left"));
        assert_eq!(lines[3..], ["satellite wrn: a note", "error: satellite wrn seed 0: the loss is NaN"]);
        assert!(lines.iter().all(|l| l.is_ascii()));
    }
}

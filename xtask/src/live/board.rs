//! For a person at a terminal: a bar for each run.

use super::audience::Audience;
use super::event::{Event, Run};
use crate::progress::Bar;
use crate::ui;
use nas::run::Progress;

/// Draws.
#[derive(Default)]
pub(super) struct Board {
    bar: Option<(Run, Bar)>,
}

impl Board {
    fn of(&mut self, run: &Run) -> &mut Bar {
        if self.bar.as_ref().is_none_or(|(of, _)| of != run) {
            self.bar = Some((run.clone(), Bar::new(&run.to_string())));
        }
        &mut self.bar.as_mut().expect("made above").1
    }
}

impl Audience for Board {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Stage { run, stage, done, total } => self.of(run).stage(stage, *done, *total),
            Event::Step { run, done, total } => self.of(run).step(*done, *total),
            Event::Epoch { run, done, metric, .. } => {
                self.of(run).epoch(*done, metric.as_ref().map(|m| (m.name.as_str(), m.value)));
            }
            Event::Note { task, method, seed, text } => {
                let seed = seed.map(|s| format!(" seed {s}")).unwrap_or_default();
                ui::note(&format!("{task} {method}{seed}: {text}"));
            }
            Event::Failed { error, .. } => {
                self.bar = None;
                ui::note(&format!("error: {error}"));
            }
            Event::Done { .. } | Event::Interrupted { .. } | Event::End { .. } => self.bar = None,
            Event::Plan { .. } | Event::Start { .. } => {}
        }
    }
}

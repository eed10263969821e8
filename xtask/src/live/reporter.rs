//! One run's [`Progress`]: it becomes events, and a courtesy in the run's folder for whoever looks from outside.

use super::audience::Audience;
use super::event::{Event, Metric, Run};
use super::pace::Pace;
use super::place::Place;
use super::tensorboard::Curves;
use nas::run::Progress;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The file that says where a run stands. It is a courtesy: nothing depends on it, and a finished run has none.
pub const LIVE: &str = "live.json";

/// The least time between two such files, and two steps that are told.
const WRITE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// When this was written: seconds since 1970.
    pub updated: f64,
}

/// What the run in `folder` last said of itself, if it did.
pub fn read(folder: &Path) -> Option<Live> {
    serde_json::from_slice(&std::fs::read(folder.join(LIVE)).ok()?).ok()
}

/// Watches one run.
pub struct Reporter<'a> {
    run: Run,
    audience: &'a mut dyn Audience,
    folder: Option<(PathBuf, Curves)>,
    stage: String,
    pace: Pace,
    metric: Option<Metric>,
    told: Option<Instant>,
    written: Option<Instant>,
}

impl<'a> Reporter<'a> {
    /// Of a run whose folder is not open yet.
    pub fn new(run: Run, audience: &'a mut dyn Audience) -> Self {
        let (stage, pace) = (String::new(), Pace::begin(0, 0));
        Self { run, audience, folder: None, stage, pace, metric: None, told: None, written: None }
    }

    /// This process owns the run's folder from now on.
    pub fn opened(&mut self, folder: &Path) {
        self.folder = Some((folder.to_owned(), Curves::of(folder)));
    }

    /// The run is done: what was said of it meanwhile is gone.
    pub fn done(mut self) {
        if let Some((folder, mut curves)) = self.folder.take() {
            curves.update();
            let _ = std::fs::remove_file(folder.join(LIVE));
        }
    }

    /// Puts the file into the folder, whole. What fails is lost without harm.
    fn write(&mut self) {
        let Some((folder, _)) = self.folder.as_ref().filter(|_| !self.stage.is_empty()) else { return };
        self.written = Some(Instant::now());
        let live = Live {
            place: Place::of(&self.stage, &self.pace, self.metric.as_ref()),
            updated: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64()),
        };
        // Named as what a run sweeps away where a process was killed in between.
        let temporary = folder.join(format!(".{LIVE}.tmp"));
        let text = serde_json::to_string(&live).expect("plain data") + "\n";
        if std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, folder.join(LIVE))).is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
    }

    fn write_now_and_then(&mut self) {
        if self.written.is_none_or(|t| t.elapsed() >= WRITE) {
            self.write();
        }
    }
}

impl Progress for Reporter<'_> {
    fn stage(&mut self, name: &str, done: usize, total: usize) {
        name.clone_into(&mut self.stage);
        (self.pace, self.metric, self.told) = (Pace::begin(done, total), None, None);
        self.audience.hear(&Event::Stage { run: self.run.clone(), stage: self.stage.clone(), done, total });
        self.write_now_and_then();
    }

    fn step(&mut self, done: usize, total: usize) {
        self.pace.step(done, total);
        if self.told.is_none_or(|t| t.elapsed() >= STEP) {
            self.told = Some(Instant::now());
            self.audience.hear(&Event::Step { run: self.run.clone(), done, total });
        }
        self.write_now_and_then();
    }

    fn epoch(&mut self, done: usize, metric: Option<(&str, f64)>) {
        self.pace.epoch(done);
        let metric = metric.map(|(name, value)| Metric { name: name.to_owned(), value });
        if metric.is_some() {
            self.metric.clone_from(&metric);
        }
        let (run, stage, total) = (self.run.clone(), self.stage.clone(), self.pace.total);
        self.audience.hear(&Event::Epoch { run, stage, done, total, metric, eta: self.pace.eta() });
        if let Some((_, curves)) = &mut self.folder {
            curves.update();
        }
        self.write_now_and_then();
    }

    fn note(&mut self, text: &str) {
        let Run { task, method, seed } = self.run.clone();
        self.audience.hear(&Event::Note { task, method, seed: Some(seed), text: text.to_owned() });
    }
}

impl Drop for Reporter<'_> {
    /// The run stops here for now: where, is said to the last.
    fn drop(&mut self) {
        self.write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Vec<Event>);

    impl Audience for Heard {
        fn hear(&mut self, event: &Event) {
            self.0.push(event.clone());
        }
    }

    #[test]
    fn progress_becomes_events_and_a_file_while_it_lasts() {
        let scratch = tempfile::tempdir().unwrap();
        let (mut heard, run) = (Heard::default(), Run::new("satellite", "wrn", 0));
        let mut reporter = Reporter::new(run.clone(), &mut heard);
        reporter.note("first");
        reporter.opened(scratch.path());
        assert_eq!(read(scratch.path()), None);
        reporter.stage("train", 1, 3);
        for step in 1..=50 {
            reporter.step(step, 50);
        }
        reporter.epoch(2, Some(("train error", 0.25)));
        drop(reporter);
        let live = read(scratch.path()).unwrap();
        assert_eq!(
            (live.place.stage.as_str(), live.place.done, live.place.total, live.place.step),
            ("train", 2, 3, 0.0)
        );
        assert_eq!(live.place.metric, Some(Metric { name: "train error".into(), value: 0.25 }));
        assert!(live.place.eta.is_some_and(|s| s < 10.0) && live.updated > 1e9);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
        let (stage, total) = ("train".to_owned(), 3);
        assert_eq!(heard.0[1], Event::Stage { run: run.clone(), stage, done: 1, total });
        assert_eq!(heard.0[2], Event::Step { run: run.clone(), done: 1, total: 50 });
        assert!(heard.0.len() < 10 && matches!(heard.0.last(), Some(Event::Epoch { done: 2, eta: Some(_), .. })));
        let mut reporter = Reporter::new(run, &mut heard);
        reporter.opened(scratch.path());
        reporter.stage("test", 0, 1);
        reporter.done();
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
        // A folder that is not there is no misfortune.
        let mut reporter = Reporter::new(Run::new("a", "b", 0), &mut heard);
        reporter.opened(&scratch.path().join("none"));
        reporter.stage("train", 0, 1);
    }
}

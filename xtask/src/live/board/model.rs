//! What the events so far say: kept, and put together as a view.

use super::view::{State, View};
use crate::live::pace::Pace;
use crate::live::{Event, Metric, Place, Run};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// Notes that are kept.
const NOTES: usize = 8;

/// What is known.
pub struct Model {
    runs: BTreeMap<Run, Known>,
    notes: VecDeque<String>,
    begun: Instant,
}

#[derive(Default)]
struct Known {
    /// While it runs: since when, and in which stage.
    running: Option<Running>,
    /// How it ended; a run that is begun again has not.
    ended: Option<State>,
    /// Hours, once it is done.
    hours: Option<f64>,
}

struct Running {
    since: Instant,
    stage: String,
    pace: Pace,
    metric: Option<Metric>,
}

impl Default for Running {
    fn default() -> Self {
        Self { since: Instant::now(), stage: String::new(), pace: Pace::begin(0, 0), metric: None }
    }
}

impl Running {
    fn place(&self) -> Place {
        Place::of(&self.stage, &self.pace, self.metric.as_ref())
    }
}

impl Default for Model {
    fn default() -> Self {
        Self { runs: BTreeMap::new(), notes: VecDeque::new(), begun: Instant::now() }
    }
}

impl Model {
    fn running(&mut self, run: &Run) -> &mut Running {
        self.runs.entry(run.clone()).or_default().running.get_or_insert_default()
    }

    fn end(&mut self, run: &Run, how: State, hours: Option<f64>) {
        self.runs.insert(run.clone(), Known { running: None, ended: Some(how), hours });
    }

    /// Something happened.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Plan { runs, .. } => self.runs.extend(runs.iter().map(|r| (r.clone(), Known::default()))),
            Event::Start { run } => {
                let running = Some(Running::default());
                self.runs.insert(run.clone(), Known { running, ..Known::default() });
            }
            Event::Stage { run, stage, done, total } => {
                let running = self.running(run);
                stage.clone_into(&mut running.stage);
                (running.pace, running.metric) = (Pace::begin(*done, *total), None);
            }
            Event::Step { run, done, total } => self.running(run).pace.step(*done, *total),
            Event::Epoch { run, done, metric, .. } => {
                let running = self.running(run);
                running.pace.epoch(*done);
                if metric.is_some() {
                    running.metric.clone_from(metric);
                }
            }
            Event::Note { task, method, seed, text } => {
                let seed = seed.map(|s| format!(" seed {s}")).unwrap_or_default();
                self.notes.push_back(format!("{task} {method}{seed}: {text}"));
                if self.notes.len() > NOTES {
                    self.notes.pop_front();
                }
            }
            Event::Done { run, value, hours, .. } => self.end(run, State::Done(*value), Some(*hours)),
            Event::Failed { run, .. } => self.end(run, State::Failed, None),
            Event::Interrupted { run } => {
                let place = self.running(run).place();
                self.end(run, State::Interrupted(place), None);
            }
            Event::End { .. } => {}
        }
    }

    /// How it looks now.
    pub fn view(&self) -> View {
        let state = |known: &Known| match (&known.running, &known.ended) {
            (Some(running), _) => State::Running(running.place()),
            (None, Some(ended)) => ended.clone(),
            (None, None) => State::Waiting,
        };
        View {
            runs: self.runs.iter().map(|(run, known)| (run.clone(), state(known))).collect(),
            notes: self.notes.iter().cloned().collect(),
            elapsed: Some(self.begun.elapsed().as_secs_f64()),
            left: self.left(),
        }
    }

    /// Seconds that everything may still take; nothing where a part of it cannot be told from what is done.
    fn left(&self) -> Option<f64> {
        let (mut left, mut side_by_side) = (0.0, 0);
        for (run, known) in &self.runs {
            if known.ended.is_some() {
                continue;
            }
            let whole = self.like(run);
            left += match &known.running {
                None => whole?,
                Some(running) => {
                    side_by_side += 1;
                    let eta = running.pace.eta();
                    match whole.map(|w| w - running.since.elapsed().as_secs_f64()) {
                        // What others took bounds what comes after this stage; this stage has its own word.
                        Some(rest) => eta.unwrap_or(0.0).max(rest).max(0.0),
                        None if running.stage == "train" || running.stage == "test" => eta?,
                        None => return None,
                    }
                }
            };
        }
        Some(left / f64::from(side_by_side.max(1)))
    }

    /// Seconds that a run like this took: another seed of the cell; else the task's and the method's mean together.
    fn like(&self, run: &Run) -> Option<f64> {
        let mean = |chosen: &dyn Fn(&Run) -> bool| {
            let (mut sum, mut n) = (0.0, 0);
            for (_, known) in self.runs.iter().filter(|(r, _)| chosen(r)) {
                if let Some(hours) = known.hours {
                    (sum, n) = (sum + hours, n + 1);
                }
            }
            (n > 0).then(|| sum / f64::from(n))
        };
        let hours = mean(&|r| r.task == run.task && r.method == run.method).or_else(|| {
            let (task, method) = (mean(&|r| r.task == run.task), mean(&|r| r.method == run.method));
            match (task, method, mean(&|_| true)) {
                (Some(task), Some(method), Some(all)) if all > 0.0 => Some(task * method / all),
                (_, Some(method), _) => Some(method),
                _ => None,
            }
        });
        hours.map(|h| h * 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(run: &Run, hours: f64) -> Event {
        Event::Done { run: run.clone(), metric: "m".into(), unit: String::new(), value: 1.0, hours }
    }

    #[test]
    fn events_become_a_view() {
        let run = |seed| Run::new("satellite", "wrn", seed);
        let mut model = Model::default();
        model.hear(&Event::Plan { profile: "smoke".into(), out: "runs".into(), runs: (0..4).map(run).collect() });
        assert_eq!(model.view().counts(), [4, 0, 0, 0, 0]);
        model.hear(&Event::Start { run: run(0) });
        model.hear(&Event::Stage { run: run(0), stage: "train".into(), done: 1, total: 4 });
        model.hear(&Event::Step { run: run(0), done: 1, total: 2 });
        let view = model.view();
        let State::Running(place) = &view.runs[0].1 else { panic!("{view:?}") };
        assert_eq!((place.epoch().as_deref(), place.part(), place.stage.as_str()), (Some("2/4"), 0.375, "train"));
        model.hear(&Event::Interrupted { run: run(0) });
        assert!(matches!(&model.view().runs[0].1, State::Interrupted(p) if p.done == 1));
        model.hear(&Event::Start { run: run(0) });
        model.hear(&done(&run(0), 0.5));
        model.hear(&Event::Failed { run: run(1), error: "e".into() });
        assert_eq!(model.view().counts(), [2, 0, 0, 1, 1]);
        for i in 0..20 {
            let (task, method, text) = ("satellite".to_owned(), "wrn".to_owned(), format!("{i}"));
            model.hear(&Event::Note { task, method, seed: None, text });
        }
        let notes = model.view().notes;
        assert_eq!((notes.len(), notes[7].as_str()), (NOTES, "satellite wrn: 19"));
    }

    #[test]
    fn what_is_left_is_told_where_others_like_it_are_done() {
        let (mut model, run) = (Model::default(), Run::new);
        let runs = [run("a", "x", 0), run("a", "x", 1), run("a", "y", 0), run("b", "x", 0), run("b", "y", 0)];
        model.hear(&Event::Plan { profile: "smoke".into(), out: "runs".into(), runs: runs.to_vec() });
        assert_eq!(model.left(), None);
        model.hear(&done(&runs[0], 1.0));
        assert_eq!(model.left(), None, "nothing is known of y");
        model.hear(&done(&runs[2], 3.0));
        // a x: 1 h; b x as x: 1 h, b y as y: 3 h.
        assert_eq!(model.left(), Some(5.0 * 3600.0));
        model.hear(&done(&runs[1], 1.0));
        model.hear(&done(&runs[3], 2.0));
        // b: 2 h, y: 3 h, all: 7/4 h.
        assert_eq!(model.left().map(|s| (s / 36.0).round()), Some(343.0));
        model.hear(&Event::Failed { run: runs[4].clone(), error: "e".into() });
        assert_eq!(model.left(), Some(0.0));
    }
}

//! A view as lines: tasks down, methods across; below it what runs, how far all of it is, and the last notes. Where there
//! is no room for the cells, the runs alone.

use super::text::{Line, Look, short};
use super::view::{State, View};

use crate::live::{Place, Run};
use crate::ui;
use ::report::published::decimals;
use nas::protocol::{METHODS, method_named};
use std::collections::BTreeMap;

/// The least and the most columns of a cell, and those between two.
const LEAST: usize = 6;
const MOST: usize = 18;
const GAP: usize = 2;
/// The columns of a bar.
const BAR: usize = 12;
/// The most lines about runs that go on, and notes.
const RUNNING: usize = 6;
const NOTES: usize = 3;

/// At most `height` lines; each is cut to its `width` where it is written.
pub fn draw(view: &View, width: usize, height: usize) -> Vec<Line> {
    let mut lines = grid(view, width).filter(|g| g.len() + 3 <= height).unwrap_or_default();
    let separate = |lines: &mut Vec<Line>| {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
    };
    separate(&mut lines);
    let room = height.saturating_sub(lines.len() + 2);
    let running = running(view, width);
    let hidden = running.len().saturating_sub(RUNNING.min(room));
    lines.extend(running.into_iter().take(RUNNING.min(room)));
    lines.extend(summary(view, hidden, width));
    let notes = NOTES.min(height.saturating_sub(lines.len()));
    lines.extend(view.notes.iter().skip(view.notes.len().saturating_sub(notes)).map(|n| Line::new(Look::Dim, n)));
    lines.truncate(height);
    lines
}

/// The cells; nothing where there is no room for them.
fn grid(view: &View, width: usize) -> Option<Vec<Line>> {
    let mut cells: BTreeMap<(&str, &str), Vec<&State>> = BTreeMap::new();
    for (run, state) in &view.runs {
        cells.entry((&run.task, &run.method)).or_default().push(state);
    }
    let named = |at: fn(&Run) -> &str, name: &str| view.runs.iter().any(|(r, _)| at(r) == name);
    let tasks = tasks::all().iter().map(|t| t.facts().name).filter(|t| named(|r| &r.task, t));
    let methods = METHODS.iter().map(|m| m.name).filter(|m| named(|r| &r.method, m));
    let (tasks, methods): (Vec<&str>, Vec<&str>) = (tasks.collect(), methods.collect());
    let label = tasks.iter().map(|t| t.len()).fold(0, usize::max);
    let column = (width.saturating_sub(label + 1) / methods.len().max(1)).saturating_sub(GAP);
    if methods.is_empty() || column < LEAST {
        return None;
    }
    let column = column.min(MOST);
    let gap = || Line::new(Look::Plain, " ".repeat(label));
    let mut lines = vec![Line::default(); 2];
    for (i, line) in lines.iter_mut().enumerate() {
        *line = gap();
        for method in &methods {
            let part = header(method, column)[i];
            let text: String = part.chars().take(column).collect();
            *line = std::mem::take(line).with(Look::Bold, right(&text, column));
        }
    }
    if lines[0].text(width, false).is_empty() {
        lines.remove(0);
    }
    for task in tasks {
        let mut line = Line::new(Look::Bold, format!("{task:label$}"));
        for method in &methods {
            let (look, text) = match cells.get(&(task, *method)) {
                Some(states) => cell(states, decimals(task, method), column),
                None if method_named(method).is_none_or(|m| !m.covers(task)) => (Look::Dim, "n/a".to_owned()),
                None => (Look::Dim, "-".to_owned()),
            };
            line = line.with(look, right(&text, column));
        }
        lines.push(line);
    }
    Some(lines)
}

/// A method's name over two lines, if it has to be.
fn header(method: &str, column: usize) -> [&str; 2] {
    match method.find('-').filter(|_| method.len() > column) {
        Some(i) => [&method[..=i], &method[i + 1..]],
        None => ["", method],
    }
}

fn right(text: &str, column: usize) -> String {
    format!("{}{text:>column$}", " ".repeat(GAP))
}

/// What fits of a cell's seeds.
fn cell(states: &[&State], decimals: usize, column: usize) -> (Look, String) {
    let (mut sum, mut done, mut failed, mut running, mut halted) = (0.0, 0u32, 0, None, None);
    for state in states {
        match state {
            State::Done(value) => (sum, done) = (sum + value, done + 1),
            State::Running(place) => running = running.or(Some(place)),
            State::Interrupted(place) => halted = halted.or(Some(place)),
            State::Failed => failed += 1,
            State::Waiting => {}
        }
    }
    let of = if states.len() > 1 && done as usize != states.len() {
        format!("{done}/{} ", states.len())
    } else {
        String::new()
    };
    let mean = (done > 0).then(|| format!("{:.decimals$}", sum / f64::from(done)));
    let (look, tails) = if let Some(place) = running {
        (Look::Cyan, progress(place))
    } else if failed > 0 {
        (Look::Red, vec!["failed".to_owned()])
    } else if let Some(place) = halted {
        let at = trial(&place.stage).or_else(|| place.epoch()).map(|at| format!("stopped {at}"));
        (Look::Yellow, at.into_iter().chain(["stopped".to_owned(), "stop".to_owned()]).collect())
    } else if let Some(mean) = mean {
        (if of.is_empty() { Look::Green } else { Look::Plain }, vec![mean])
    } else {
        return (Look::Dim, if column < "waiting".len() { "." } else { "waiting" }.to_owned());
    };
    let with = tails.iter().map(|t| format!("{of}{t}"));
    let fits = with.chain(tails.iter().cloned()).find(|t| t.chars().count() <= column);
    (look, fits.unwrap_or_else(|| tails.last().map_or(String::new(), |t| t.chars().take(column).collect())))
}

/// Where a run is, in ever fewer words.
fn progress(place: &Place) -> Vec<String> {
    let Some(epoch) = place.epoch() else { return vec!["begins".to_owned()] };
    let eta = place.eta.map(short);
    let percent = format!("{:.0}%", place.part() * 100.0);
    if let Some(trial) = trial(&place.stage) {
        return vec![format!("{trial} {percent}"), trial, percent];
    }
    if place.total == 1 && place.stage.len() <= 10 {
        return vec![format!("{} {percent}", place.stage), percent];
    }
    let mut all = Vec::new();
    if let Some(eta) = eta {
        all.push(format!("{} {epoch} {eta}", place.stage));
        all.push(format!("{epoch} {eta}"));
    }
    all.extend([format!("{epoch} {percent}"), epoch, percent]);
    all
}

/// Of a search by trials, which trial: `trial 3/16` of `trial 3 of 16, rung 1 of 3: train`.
fn trial(stage: &str) -> Option<String> {
    let mut words = stage.strip_prefix("trial ")?.split([' ', ',', ':']);
    let number = words.next()?;
    let all = words.next().filter(|w| *w == "of").and_then(|_| words.next());
    Some(all.map_or_else(|| format!("trial {number}"), |all| format!("trial {number}/{all}")))
}

/// A line for each run that goes on.
fn running(view: &View, width: usize) -> Vec<Line> {
    let all = || view.runs.iter().filter_map(|(r, s)| if let State::Running(p) = s { Some((r, p)) } else { None });
    let label = all().map(|(r, _)| r.to_string().len()).fold(0, usize::max);
    let line = |run: &Run, place: &Place| {
        let name = Line::new(Look::Cyan, format!("{:label$}", run.to_string()));
        let Some(epoch) = place.epoch() else { return name.with(Look::Plain, "  begins") };
        let stage = format!("  {} {epoch}", place.stage);
        let filled = (place.part() * BAR as f64) as usize;
        let bar = format!("  [{:BAR$}]", "=".repeat(filled) + if filled < BAR { ">" } else { "" });
        let left = place.eta.map(|s| format!("  {} left", ui::duration(s))).unwrap_or_default();
        let metric = place.metric.as_ref().map(|m| format!("  {} {:.4}", m.name, m.value)).unwrap_or_default();
        let who = place.who.as_ref().map(|w| format!("  ({w})")).unwrap_or_default();
        // What there is no room for goes, the least telling first.
        let mut parts = [Some(stage), Some(bar), Some(metric), Some(left), Some(who)];
        let wide = |parts: &[Option<String>; 5]| {
            name.width() + parts.iter().flatten().map(|p| p.chars().count()).sum::<usize>()
        };
        for least in [4, 1, 2, 3] {
            if wide(&parts) <= width {
                break;
            }
            parts[least] = None;
        }
        if let (true, Some(trial)) = (wide(&parts) > width, trial(&place.stage)) {
            parts[0] = Some(format!("  {trial}: {epoch}"));
        }
        parts.into_iter().flatten().fold(name, |line, part| line.with(Look::Plain, part))
    };
    all().map(|(run, place)| line(run, place)).collect()
}

/// How far all of it is. Of the runs that go on, `hidden` have no line.
fn summary(view: &View, hidden: usize, width: usize) -> Vec<Line> {
    let [waiting, running, halted, done, failed] = view.counts();
    let mut line = Line::new(Look::Bold, format!("{done} of {} done", view.runs.len()));
    for (n, what, look) in [
        (running, "running", Look::Cyan),
        (failed, "failed", Look::Red),
        (halted, "interrupted", Look::Yellow),
        (waiting, "waiting", Look::Plain),
    ] {
        if n > 0 {
            line = line.with(Look::Plain, ", ").with(look, format!("{n} {what}"));
        }
    }
    if hidden > 0 {
        line = line.with(Look::Plain, format!(" ({hidden} more than shown)"));
    }
    let Some(elapsed) = view.elapsed else { return vec![line] };
    let left = view.left.map_or_else(|| "?".to_owned(), |s| format!("about {}", ui::duration(s)));
    let time = format!("{} so far, {left} left", ui::duration(elapsed));
    if line.width() + 3 + time.len() <= width {
        return vec![line.with(Look::Plain, format!("   {time}"))];
    }
    vec![line, Line::new(Look::Plain, time)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Metric;

    fn place(stage: &str, done: usize, total: usize, eta: f64) -> Place {
        let metric = Some(Metric { name: "train error".into(), value: 0.25 });
        Place { stage: stage.into(), done, total, step: 0.5, metric, eta: Some(eta), who: None }
    }

    fn view() -> View {
        let mut runs = Vec::new();
        for task in tasks::all() {
            for method in METHODS.iter().filter(|m| !m.yardstick && m.covers(task.facts().name)) {
                runs.push((Run::new(task.facts().name, method.name, 0), State::Waiting));
            }
        }
        let mut set = |task: &str, method: &str, state| {
            runs.iter_mut().find(|(r, _)| r.task == task && r.method == method).expect("a run").1 = state;
        };
        set("cifar100", "wrn", State::Done(23.25));
        set("cifar100", "gaea", State::Failed);
        set("cifar100", "densenas", State::Interrupted(place("search", 7, 20, 9.0)));
        set("cifar100", "densenas-random", State::Running(place("train", 17, 200, 125.0)));
        set("satellite", "wrn-asha", State::Running(place("trial 3 of 16, rung 1 of 3: train", 0, 9, 8.0)));
        set("deepsea", "amber", State::Running(place("test", 0, 1, 2.0)));
        let note = "satellite wrn seed 0: data are a stand-in, generated";
        View { runs, notes: vec![note.to_owned(); 5], elapsed: Some(3700.0), left: Some(7500.0) }
    }

    fn texts(view: &View, width: usize, height: usize) -> Vec<String> {
        let lines = draw(view, width, height);
        assert!(lines.len() <= height);
        lines.iter().map(|l| l.text(width, false)).collect()
    }

    #[test]
    fn it_reads_well_at_100_columns() {
        let all = texts(&view(), 100, 40);
        assert!(all.iter().all(|l| l.chars().count() <= 100 && l.is_ascii()), "{all:#?}");
        let row =
            |name: &str| all.iter().find(|l| l.starts_with(name)).map(|l| l.split_whitespace().collect::<Vec<_>>());
        let cifar = ["cifar100", "23.25", "18/200", "2m", "stopped", "waiting", "failed", "n/a", "n/a"];
        assert_eq!(row("cifar100").unwrap(), cifar);
        assert_eq!(all[0].trim(), "densenas-");
        assert!(all[1].trim_start().starts_with("wrn") && all[1].contains("random"));
        assert_eq!(row("deepsea").unwrap().last(), Some(&"50%"), "{all:#?}");
        assert!(row("satellite").unwrap().join(" ").contains("trial 3/16"), "{all:#?}");
        let line = all.iter().find(|l| l.starts_with("satellite wrn-asha seed 0")).unwrap();
        assert_eq!(line, "satellite wrn-asha seed 0        trial 3 of 16, rung 1 of 3: train 1/9  8.0 s left");
        let summary =
            "1 of 56 done, 3 running, 1 failed, 1 interrupted, 50 waiting   1 h 01 m so far, about 2 h 05 m left";
        assert!(all.contains(&summary.to_owned()), "{all:#?}");
        assert_eq!(all.iter().filter(|l| l.contains("stand-in")).count(), NOTES);
    }

    #[test]
    fn it_shrinks_to_a_list_and_to_any_height() {
        let all = texts(&view(), 60, 40);
        assert_eq!(all.len(), 3 + 2 + NOTES, "{all:#?}");
        assert_eq!(all[0], "cifar100 densenas-random seed 0  train 18/200  2 m 05 s left");
        assert_eq!(all[1], "satellite wrn-asha seed 0        trial 3/16: 1/9");
        assert_eq!(all[3], "1 of 56 done, 3 running, 1 failed, 1 interrupted, 50 waiting");
        assert_eq!(all[4], "1 h 01 m so far, about 2 h 05 m left");
        for (width, height) in [(100, 12), (100, 16), (100, 1), (7, 3), (0, 0), (1000, 1000)] {
            texts(&view(), width, height);
        }
        assert!(texts(&view(), 100, 12).iter().all(|l| !l.starts_with("psicov")), "no room for the cells");
        assert_eq!(texts(&View::default(), 80, 24), ["0 of 0 done"]);
    }

    #[test]
    fn several_seeds_share_a_cell() {
        let run = |epoch| State::Running(place("train", epoch, 200, 240.0));
        let all = |states: &[State], column| cell(&states.iter().collect::<Vec<_>>(), 2, column).1;
        let (done, wait) = (State::Done(23.5), State::Waiting);
        assert_eq!(all(&[done.clone(), State::Done(24.5), wait.clone()], 10), "2/3 24.00");
        assert_eq!(all(&[done.clone(), State::Done(24.5)], 10), "24.00");
        assert_eq!(all(&[done.clone(), run(9), wait.clone()], 18), "1/3 10/200 4m");
        assert_eq!(all(&[done.clone(), run(9), wait.clone()], 10), "1/3 10/200");
        assert_eq!(all(&[done.clone(), run(9), wait.clone()], 6), "1/3 5%");
        assert_eq!(all(&[run(9)], 18), "train 10/200 4m");
        assert_eq!(all(&[done, State::Failed, wait.clone()], 10), "1/3 failed");
        assert_eq!((all(std::slice::from_ref(&wait), 7), all(&[wait], 6)), ("waiting".to_owned(), ".".to_owned()));
        assert_eq!(all(&[State::Done(f64::NAN)], 6), "NaN");
        assert_eq!(all(&[State::Interrupted(place("trial 5: train", 0, 1, 0.0))], 18), "stopped trial 5");
    }
}

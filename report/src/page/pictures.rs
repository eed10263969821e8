//! The charts of a report, from what was computed.

use crate::analysis::Analysis;
use crate::model::{self, BLOCKS, Table};
use crate::plot::{self, Bar, Chart, Dots, Form, Panel, Series, style};
use nas::protocol::METHODS;

/// A chart in both its forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The stem of its files: `profile_all`.
    pub name: String,
    /// What it shows, in a sentence or two.
    pub caption: String,
    /// For paper and laptops; also what is written as SVG and PNG.
    pub wide: Chart,
    /// For phones.
    pub narrow: Chart,
}

/// The look of every row, the same in all charts and reports: the protocol's rows have looks of their own, others take
/// those that are left.
fn looks(table: &Table) -> impl Fn(&str) -> usize + '_ {
    let known = |name: &str| METHODS.iter().position(|m| m.name == name);
    let taken: Vec<usize> = table.methods.iter().filter_map(|m| known(&m.name)).collect();
    // Looks of absent rows come last: two reports are easier to compare without them.
    let mut left: Vec<usize> = (METHODS.len()..style::COUNT).chain(0..METHODS.len()).collect();
    left.retain(|l| !taken.contains(l));
    if left.is_empty() {
        left = (0..style::COUNT).collect();
    }
    let others: Vec<&str> = table.methods.iter().map(|m| m.name.as_str()).filter(|m| known(m).is_none()).collect();
    move |name| {
        let other = || others.iter().position(|o| *o == name).map_or(0, |i| left[i % left.len()]);
        known(name).unwrap_or_else(other)
    }
}

fn picture(name: &str, caption: &str, draw: impl Fn(Form) -> Chart) -> Picture {
    Picture { name: name.to_owned(), caption: caption.to_owned(), wide: draw(Form::Wide), narrow: draw(Form::Narrow) }
}

/// All charts of a report: `ranks`, `profile_<panel>`, and of runs `costs` and `curves`.
pub fn pictures(table: &Table, analysis: &Analysis) -> Vec<Picture> {
    let look = looks(table);
    let mut out = Vec::new();
    let dots = analysis.table3.iter().map(|s| Dots {
        name: model::title(&s.method.name).to_owned(),
        look: look(&s.method.name),
        rank: s.median_rank,
        ranks: s.ranks.iter().map(|r| r.1).collect(),
        improvement: s.improvement,
        improvements: s.improvements.iter().map(|i| i.1).collect(),
    });
    let dots: Vec<Dots> = dots.collect();
    out.push(picture(
        "ranks",
        "Faint points are single tasks, marks their medians. Improvements below −100\u{a0}% and above 100\u{a0}% lie at the ends.",
        |form| plot::ranks(&dots, form),
    ));
    for panel in &analysis.panels {
        let series = panel.curves.iter().map(|c| Series {
            name: model::title(&c.method).to_owned(),
            look: look(&c.method),
            points: c.points.clone(),
        });
        let drawn = Panel { title: panel.title.clone(), series: series.collect() };
        let tasks: Vec<&str> = panel.tasks.iter().map(|t| model::facts(t).title).collect();
        let every = tasks.len() == BLOCKS.len() * BLOCKS[0].len();
        let caption = if every { "Over all ten tasks.".to_owned() } else { format!("Over {}.", tasks.join(", ")) };
        let name = format!("profile_{}", panel.name);
        out.push(picture(&name, &caption, |form| plot::profile(&drawn, tasks.len(), form)));
    }
    let (bars, units) = bars(table, &look);
    if !bars.is_empty() {
        let caption = "Wall-clock time of all seeds, search and training, summed over the tasks that a row has.";
        out.push(picture("costs", caption, |form| plot::costs(&bars, "Time by row, all its tasks", units, form)));
    }
    let panels = curves(table, &look);
    if !panels.is_empty() {
        let caption = "A line for every seed; training loss at the end of each epoch.";
        out.push(picture("curves", caption, |form| plot::curves(&panels, "Training loss", form)));
    }
    out
}

/// Time by row, summed in the order of the tasks, and its unit: hours, or minutes where no row took an hour.
fn bars(table: &Table, look: &impl Fn(&str) -> usize) -> (Vec<Bar>, [&'static str; 2]) {
    let tasks = || BLOCKS.iter().flatten().copied();
    let bar = |name: &str| {
        let hours = tasks().filter_map(|t| table.entry(t, name)?.cost.map(|c| c.hours));
        let n = hours.clone().count();
        let note = super::words::counted(n, "task", "tasks");
        let amount = hours.fold(0.0, |a, b| a + b);
        (n > 0).then(|| Bar { name: model::title(name).to_owned(), look: look(name), amount, note })
    };
    let mut bars: Vec<Bar> = table.methods.iter().filter_map(|m| bar(&m.name)).collect();
    if bars.iter().any(|b| b.amount >= 1.0) {
        return (bars, ["hours", "h"]);
    }
    for bar in &mut bars {
        bar.amount *= 60.0;
    }
    (bars, ["minutes", "min"])
}

/// Learning curves: final training by task, then searches.
fn curves(table: &Table, look: &impl Fn(&str) -> usize) -> Vec<Panel> {
    let mut stages: Vec<&str> = Vec::new();
    for curve in &table.curves {
        if !stages.contains(&curve.stage.as_str()) {
            stages.push(&curve.stage);
        }
    }
    stages.sort_by_key(|s| *s != "final");
    let mut out = Vec::new();
    for stage in stages {
        for task in BLOCKS.iter().flatten() {
            // In the table's order of rows, then by seed.
            let series: Vec<Series> = table
                .methods
                .iter()
                .flat_map(|m| table.curves.iter().filter(move |c| c.method == m.name))
                .filter(|c| c.task == *task && c.stage == stage)
                .map(|c| Series {
                    name: model::title(&c.method).to_owned(),
                    look: look(&c.method),
                    points: c.points.clone(),
                })
                .collect();
            if !series.is_empty() {
                let title = model::facts(task).title;
                let title = if stage == "final" { title.to_owned() } else { format!("{title}, {stage}") };
                out.push(Panel { title, series });
            }
        }
    }
    out
}

//! The table. It reads the runs' folders and nothing else.

use crate::cells::Cell;
use crate::ui;
use ::report::model::mean_std;
use ::report::published::{decimals, figure, is_expert};
use anyhow::Context;
use nas::profile::Profile;
use nas::protocol::METHODS;
use nas::run::{COST, Cost, RESULT, as_number};
use serde_json::Value;
use std::path::Path;
use tasks::Direction;

/// What the table says of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// Seed and value of every finished run.
    pub values: Vec<(u64, f64)>,
    /// Whether any run's data were a stand-in.
    pub stand_in: bool,
    /// Whether any run's data were partial.
    pub partial: bool,
    /// Hours of all these runs.
    pub hours: f64,
}

/// Reads the finished runs of these cells and seeds; cells without any are left out.
///
/// # Errors
/// If a result is there and cannot be read.
pub fn collect(out: &Path, profile: Profile, cells: &[Cell], seeds: &[u64]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for cell in cells {
        let mut row = Row::new(*cell);
        for seed in seeds {
            let folder = out.join(profile.name()).join(cell.task).join(cell.method).join(seed.to_string());
            let path = folder.join(RESULT);
            if !path.exists() {
                continue;
            }
            let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let result: Value =
                serde_json::from_slice(&text).with_context(|| format!("cannot read {}", path.display()))?;
            let value = as_number(&result["value"]).with_context(|| format!("{}: no value", path.display()))?;
            row.values.push((*seed, value));
            row.stand_in |= result["data"]["provenance"] == "stand-in";
            row.partial |= result["data"]["provenance"] == "partial";
            row.hours += Cost::read(&folder).with_context(|| format!("cannot read {COST}"))?.hours;
        }
        if !row.values.is_empty() {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn with_std(mean: f64, std: Option<f64>, decimals: usize) -> String {
    match std {
        Some(std) => format!("{mean:.decimals$} +- {std:.decimals$}"),
        None => format!("{mean:.decimals$}"),
    }
}

/// The rows, and an empty one for each of the paper's methods that is not for a task all of whose other methods are there.
fn with_absent(rows: &[Row]) -> Vec<Row> {
    let mut all = Vec::with_capacity(rows.len());
    for block in rows.chunk_by(|a, b| a.cell.task == b.cell.task) {
        let task = block[0].cell.task;
        let there = |name| block.iter().find(|r| r.cell.method == name);
        let whole = METHODS.iter().filter(|m| !m.yardstick && m.covers(task)).all(|m| there(m.name).is_some());
        for method in METHODS {
            match there(method.name) {
                Some(row) => all.push(row.clone()),
                None if whole && !method.yardstick => all.push(Row::new(Cell { task, method: method.name })),
                None => {}
            }
        }
    }
    all
}

impl Row {
    /// Without any run.
    fn new(cell: Cell) -> Self {
        Self { cell, values: Vec::new(), stand_in: false, partial: false, hours: 0.0 }
    }
}

/// The table as text.
pub fn render(rows: &[Row], profile: Profile, out: &Path) -> String {
    let mut text = String::new();
    if !profile.is_result() {
        text += &format!(
            "plumbing check, not a result: profile {profile} scales every size down (--profile paper is the protocol)\n\n"
        );
    }
    let cells: Vec<Vec<String>> = with_absent(rows)
        .into_iter()
        .map(|row| {
            let Cell { task, method } = row.cell;
            if row.values.is_empty() {
                let none = || "n/a".to_owned();
                return vec![task.to_owned(), method.to_owned(), none() + " ", none(), none(), none(), none(), none()];
            }
            let metric = tasks::by_name(task).expect("cells have tasks").facts().metric;
            let (mean, std) = mean_std(&row.values);
            // One place for the mark, so that the figures of a column stay aligned.
            let mark = if row.stand_in { "*" } else { "" }.to_owned() + if row.partial { "~" } else { "" };
            let seeds: Vec<String> = row.values.iter().map(|(s, _)| s.to_string()).collect();
            let expert = if is_expert(method) { "^" } else { "" };
            let digits = decimals(task, method);
            let published = figure(task, method).map(|p| with_std(p.mean, p.std, digits) + expert);
            vec![
                task.to_owned(),
                method.to_owned(),
                format!("{}{mark:1}", with_std(mean, std, digits)),
                published.unwrap_or_else(|| "-".to_owned()),
                format!("{} {}", metric.name, metric.unit).trim_end().to_owned(),
                if metric.direction == Direction::Lower { "lower" } else { "higher" }.to_owned(),
                ui::duration(row.hours * 3600.0),
                seeds.join(","),
            ]
        })
        .collect();
    let header = ["task", "method", "value ", "published", "metric", "better", "time", "seeds"];
    text += &ui::table(&header, &[false, false, true, true, false, false, true, false], &cells);
    text += "\n\n";
    if rows.iter().any(|r| r.stand_in) {
        text += "* stand-in data, generated: not comparable with what is published (see: cargo xtask data import)\n";
    }
    if rows.iter().any(|r| r.partial) {
        text += "~ a partial copy of the task's data: not comparable with what is published\n";
    }
    if rows.iter().any(|r| is_expert(r.cell.method)) {
        text += "^ beyond the paper's table: an expert's network, and the figure that its own authors published\n";
    }
    text + &format!("runs: {}/{profile}/<task>/<method>/<seed>", out.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &'static str, method: &'static str, values: &[f64], stand_in: bool, partial: bool) -> Row {
        let values = values.iter().enumerate().map(|(s, v)| (s as u64, *v)).collect();
        Row { cell: Cell { task, method }, values, stand_in, partial, hours: 0.004 }
    }

    #[test]
    fn the_table_reads_well() {
        let rows = [
            row("darcy", "fno", &[0.0108], false, false),
            row("cosmic", "densenas-random", &[70.0, 72.0, 74.0], true, false),
            row("satellite", "wrn", &[26.5], false, true),
            row("satellite", "amber", &[f64::NAN], true, false),
        ];
        let text = render(&rows, Profile::Quick, Path::new("runs"));
        assert_eq!(
            text,
            "\
plumbing check, not a result: profile quick scales every size down (--profile paper is the protocol)

task       method                   value       published  metric       better  time  seeds
---------  ---------------  --------------  -------------  -----------  ------  ----  -----
darcy      fno                     0.0108         0.0108^  relative L2  lower   14 s  0
cosmic     densenas-random  72.00 +- 2.00*  70.42 +- 6.07  FNR %        lower   14 s  0,1,2
satellite  wrn                      26.50~  15.49 +- 0.03  0-1 error %  lower   14 s  0
satellite  amber                      NaN*          12.97  0-1 error %  lower   14 s  0

* stand-in data, generated: not comparable with what is published (see: cargo xtask data import)
~ a partial copy of the task's data: not comparable with what is published
^ beyond the paper's table: an expert's network, and the figure that its own authors published
runs: runs/quick/<task>/<method>/<seed>"
        );
        assert!(text.lines().all(|l| l.len() <= 100));
        // A task with all of the paper's methods says of the others that there is nothing to compare.
        let names = ["wrn", "densenas-random", "densenas", "wrn-asha", "gaea", "amber"];
        let block: Vec<Row> = names.iter().map(|m| row("ecg", m, &[0.5], true, false)).collect();
        let na = |rows: &[Row]| {
            let text = render(rows, Profile::Quick, Path::new("r"));
            text.lines().filter(|l| l.split_whitespace().take(3).eq(["ecg", "autodl", "n/a"])).count()
        };
        assert_eq!((na(&block), na(&block[1..])), (1, 0));
        assert!(!render(&rows[..1], Profile::Paper, Path::new("r")).contains("plumbing"));
    }
}

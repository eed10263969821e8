//! The table as data: figures by task and method, and what else a report shows of them.

use nas::protocol::METHODS;
use std::collections::BTreeMap;
use tasks::{Direction, Facts};

/// Where a table's figures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Run folders of this profile.
    Runs {
        /// The folder of the runs.
        dir: String,
        /// The profile's name.
        profile: String,
    },
    /// A file.
    File(String),
    /// The paper's Table 2.
    Paper,
}

/// A method's row group, as the paper's tables have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// 1 to 10 GPU hours: `wrn`, `densenas-random`, `densenas`.
    Efficient,
    /// 10 to over 100 GPU hours: `wrn-asha`, `gaea`.
    Expensive,
    /// For some tasks alone: `autodl`, `amber`.
    Specialised,
    /// Rows that the paper has not, of a given file; they are ranked with the others.
    Given,
    /// Beyond the paper's table, shown and not ranked: experts' networks and yardsticks.
    Beyond,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Method {
    /// Its group.
    pub group: Group,
    /// Its place within the table: that of the protocol's names, others after them in the order of the file.
    pub place: usize,
    /// As typed on the command line and in files.
    pub name: String,
}

/// What is odd about a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Of data that were generated in the original's place.
    pub stand_in: bool,
    /// Of a partial copy of the data.
    pub partial: bool,
    /// Read from a picture (AMBER's published figures).
    pub picture: bool,
}

/// What a cell's runs cost, all its seeds together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Wall-clock hours.
    pub hours: f64,
    /// The most memory of any of them.
    pub peak_memory_bytes: u64,
}

/// One cell of the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// Mean over seeds, in the task's unit; NaN if any seed's figure is.
    pub mean: f64,
    /// Sample standard deviation (n - 1); none of a single seed.
    pub std: Option<f64>,
    /// How many seeds: 0 where a file gives mean and deviation and does not say.
    pub n: usize,
    /// Seed and figure, where they are known one by one.
    pub seeds: Vec<(u64, f64)>,
    /// What is odd about it.
    pub marks: Marks,
    /// What it cost, where known.
    pub cost: Option<Cost>,
    /// Parameters and multiply-adds of the network, of the first seed, where known.
    pub counts: Option<(u64, u64)>,
}

/// A learning curve: what a run's metrics say, epoch by epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The task's name.
    pub task: &'static str,
    /// The method's name.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// The stage: `search` or `final`.
    pub stage: String,
    /// What is drawn: `train_loss`.
    pub quantity: String,
    /// Epoch and value.
    pub points: Vec<(f64, f64)>,
}

/// The whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where it comes from.
    pub origin: Origin,
    /// Its rows, in order.
    pub methods: Vec<Method>,
    /// Figures by (task, method).
    pub entries: BTreeMap<(&'static str, String), Entry>,
    /// Learning curves, of runs alone.
    pub curves: Vec<Curve>,
    /// What the reader should know: gaps, differing configurations, a line each.
    pub notices: Vec<String>,
}

/// Tasks in the order of the paper's Table 2: its two blocks of five.
pub const BLOCKS: [[&str; 5]; 2] =
    [["cifar100", "spherical", "darcy", "psicov", "cosmic"], ["ninapro", "fsd50k", "ecg", "satellite", "deepsea"]];

/// The facts of a task of [`BLOCKS`].
///
/// # Panics
/// If there is no such task.
pub fn facts(task: &str) -> &'static Facts {
    tasks::by_name(task).expect("a task of the benchmark").facts()
}

/// The error that a figure is: itself where lower is better, else 1 minus it.
pub fn error(task: &str, value: f64) -> f64 {
    match facts(task).metric.direction {
        Direction::Lower => value,
        Direction::Higher => 1.0 - value,
    }
}

/// The group of a method, by its name; what the protocol does not know was given by a file.
pub fn group(method: &str) -> Group {
    match method {
        "wrn" | "densenas-random" | "densenas" => Group::Efficient,
        "wrn-asha" | "gaea" => Group::Expensive,
        "autodl" | "amber" => Group::Specialised,
        _ if METHODS.iter().any(|m| m.name == method) => Group::Beyond,
        _ => Group::Given,
    }
}

/// A method as printed in tables.
pub fn title(method: &str) -> &str {
    match method {
        "wrn" => "WRN default",
        "densenas-random" => "DenseNAS random",
        "densenas" => "DenseNAS original",
        "wrn-asha" => "WRN ASHA",
        "gaea" => "DARTS GAEA",
        "autodl" => "Auto-DL",
        "amber" => "AMBER",
        "fno" => "FNO",
        other => other,
    }
}

/// Mean and, of at least two figures, sample standard deviation, added up in the order given. A deviation of figures that are
/// not all finite is none.
pub fn mean_std(values: &[(u64, f64)]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mut sum = 0.0;
    for (_, v) in values {
        sum += v;
    }
    let mean = sum / n;
    let mut squares = 0.0;
    for (_, v) in values {
        squares += (v - mean) * (v - mean);
    }
    let std = (squares / (n - 1.0)).sqrt();
    (mean, (values.len() > 1 && std.is_finite()).then_some(std))
}

impl Entry {
    /// Of figures by seed.
    pub fn of_seeds(mut seeds: Vec<(u64, f64)>) -> Self {
        seeds.sort_by_key(|s| s.0);
        let (mean, std) = mean_std(&seeds);
        Self { mean, std, n: seeds.len(), seeds, ..Self::default() }
    }
}

impl Table {
    /// Without rows.
    pub fn new(origin: Origin) -> Self {
        Self { origin, methods: Vec::new(), entries: BTreeMap::new(), curves: Vec::new(), notices: Vec::new() }
    }

    /// Puts a figure in its place; its row is made if it is not there.
    pub fn put(&mut self, task: &'static str, method: &str, entry: Entry) {
        if !self.methods.iter().any(|m| m.name == method) {
            self.methods.push(Method::named(method, self.methods.len()));
            self.methods.sort();
        }
        self.entries.insert((task, method.to_owned()), entry);
    }

    /// The figure of a cell.
    pub fn entry(&self, task: &'static str, method: &str) -> Option<&Entry> {
        self.entries.get(&(task, method.to_owned()))
    }

    /// The rows that are ranked: all but [`Group::Beyond`].
    pub fn ranked(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|m| m.group != Group::Beyond)
    }
}

impl Method {
    /// The row of this name; `place` is used for names that the protocol does not know.
    pub fn named(name: &str, place: usize) -> Self {
        let known = METHODS.iter().position(|m| m.name == name);
        Self { group: group(name), place: known.unwrap_or(METHODS.len() + place), name: name.to_owned() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A table of (task, method, figure), a seed each.
    pub(crate) fn table(figures: &[(&'static str, &str, f64)]) -> Table {
        let mut table = Table::new(Origin::File("figures.csv".to_owned()));
        for (task, method, value) in figures {
            table.put(task, method, Entry::of_seeds(vec![(0, *value)]));
        }
        table
    }

    #[test]
    fn deviations_are_the_samples() {
        let (mean, std) = mean_std(&[(0, 1.0), (1, 2.0), (2, 4.0)]);
        assert!((mean - 7.0 / 3.0).abs() < 1e-12 && (std.unwrap() - (7.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(mean_std(&[(0, 1.5)]), (1.5, None));
        let (mean, std) = mean_std(&[(0, 1.0), (1, f64::NAN)]);
        assert!(mean.is_nan() && std.is_none());
    }

    #[test]
    fn rows_stand_in_the_papers_order_and_given_ones_before_those_beyond() {
        let t = table(&[
            ("darcy", "zeta", 1.0),
            ("darcy", "fno", 1.0),
            ("darcy", "gaea", 1.0),
            ("darcy", "eta", 1.0),
            ("darcy", "wrn", 1.0),
        ]);
        let names: Vec<&str> = t.methods.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["wrn", "gaea", "zeta", "eta", "fno"]);
        assert_eq!(t.ranked().count(), 4);
    }
}

//! Everything that is computed from a table, in one plain struct: writers of text, pictures and pages read it.

use crate::model::{Marks, Method};
use crate::published::Published;
use tasks::Direction;

/// What a report says of a [`crate::model::Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Table 2, its two blocks of five tasks; every block has the same rows.
    pub table2: [Block; 2],
    /// Table 3, a line for every ranked row that has any figure, in the table's order.
    pub table3: Vec<Standing>,
    /// What is to be said under Table 3, a sentence each.
    pub footnotes: Vec<String>,
    /// Performance profiles; panels without any figure are left out.
    pub panels: Vec<Panel>,
    /// Pairs of rows over all tasks: which of them is called ahead of which by median rank.
    pub pairs: Vec<Pair>,
    /// The paper's claims, in the order of its text, with what these figures say of them.
    pub claims: Vec<Claim>,
    /// How resamples were made, in sentences for the reader.
    pub resampling: String,
    /// Sentences that must stand at the top: why these figures are no result, if they are not.
    pub warnings: Vec<String>,
}

/// Five tasks of Table 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its columns.
    pub heads: Vec<Head>,
    /// Its rows, ordered; a new row group begins where `method.group` changes.
    pub rows: Vec<Row>,
}

/// The head of a column of Table 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The task's name.
    pub task: &'static str,
    /// The task as printed.
    pub title: &'static str,
    /// Its metric with unit: `0-1 error %`.
    pub metric: String,
    /// `l` where lower is better, `h` where higher is.
    pub mark: char,
}

/// A row of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whose it is.
    pub method: Method,
    /// Its cells, one a head.
    pub cells: Vec<Cell>,
}

/// A cell of Table 2.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The protocol has no such cell: `n/a`.
    NotApplicable,
    /// There is none, though there could be: `-`. The published figure stands all the same.
    Absent {
        /// The published figure.
        published: Option<Published>,
        /// Decimals that are printed.
        decimals: usize,
    },
    /// A figure.
    Figure(Figure),
}

/// A figure and what stands beside it. [`Figure::value`] and its neighbours give the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Mean over seeds, in the task's unit; may be NaN or infinite.
    pub mean: f64,
    /// Sample standard deviation, where known.
    pub std: Option<f64>,
    /// How many seeds; 0: unknown.
    pub n: usize,
    /// Whether no ranked row has a better one (several are best where figures are equal); false of rows that are not ranked.
    pub best: bool,
    /// The published figure.
    pub published: Option<Published>,
    /// Ours minus the published one, in the task's unit.
    pub delta: Option<f64>,
    /// Decimals that are printed.
    pub decimals: usize,
    /// What is odd about it.
    pub marks: Marks,
}

/// A line of Table 3.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whose it is.
    pub method: Method,
    /// Median of `ranks`.
    pub median_rank: f64,
    /// Median of `improvements`, percent; none where there is nothing to compare with.
    pub improvement: Option<f64>,
    /// Task and rank among the rows that are ranked on it, ties averaged, in the order of the tables.
    pub ranks: Vec<(&'static str, f64)>,
    /// Task and improvement over default WRN, percent; tasks on which it cannot be said are left out.
    pub improvements: Vec<(&'static str, f64)>,
    /// What the paper's Table 3 prints as median rank.
    pub published_rank: Option<f64>,
    /// What the paper's Table 3 prints as improvement.
    pub published_improvement: Option<f64>,
}

/// A performance profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// As in file names: `all`, `point2d`, `efficient`, `expensive`, `autodl`, `amber`.
    pub name: &'static str,
    /// As printed above it.
    pub title: String,
    /// The tasks it is over.
    pub tasks: Vec<&'static str>,
    /// Its curves, in the table's order.
    pub curves: Vec<Curve>,
}

/// A row's curve in a performance profile: a right-continuous step function.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The row's name.
    pub method: String,
    /// (tau, fraction of tasks whose ratio is at most tau), at every tau of the panel, ascending from 1.
    pub points: Vec<(f64, f64)>,
}

/// Two rows by median rank, over the tasks that both have.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The row that is ahead in more resamples.
    pub ahead: String,
    /// The other.
    pub behind: String,
    /// The share of resamples in which it is ahead; ties are not.
    pub share: f64,
    /// Whether the difference is called: `share` is at least 95 %.
    pub called: bool,
}

/// What figures say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// True in at least 95 % of resamples.
    Holds,
    /// False in at least 95 % of resamples.
    DoesNot,
    /// Neither; or the figures that it needs are not there.
    NotDecided,
}

/// A claim of the paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// A short name for tables: `gaea-best-rank`.
    pub name: &'static str,
    /// The claim, one sentence.
    pub claim: &'static str,
    /// The rule that decides it, one sentence.
    pub rule: &'static str,
    /// What these figures say.
    pub verdict: Verdict,
    /// The share of resamples in which it is true, 0 to 1; none where there was nothing to resample.
    pub share: Option<f64>,
    /// The figures behind it, or what is missing, one sentence.
    pub figures: String,
}

impl Verdict {
    /// In words: `holds`, `does not`, `not decided`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNot => "does not",
            Self::NotDecided => "not decided",
        }
    }
}

impl Head {
    fn of(task: &'static str) -> Self {
        let facts = crate::model::facts(task);
        Self {
            task,
            title: facts.title,
            metric: format!("{} {}", facts.metric.name, facts.metric.unit).trim_end().to_owned(),
            mark: if facts.metric.direction == Direction::Lower { 'l' } else { 'h' },
        }
    }
}

//! What is fixed about a task: shapes, loss, metric, the published sizes.

/// Which family of networks a task takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An image-like input, one answer.
    Point2d,
    /// An image-like input, an answer a pixel.
    Dense2d,
    /// A series, one answer.
    Series,
}

/// What training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Mean cross entropy of softmax against class numbers.
    CrossEntropy,
    /// Mean binary cross entropy of sigmoid, over items and outputs.
    BceWithLogits,
    /// The same over the pixels that count: targets are (label, 1 where it counts).
    MaskedBce,
    /// Mean squared error.
    Mse,
    /// Relative L2 error of each item, summed over the batch.
    RelativeL2Sum,
}

impl Loss {
    /// Whether a batch's loss is the sum over its items, not the mean.
    pub fn is_sum(self) -> bool {
        self == Self::RelativeL2Sum
    }
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// An error.
    Lower,
    /// A score.
    Higher,
}

/// What a task is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// As the paper names it.
    pub name: &'static str,
    /// Which way is better.
    pub direction: Direction,
    /// The paper's unit; empty for a plain number.
    pub unit: &'static str,
    /// What our fraction or distance is multiplied by to be in that unit.
    pub scale: f64,
}

/// Numbers of items, split by split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// What a search fits.
    pub train: usize,
    /// What it selects by; training for the table fits both.
    pub val: usize,
    /// What the table reports.
    pub test: usize,
}

/// A row of the paper's Table 1, as far as nothing else says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Number of samples as the paper gives it.
    pub size: &'static str,
    /// What is to be learnt.
    pub objective: &'static str,
    /// Whether the paper calls it new to architecture search.
    pub new_to_nas: bool,
}

impl Kind {
    /// Dimensions and type as the paper has them.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Point2d => ["2D", "point"],
            Self::Dense2d => ["2D", "dense"],
            Self::Series => ["1D", "point"],
        }
    }
}

/// What is fixed about a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// As typed on the command line, and the folder of its data.
    pub name: &'static str,
    /// As printed.
    pub title: &'static str,
    /// Shape of one input as the published data have it, channels last, without the batch.
    pub input: &'static [usize],
    /// Classes, labels, or channels of a dense answer.
    pub outputs: usize,
    /// Family of networks.
    pub kind: Kind,
    /// What training minimises.
    pub loss: Loss,
    /// What the table reports.
    pub metric: Metric,
    /// Published sizes, in what `items` names.
    pub sizes: Sizes,
    /// What the sizes count, in the plural.
    pub items: &'static str,
    /// Its row of the paper's table.
    pub table: Table,
    /// Grows whenever the importer or the generator would write other bytes.
    pub preprocessing: u32,
}

/// The metric of the classification tasks.
pub(crate) const ZERO_ONE_ERROR: Metric =
    Metric { name: "0-1 error", direction: Direction::Lower, unit: "%", scale: 100.0 };

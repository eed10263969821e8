//! Table 3: median rank and median improvement over default WRN.

use super::Grid;
use crate::analysis::Standing;
use crate::model::{Method, Table, error, facts};
use crate::published::{published_improvement, published_rank};
use std::cmp::Ordering;
use tasks::Direction;

/// The row that improvement is measured against.
pub const BASELINE: &str = "wrn";

/// Compares two figures of a task: `Less` is better. The metric itself is compared, not an error made of it, so that
/// figures are equal here exactly where they are equal in the table. Whatever is not finite comes last, and all such are equal.
pub fn compare(task: &str, a: f64, b: f64) -> Ordering {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => {
            let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            if facts(task).metric.direction == Direction::Higher { order.reverse() } else { order }
        }
        (a, b) => b.cmp(&a),
    }
}

/// Ranks from 1, the best; equal figures have the average of their places.
pub fn ranks(task: &str, figures: &[f64]) -> Vec<f64> {
    let rank = |x: f64| {
        let before = figures.iter().filter(|y| compare(task, **y, x) == Ordering::Less).count();
        let equal = figures.iter().filter(|y| compare(task, **y, x) == Ordering::Equal).count();
        before as f64 + (1 + equal) as f64 / 2.0
    };
    figures.iter().map(|x| rank(*x)).collect()
}

/// The median: of an even number, the mean of the two in the middle. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    (n > 0).then(|| middle(sorted[(n - 1) / 2], sorted[n / 2]))
}

/// The mean of two figures; of two that are the same, that (two infinities too).
pub(crate) fn middle(a: f64, b: f64) -> f64 {
    if a == b { a } else { (a + b) / 2.0 }
}

/// Improvement of an error over the baseline's, percent.
///
/// A baseline that is not a finite number of at least 0 says nothing: none. Over a baseline of 0, another 0 improves by 0 and
/// anything else is minus infinity; so is an error that is not finite, over any baseline.
pub fn improvement(baseline: f64, error: f64) -> Option<f64> {
    match (baseline, error) {
        (b, _) if !b.is_finite() || b < 0.0 => None,
        (_, e) if !e.is_finite() => Some(f64::NEG_INFINITY),
        (0.0, 0.0) => Some(0.0),
        (0.0, _) => Some(f64::NEG_INFINITY),
        (b, e) => Some(100.0 * (b - e) / b),
    }
}

/// The lines of Table 3.
pub fn standings(table: &Table) -> Vec<Standing> {
    let grid = Grid::of(table);
    let ranks = grid.ranks();
    let baseline = grid.row(BASELINE);
    let mut lines = Vec::new();
    for method in table.ranked() {
        let Some(row) = grid.row(&method.name) else { continue };
        let mut line = Standing::new(method);
        for (t, task) in grid.tasks.iter().enumerate() {
            let (Some(value), Some(rank)) = (grid.values[row][t], ranks[row][t]) else { continue };
            line.ranks.push((task, rank));
            let base = baseline.and_then(|b| grid.values[b][t]);
            if let Some(gain) = base.and_then(|b| improvement(error(task, b), error(task, value))) {
                line.improvements.push((task, gain));
            }
        }
        let of = |pairs: &[(&str, f64)]| median(&pairs.iter().map(|p| p.1).collect::<Vec<f64>>());
        if let Some(rank) = of(&line.ranks) {
            line.median_rank = rank;
            line.improvement = of(&line.improvements);
            lines.push(line);
        }
    }
    lines
}

impl Standing {
    fn new(method: &Method) -> Self {
        Self {
            method: method.clone(),
            median_rank: f64::NAN,
            improvement: None,
            ranks: Vec::new(),
            improvements: Vec::new(),
            published_rank: published_rank(&method.name),
            published_improvement: published_improvement(&method.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_average_and_what_diverged_is_last() {
        assert_eq!(ranks("darcy", &[0.2, 0.1, 0.2, 0.3]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(ranks("ecg", &[0.2, 0.1, 0.2, 0.3]), [2.5, 4.0, 2.5, 1.0]);
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(ranks("darcy", &[nan, 0.1, inf, 0.3]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(ranks("ecg", &[inf, 0.1, nan, -inf]), [3.0, 1.0, 3.0, 3.0]);
        assert_eq!(ranks("ecg", &[]), [0.0; 0]);
        // As errors, 1 - 0.9 and 0.1 would differ; scores that are equal are equal.
        assert_eq!(ranks("ecg", &[0.9, 0.9]), [1.5, 1.5]);
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        let low = f64::NEG_INFINITY;
        assert_eq!(median(&[low, low]), Some(low));
        assert_eq!(median(&[low, 1.0]), Some(low));
    }

    #[test]
    fn improvement_is_defined_everywhere() {
        assert_eq!(improvement(0.5, 0.25), Some(50.0));
        assert_eq!(improvement(50.0, 100.0), Some(-100.0));
        assert_eq!(improvement(0.0, 0.0), Some(0.0));
        assert_eq!(improvement(0.0, 0.1), Some(f64::NEG_INFINITY));
        assert_eq!(improvement(0.5, f64::NAN), Some(f64::NEG_INFINITY));
        for baseline in [f64::NAN, f64::INFINITY, -0.1] {
            assert_eq!(improvement(baseline, 0.1), None);
        }
    }
}

//! Area under the receiver operating characteristic.

use super::ranking::{Scored, column, pooled};

/// How often a positive item scores higher than a negative one, a tie counting half; NaN if one kind is missing or a score
/// is NaN. Pairs are counted in integers and divided once.
pub fn auroc(mut items: Vec<Scored>) -> f64 {
    if items.iter().any(|i| i.score.is_nan()) {
        return f64::NAN;
    }
    items.sort_by(|a, b| a.score.partial_cmp(&b.score).expect("no NaN"));
    let (mut negatives, mut positives, mut halves) = (0u128, 0u128, 0u128);
    for tied in items.chunk_by(|a, b| a.score == b.score) {
        let up = tied.iter().filter(|i| i.positive).count() as u128;
        let down = tied.len() as u128 - up;
        halves += up * (2 * negatives + down);
        (negatives, positives) = (negatives + down, positives + up);
    }
    halves as f64 / (2 * positives * negatives) as f64
}

/// AUROC of every class, its means, and of all items together.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanAuroc {
    /// Of each class; NaN of a class that has, or lacks, every item.
    pub per_class: Vec<f64>,
    /// Plain mean over classes; NaN if one is.
    pub mean: f64,
    /// Mean over the classes that have both kinds; NaN if none has.
    pub mean_defined: f64,
    /// All outputs as if of one class.
    pub pooled: f64,
}

/// Of scores `[N, classes]` and targets of that shape, 0 or 1. Means are plain sums, classes ascending, then a division. A
/// class in which a score is NaN makes every mean NaN.
///
/// # Panics
/// If the numbers are not whole rows of classes, or a target is neither 0 nor 1.
pub fn mean_auroc(scores: &[f32], targets: &[f32], classes: usize) -> MeanAuroc {
    let (mut sum, mut defined, mut number) = (0.0, 0.0, 0.0);
    let mut per_class = Vec::with_capacity(classes);
    for k in 0..classes {
        let items = column(scores, targets, classes, k);
        let both = items.iter().any(|i| i.positive) && items.iter().any(|i| !i.positive);
        let area = auroc(items);
        sum += area;
        if both {
            defined += area;
            number += 1.0;
        }
        per_class.push(area);
    }
    let pooled = auroc(pooled(scores, targets));
    MeanAuroc { per_class, mean: sum / classes as f64, mean_defined: defined / number, pooled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half() {
        let m = mean_auroc(&[1.0, 1.0, 0.0, 2.0], &[1.0, 0.0, 0.0, 1.0], 1);
        assert_eq!(m.mean, (2.0 * 1.0 + 1.0 + 0.5) / 4.0);
        assert_eq!((m.mean_defined, m.pooled), (m.mean, m.mean));
        assert_eq!(mean_auroc(&[0.0, -0.0], &[1.0, 0.0], 1).mean, 0.5);
    }

    #[test]
    fn a_class_of_one_kind_has_none_and_nan_spreads() {
        let m = mean_auroc(&[1.0, 5.0, 0.0, 6.0], &[1.0, 0.0, 0.0, 0.0], 2);
        assert!(m.per_class[1].is_nan() && m.mean.is_nan());
        assert_eq!(m.mean_defined, 1.0);
        let m = mean_auroc(&[1.0, f32::NAN, 0.0, 6.0], &[1.0, 0.0, 0.0, 1.0], 2);
        assert!(m.mean_defined.is_nan() && m.pooled.is_nan() && m.per_class[0] == 1.0);
    }
}

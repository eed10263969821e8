//! Average precision, as scikit-learn has it.

use super::ranking::{Scored, column};

/// The sum, over the distinct scores from the highest down, of the precision at that threshold times the gain in recall; 0
/// without positives, NaN if a score is. Equal scores are one threshold.
///
/// In f64: `((tp - tp before) / positives) * (tp / (tp + fp))`, added in that order from +0.
pub fn average_precision(mut items: Vec<Scored>) -> f64 {
    if items.iter().any(|i| i.score.is_nan()) {
        return f64::NAN;
    }
    let positives = items.iter().filter(|i| i.positive).count() as f64;
    if positives == 0.0 {
        return 0.0;
    }
    items.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    let (mut sum, mut tp, mut seen) = (0.0, 0.0, 0.0);
    for tied in items.chunk_by(|a, b| a.score == b.score) {
        let gain = tied.iter().filter(|i| i.positive).count() as f64;
        (tp, seen) = (tp + gain, seen + tied.len() as f64);
        sum += gain / positives * (tp / seen);
    }
    sum
}

/// Average precision of every class and its means.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanAveragePrecision {
    /// Of each class; 0 of a class without positives.
    pub per_class: Vec<f64>,
    /// Plain mean over classes.
    pub mean: f64,
    /// Mean over the classes that have positives; NaN if none has.
    pub mean_with_positives: f64,
}

/// Of scores `[N, classes]` and targets of that shape, 0 or 1. Means are plain sums, classes ascending, then a division.
///
/// # Panics
/// If the numbers are not whole rows of classes, or a target is neither 0 nor 1.
pub fn mean_average_precision(scores: &[f32], targets: &[f32], classes: usize) -> MeanAveragePrecision {
    let (mut sum, mut with, mut number) = (0.0, 0.0, 0.0);
    let mut per_class = Vec::with_capacity(classes);
    for k in 0..classes {
        let items = column(scores, targets, classes, k);
        let positives = items.iter().any(|i| i.positive);
        let ap = average_precision(items);
        sum += ap;
        if positives {
            with += ap;
            number += 1.0;
        }
        per_class.push(ap);
    }
    MeanAveragePrecision { per_class, mean: sum / classes as f64, mean_with_positives: with / number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_one_threshold_in_any_order() {
        let item = |score, positive| Scored { score, positive };
        let items = [item(2.0, true), item(1.0, false), item(1.0, true), item(0.0, false), item(-0.0, true)];
        let want = 1.0 / 3.0 * 1.0 + 1.0 / 3.0 * (2.0 / 3.0) + 1.0 / 3.0 * (3.0 / 5.0);
        assert!((average_precision(items.to_vec()) - want).abs() < 1e-15);
        let mut back = items.to_vec();
        back.reverse();
        assert_eq!(average_precision(back), average_precision(items.to_vec()));
        assert!(average_precision(vec![item(f32::NAN, true), item(1.0, false)]).is_nan());
    }

    #[test]
    fn classes_without_positives_count_as_nothing_or_not_at_all() {
        let m = mean_average_precision(&[3.0, 1.0, 2.0, 0.0], &[1.0, 0.0, 0.0, 0.0], 2);
        assert_eq!((m.per_class, m.mean, m.mean_with_positives), (vec![1.0, 0.0], 0.5, 1.0));
        assert!(mean_average_precision(&[1.0], &[0.0], 1).mean_with_positives.is_nan());
    }

    #[test]
    #[should_panic(expected = "is 0.5")]
    fn soft_targets_are_no_classes() {
        mean_average_precision(&[1.0], &[0.5], 1);
    }
}

//! The mean over labels of the area under the ROC curve.

use std::collections::BTreeMap;

use kernels::Tensor;
use serde_json::Value;

use crate::Score;
use crate::metrics::auroc::mean_auroc;
use crate::metrics::average_precision::mean_average_precision;

/// All outputs (logits: their order is the probabilities', without the ties that a rounded sigmoid makes) and all targets.
#[derive(Debug, Default)]
pub(super) struct MeanArea {
    labels: usize,
    outputs: Vec<f32>,
    targets: Vec<f32>,
    items: u64,
}

impl Score for MeanArea {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        if items.is_empty() {
            return;
        }
        assert_eq!(outputs.len(), targets.len(), "outputs and targets of {} sequences", items.len());
        self.labels = outputs.len() / items.len();
        self.outputs.extend_from_slice(outputs.data());
        self.targets.extend_from_slice(targets.data());
        self.items += items.len() as u64;
    }

    /// Labels that every item has, or none, leave the mean.
    fn value(&self) -> f64 {
        mean_auroc(&self.outputs, &self.targets, self.labels).mean_defined
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        let precision = mean_average_precision(&self.outputs, &self.targets, self.labels);
        let both = |k: usize| {
            let mut column = self.targets.iter().skip(k).step_by(self.labels);
            let first = column.next();
            column.any(|t| Some(t) != first)
        };
        let counted = (0..self.labels).filter(|&k| both(k)).count();
        BTreeMap::from([
            ("map", precision.mean_with_positives.into()),
            ("test_items", self.items.into()),
            ("test_labels", counted.into()),
            ("test_labels_of_one_kind", (self.labels - counted).into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_one_kind_leave_the_mean() {
        let tensor = |shape: &[usize], v: &[f32]| Tensor::from_slice(shape, v);
        let mut score = MeanArea::default();
        assert!(score.value().is_nan());
        // Label 0: positives 3 and 1 against 2 and 0: three pairs of four are in order. Label 1: one of each, in order.
        // Label 2 is never seen.
        score.add(
            &tensor(&[2, 3], &[3.0, 0.0, 9.0, 2.0, 0.0, 9.0]),
            &tensor(&[2, 3], &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            &[0, 1],
        );
        score.add(
            &tensor(&[2, 3], &[1.0, 5.0, 1.0, 0.0, 0.0, 2.0]),
            &tensor(&[2, 3], &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
            &[2, 3],
        );
        assert_eq!(score.value(), (0.75 + 1.0) / 2.0);
        let more = score.secondary();
        let precision = (0.5 * 1.0 + 0.5 * (2.0 / 3.0) + 1.0) / 2.0;
        assert!((more["map"].as_f64().unwrap() - precision).abs() < 1e-15, "{more:?}");
        assert_eq!((&more["test_items"], &more["test_labels"]), (&Value::from(4), &Value::from(2)));
        assert_eq!(more["test_labels_of_one_kind"], 1);
    }
}

//! What an architecture is worth: the mean over outputs of the area under the ROC curve, on validation data.

use kernels::{DType, Tensor, math};
use tasks::metrics::auroc::mean_auroc;

/// Outputs and targets of a split, as batches go past.
#[derive(Debug, Default)]
pub struct Reward {
    outputs: usize,
    scores: Vec<f32>,
    targets: Vec<f32>,
}

impl Reward {
    /// Takes a batch of outputs \[N, K\] (logits) and its targets, class numbers or \[N, K\] of 0 and 1.
    ///
    /// A class is scored by the logarithm of its softmax, `(v - most) - ln(1 + rest)`, in f64, rounded once, where `rest` is the
    /// sum of `exp(v - most)` over all classes but the first of the largest, ascending: the order of the probabilities, without the
    /// ties that rounding them makes. A label is scored by its logit.
    ///
    /// # Panics
    /// If outputs and targets are not of one batch.
    pub fn add(&mut self, outputs: &Tensor, targets: &Tensor) {
        let shape = outputs.shape();
        let k = shape[1];
        self.outputs = k;
        if targets.dtype() == DType::F32 {
            assert_eq!(outputs.len(), targets.len(), "a target an output");
            self.scores.extend_from_slice(outputs.data());
            self.targets.extend_from_slice(targets.data());
            return;
        }
        assert_eq!(shape[0], targets.len(), "a class an item");
        for (row, &class) in outputs.data().chunks_exact(k).zip(targets.ints()) {
            let most = row.iter().fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
            // Against an infinite largest logit only those as large count.
            let below = |v: f32| if v == most { 0.0 } else { f64::from(v) - f64::from(most) };
            let first = row.iter().position(|&v| v == most);
            let others = row.iter().enumerate().filter(|(i, _)| Some(*i) != first);
            let rest = others.fold(0.0, |s, (_, &v)| s + math::exp(below(v)));
            self.scores.extend(row.iter().map(|&v| (below(v) - math::ln_1p(rest)) as f32));
            self.targets.extend((0..k).map(|c| if c as i32 == class { 1.0 } else { 0.0 }));
        }
    }

    /// The reward, from 0 to 1. Outputs that every item has, or none, leave the mean; where none is left, or a score is NaN,
    /// it is 0.
    pub fn value(&self) -> f64 {
        let mean = mean_auroc(&self.scores, &self.targets, self.outputs.max(1)).mean_defined;
        if mean.is_nan() { 0.0 } else { mean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reward(outputs: &[f32], k: usize, targets: &Tensor) -> f64 {
        let mut all = Reward::default();
        all.add(&Tensor::from_slice([outputs.len() / k, k], outputs), targets);
        all.value()
    }

    #[test]
    fn classes_are_scored_by_their_probabilities() {
        // Class 0's logits are 1, 3, 9 and its probabilities about .73, .95, .00: by probability the first two, which have it,
        // are above the third; by logit they would be below. Class 1 is the other way round. Class 2 is never seen.
        let outputs = [1.0, 0.0, -9.0, 3.0, 0.0, -9.0, 9.0, 19.0, -9.0];
        assert_eq!(reward(&outputs, 3, &Tensor::from_ints([3], &[0, 0, 1])), 1.0);
        assert_eq!(reward(&outputs, 3, &Tensor::from_ints([3], &[1, 1, 0])), 0.0);
        // Probabilities that round to 1 keep their order.
        let sure = [40.0, 0.0, 41.0, 0.0];
        assert_eq!(reward(&sure, 2, &Tensor::from_ints([2], &[1, 0])), 1.0);
    }

    #[test]
    fn labels_are_scored_by_their_logits_and_undefined_is_nothing() {
        let targets = Tensor::from_slice([4, 1], &[1.0, 0.0, 0.0, 1.0]);
        assert_eq!(reward(&[1.0, 1.0, 0.0, 2.0], 1, &targets), 3.5 / 4.0);
        assert_eq!(reward(&[1.0, f32::NAN, 0.0, 2.0], 1, &targets), 0.0);
        assert_eq!(reward(&[1.0, 2.0], 1, &Tensor::from_slice([2, 1], &[1.0, 1.0])), 0.0);
        assert_eq!(reward(&[f32::NAN, 0.0, 1.0, 0.0], 2, &Tensor::from_ints([2], &[0, 1])), 0.0);
        assert_eq!(reward(&[f32::INFINITY, 0.0, 1.0, 0.0], 2, &Tensor::from_ints([2], &[0, 1])), 1.0);
        assert_eq!(Reward::default().value(), 0.0);
    }
}

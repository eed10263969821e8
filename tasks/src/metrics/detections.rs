//! Detections against truth, item by item or pixel by pixel.

use super::ranking::is_positive;

/// What is done to an output before it meets the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// The logistic function, in f64.
    Sigmoid,
}

/// Counts over a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detections {
    /// There, and detected.
    pub true_positives: u64,
    /// There, and missed.
    pub false_negatives: u64,
    /// Not there, and detected.
    pub false_positives: u64,
    /// Not there, nor detected.
    pub true_negatives: u64,
}

impl Detections {
    /// Counts one.
    pub fn count(&mut self, detected: bool, there: bool) {
        *match (there, detected) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_negatives,
            (false, true) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
        } += 1;
    }

    /// Counts outputs against targets, 0 or 1. A detection is strictly above the threshold, compared in f64; NaN is none.
    ///
    /// # Panics
    /// If there are not as many of both, or a target is neither 0 nor 1.
    pub fn add(&mut self, outputs: &[f32], targets: &[f32], activation: Activation, threshold: f64) {
        assert_eq!(outputs.len(), targets.len(), "a target an output");
        for (&x, &t) in outputs.iter().zip(targets) {
            let x = match activation {
                Activation::None => f64::from(x),
                Activation::Sigmoid => kernels::math::sigmoid(x.into()),
            };
            self.count(x > threshold, is_positive(t));
        }
    }

    /// What is there.
    pub fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// What is not.
    pub fn negatives(&self) -> u64 {
        self.false_positives + self.true_negatives
    }

    /// The fraction of what is there that is missed; NaN if nothing is.
    pub fn false_negative_rate(&self) -> f64 {
        self.false_negatives as f64 / self.positives() as f64
    }

    /// The fraction of what is not there that is detected; NaN if everything is there.
    pub fn false_positive_rate(&self) -> f64 {
        self.false_positives as f64 / self.negatives() as f64
    }

    /// AUROC of the detections themselves (0 or 1, so most pairs are ties); NaN if one kind is missing. Pairs are counted in
    /// integers and divided once.
    pub fn auroc(&self) -> f64 {
        let [tp, missed, fp, tn] =
            [self.true_positives, self.false_negatives, self.false_positives, self.true_negatives].map(u128::from);
        let halves = 2 * tp * tn + tp * fp + missed * tn;
        halves as f64 / (2 * (tp + missed) * (fp + tn)) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::auroc::auroc;
    use super::super::ranking::pooled;
    use super::*;

    #[test]
    fn a_detection_is_strictly_above() {
        let mut d = Detections::default();
        d.add(&[0.5, 0.6, 0.4, f32::NAN, 0.7], &[1.0, 1.0, 0.0, 1.0, 0.0], Activation::None, 0.5);
        let want = Detections { true_positives: 1, false_negatives: 2, false_positives: 1, true_negatives: 1 };
        assert_eq!(d, want);
        assert_eq!((d.false_negative_rate(), d.false_positive_rate()), (2.0 / 3.0, 0.5));
        let mut s = Detections::default();
        s.add(&[0.0, 0.1], &[1.0, 1.0], Activation::Sigmoid, 0.5);
        assert_eq!((s.false_negatives, s.true_positives), (1, 1));
        assert!(s.false_positive_rate().is_nan() && s.auroc().is_nan());
    }

    #[test]
    fn its_auroc_is_that_of_zeros_and_ones() {
        let (found, there) = ([1., 0., 1., 1., 0., 0., 1.], [1., 1., 0., 1., 0., 0., 0.]);
        let mut d = Detections::default();
        d.add(&found, &there, Activation::None, 0.5);
        assert_eq!(d.auroc(), auroc(pooled(&found, &there)));
    }
}

//! Mean absolute error where the target is below a threshold.

/// A running mean; batches may be cut anywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaeBelow {
    threshold: f64,
    sum: f64,
    count: u64,
}

impl MaeBelow {
    /// Over targets strictly below the threshold.
    pub fn new(threshold: f64) -> Self {
        Self { threshold, sum: 0.0, count: 0 }
    }

    /// Adds outputs and targets; the sum is one f64 chain in their order.
    ///
    /// # Panics
    /// If there are not as many of both.
    pub fn add(&mut self, outputs: &[f32], targets: &[f32]) {
        assert_eq!(outputs.len(), targets.len(), "a target an output");
        for (&x, &t) in outputs.iter().zip(targets) {
            let (x, t) = (f64::from(x), f64::from(t));
            if t < self.threshold {
                self.sum += (x - t).abs();
                self.count += 1;
            }
        }
    }

    /// The mean; NaN of nothing.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_targets_count_and_batches_add_up() {
        let (x, t) = ([1.0, 2.0, 9.0, 4.0], [2.0, 2.5, 8.0, 7.5]);
        let mut all = MaeBelow::new(8.0);
        all.add(&x, &t);
        assert_eq!(all.mean(), 5.0 / 3.0);
        let mut parts = MaeBelow::new(8.0);
        parts.add(&x[..1], &t[..1]);
        parts.add(&x[1..], &t[1..]);
        assert_eq!(parts, all);
        assert!(MaeBelow::new(8.0).mean().is_nan());
    }
}

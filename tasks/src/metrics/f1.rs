//! F1 of the PhysioNet/CinC Challenge 2017.

/// Counts of (truth, prediction) over records of `K` classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion<const K: usize> {
    /// Records of each class.
    truth: [u64; K],
    /// Records predicted to be of each class.
    predicted: [u64; K],
    /// Those of both.
    right: [u64; K],
}

impl<const K: usize> Default for Confusion<K> {
    fn default() -> Self {
        Self { truth: [0; K], predicted: [0; K], right: [0; K] }
    }
}

impl<const K: usize> Confusion<K> {
    /// Counts a record; `None` is a prediction of nothing, which is wrong.
    ///
    /// # Panics
    /// If a class is not below `K`.
    pub fn add(&mut self, truth: usize, predicted: Option<usize>) {
        self.truth[truth] += 1;
        if let Some(p) = predicted {
            self.predicted[p] += 1;
            self.right[p] += u64::from(p == truth);
        }
    }

    /// F1 of each class: twice what is right over what is true plus what is predicted; 0 where both are none.
    pub fn f1(&self) -> [f64; K] {
        let mut f1 = [0.0; K];
        for (k, f1) in f1.iter_mut().enumerate() {
            let all = self.truth[k] + self.predicted[k];
            if all > 0 {
                *f1 = 2.0 * self.right[k] as f64 / all as f64;
            }
        }
        f1
    }

    /// All records.
    pub fn total(&self) -> u64 {
        self.truth.iter().sum()
    }

    /// Records predicted wrongly, or not at all.
    pub fn wrong(&self) -> u64 {
        self.total() - self.right.iter().sum::<u64>()
    }

    /// The same truth where everything is predicted to be of its most frequent class, the first of equal ones: what is to
    /// be beaten.
    #[must_use]
    pub fn majority(&self) -> Self {
        let most = (1..K).fold(0, |best, k| if self.truth[k] > self.truth[best] { k } else { best });
        let mut constant = Self { truth: self.truth, ..Self::default() };
        constant.predicted[most] = self.total();
        constant.right[most] = self.truth[most];
        constant
    }
}

/// The plain mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    let mut sum = 0.0;
    for v in values {
        sum += v;
    }
    sum / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_by_hand() {
        let mut c = Confusion::<4>::default();
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (3, 0)] {
            c.add(truth, Some(predicted));
        }
        c.add(1, None);
        // N: 2 right of 3 true and 3 predicted; A: 1 of 2 and 2; O nowhere; noise never predicted.
        assert_eq!(c.f1(), [4.0 / 6.0, 2.0 / 4.0, 0.0, 0.0]);
        assert_eq!((c.total(), c.wrong()), (6, 3));
        assert_eq!(c.majority().f1(), [6.0 / 9.0, 0.0, 0.0, 0.0]);
        assert!((mean(&c.f1()[..3]) - 7.0 / 18.0).abs() < 1e-15 && mean(&[]).is_nan());
    }
}

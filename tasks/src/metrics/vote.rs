//! One answer for a record from the answers for its windows.

use kernels::math::exp;

use super::first_maximum;

/// Who wins a tied vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The class of the larger mean probability over the record's windows; of equal ones the first. The protocol's rule.
    LargerProbability,
    /// The class that a window of the record voted for first. The reference code's rule.
    FirstMet,
}

/// The votes of one record's windows on `K` classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ballot<const K: usize> {
    votes: [u32; K],
    /// When each class was met: 1 for the first of all.
    met: [u32; K],
    probability: [f64; K],
}

impl<const K: usize> Default for Ballot<K> {
    fn default() -> Self {
        Self { votes: [0; K], met: [u32::MAX; K], probability: [0.0; K] }
    }
}

impl<const K: usize> Ballot<K> {
    /// Takes a window's outputs (logits), windows in their order. It votes for the first of the largest, and for nothing
    /// if there is NaN among them.
    ///
    /// # Panics
    /// If they are not `K`.
    pub fn add(&mut self, logits: &[f32]) {
        assert_eq!(logits.len(), K, "outputs of a window");
        let Some(k) = first_maximum(logits) else { return };
        self.votes[k] += 1;
        if self.met[k] == u32::MAX {
            self.met[k] = 1 + self.met.iter().filter(|&&m| m != u32::MAX).count() as u32;
        }
        // Against an infinite largest logit only those as large count.
        let most = logits[k];
        let (mut weight, mut sum) = ([0.0; K], 0.0);
        for (w, &v) in weight.iter_mut().zip(logits) {
            *w = if v == most { 1.0 } else { exp(f64::from(v) - f64::from(most)) };
            sum += *w;
        }
        for (p, w) in self.probability.iter_mut().zip(weight) {
            *p += w / sum;
        }
    }

    /// The class with most votes; `None` where nothing was voted for.
    pub fn winner(&self, tie: Tie) -> Option<usize> {
        let mut best = None::<usize>;
        for k in (0..K).filter(|&k| self.votes[k] > 0) {
            let better = best.is_none_or(|b| {
                self.votes[k] > self.votes[b]
                    || self.votes[k] == self.votes[b]
                        && match tie {
                            // Sums over the same windows compare as means do.
                            Tie::LargerProbability => self.probability[k] > self.probability[b],
                            Tie::FirstMet => self.met[k] < self.met[b],
                        }
            });
            if better {
                best = Some(k);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winners(windows: &[[f32; 3]]) -> [Option<usize>; 2] {
        let mut b = Ballot::<3>::default();
        windows.iter().for_each(|w| b.add(w));
        [Tie::LargerProbability, Tie::FirstMet].map(|t| b.winner(t))
    }

    #[test]
    fn ties_have_two_rules() {
        assert_eq!(winners(&[[0., 1., 0.], [0., 1., 0.], [9., 0., 0.]]), [Some(1); 2]);
        // One vote each: class 2 was met first, class 0 is the surer one.
        assert_eq!(winners(&[[0., 0., 0.1], [9., 0., 0.]]), [Some(0), Some(2)]);
        assert_eq!(winners(&[[0., 0., 9.], [0.1, 0., 0.]]), [Some(2), Some(2)]);
        // Equal in everything: the first class, and the first met.
        assert_eq!(winners(&[[0., 1., 0.], [1., 0., 0.]]), [Some(0), Some(1)]);
    }

    #[test]
    fn nan_votes_for_nothing() {
        let nan = f32::NAN;
        assert_eq!(winners(&[[nan, 1., 0.]]), [None; 2]);
        assert_eq!(winners(&[]), [None; 2]);
        assert_eq!(winners(&[[nan, 1., 0.], [0., 0., 1.]]), [Some(2); 2]);
        assert_eq!(winners(&[[f32::INFINITY, 0., 0.], [0., f32::NEG_INFINITY, 1.]]), [Some(0); 2]);
    }
}

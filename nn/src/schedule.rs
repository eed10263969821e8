//! Learning rates by epoch, as the reference uses them.
//!
//! Every schedule is a function of the base rate and the epoch alone, in f64 with the operations written here; an
//! optimiser rounds it once to f32.

/// A learning rate schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Always the base rate.
    Constant,
    /// The benchmark's steps for its wide residual networks: x 0.2 at each of three places. Of 200 epochs: from 60, 120,
    /// 160. Of another number: from 30 %, after 60 %, after 80 % (`10 e >= 3 n`, `10 e > 6 n`, `10 e > 8 n`).
    BenchmarkSteps {
        /// Epochs in all.
        epochs: usize,
    },
    /// x `gamma` at each of these epochs.
    MultiStep {
        /// Where, ascending.
        milestones: Vec<usize>,
        /// By what.
        gamma: f64,
    },
    /// x `gamma` every `size` epochs.
    Step {
        /// How often.
        size: usize,
        /// By what.
        gamma: f64,
    },
    /// x `gamma` every epoch.
    Exponential {
        /// By what.
        gamma: f64,
    },
}

impl Schedule {
    /// How many times the factor applies in epoch `epoch`, and the factor.
    fn steps(&self, epoch: usize) -> (usize, f64) {
        match self {
            Self::Constant => (0, 1.0),
            Self::BenchmarkSteps { epochs: 200 } => ([60, 120, 160].iter().filter(|&&at| epoch >= at).count(), 0.2),
            Self::BenchmarkSteps { epochs: n } => {
                let tenths = 10 * epoch;
                (usize::from(tenths >= 3 * n) + usize::from(tenths > 6 * n) + usize::from(tenths > 8 * n), 0.2)
            }
            Self::MultiStep { milestones, gamma } => (milestones.iter().filter(|&&at| epoch >= at).count(), *gamma),
            Self::Step { size, gamma } => (epoch / size, *gamma),
            Self::Exponential { gamma } => (epoch, *gamma),
        }
    }

    /// The rate of epoch `epoch` (from 0): `base x f`, f being the product of the factors, from the left.
    pub fn rate(&self, base: f64, epoch: usize) -> f64 {
        let (steps, factor) = self.steps(epoch);
        base * (0..steps).fold(1.0, |f, _| f * factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_epochs_step_at_60_120_160() {
        let s = Schedule::BenchmarkSteps { epochs: 200 };
        let change: Vec<usize> = (1..200).filter(|&e| s.rate(0.1, e) != s.rate(0.1, e - 1)).collect();
        assert_eq!(change, [60, 120, 160]);
        assert_eq!(s.rate(0.1, 199), 0.1 * (0.2 * 0.2 * 0.2));
    }

    #[test]
    fn other_lengths_step_at_30_past_60_and_past_80_percent() {
        let s = Schedule::BenchmarkSteps { epochs: 30 };
        let change: Vec<usize> = (1..30).filter(|&e| s.rate(0.1, e) != s.rate(0.1, e - 1)).collect();
        assert_eq!(change, [9, 19, 25]);
    }
}

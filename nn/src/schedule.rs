//! Learning rates by epoch, as the reference uses them.
//!
//! Every schedule is a function of the base rate and the epoch alone, in f64 with the operations written here; an
//! optimiser rounds it once to f32.

use kernels::math;

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
    /// Half a cosine from the base rate to `end`: `end + (base - end) (1 + cos(pi e / epochs)) / 2`; it rises again later.
    Cosine {
        /// Where it reaches the end.
        epochs: usize,
        /// The last rate.
        end: f64,
    },
    /// Geometric from `from` to the base rate, `from (base / from)^(e / warmup)`; then polynomial to 0,
    /// `base (1 - (e - warmup) / (epochs - warmup))^0.9`.
    WarmupPoly {
        /// Epochs of the rise.
        warmup: usize,
        /// The first rate.
        from: f64,
        /// Where it reaches 0.
        epochs: usize,
    },
}

impl Schedule {
    /// How many times the factor applies in epoch `epoch`, and the factor.
    fn steps(&self, epoch: usize) -> (usize, f64) {
        match self {
            Self::Constant | Self::Cosine { .. } | Self::WarmupPoly { .. } => (0, 1.0),
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

    /// The rate of epoch `epoch` (from 0). With factors: `base x f`, f being their product, from the left.
    pub fn rate(&self, base: f64, epoch: usize) -> f64 {
        let e = epoch as f64;
        match *self {
            Self::Cosine { epochs, end } => {
                let cos = math::cos(std::f64::consts::PI * e / epochs as f64);
                end + (base - end) * (1.0 + cos) / 2.0
            }
            Self::WarmupPoly { warmup, from, .. } if epoch < warmup => from * math::pow(base / from, e / warmup as f64),
            Self::WarmupPoly { warmup, epochs, .. } => {
                base * math::pow(1.0 - (e - warmup as f64) / (epochs - warmup) as f64, 0.9)
            }
            _ => {
                let (steps, factor) = self.steps(epoch);
                base * (0..steps).fold(1.0, |f, _| f * factor)
            }
        }
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

//! Channels standardised with the statistics of what is fitted.

use kernels::{Tensor, pool};

use crate::{Split, Transform};

/// Pictures read at once; no bit depends on it.
const BATCH: usize = 256;

/// Mean and deviation of each channel.
///
/// Values are whole numbers, so their sum S and the sum Q of their squares are exact in any order. Of n values the mean is
/// S / n and the variance (n Q - S S) / n^2, each one division in f64; mean and deviation are rounded to f32 once. A channel
/// that never changes has the deviation 1. Reading is `(v - mean) / deviation`, two f32 operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Channels {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Channels {
    /// Fits these items.
    ///
    /// # Panics
    /// If there is no item, or none of such a number.
    pub fn fit(split: &Split, items: &[u32]) -> Self {
        assert!(!items.is_empty(), "statistics of no item");
        let (channels, each) = (*split.input().last().expect("pictures"), split.input().iter().product::<usize>());
        let mut total = vec![[0u64; 2]; channels];
        let mut sums = vec![[0u64; 2]; BATCH * channels];
        for batch in items.chunks(BATCH) {
            let (x, _) = split.batch(batch);
            let sums = &mut sums[..batch.len() * channels];
            pool::chunks_mut(sums, channels, |i, sums| {
                sums.fill([0; 2]);
                for pixel in x.data()[i * each..(i + 1) * each].chunks_exact(channels) {
                    for (s, &v) in sums.iter_mut().zip(pixel) {
                        let v = v as u64;
                        *s = [s[0] + v, s[1] + v * v];
                    }
                }
            });
            for sums in sums.chunks_exact(channels) {
                for (t, s) in total.iter_mut().zip(sums) {
                    *t = [t[0] + s[0], t[1] + s[1]];
                }
            }
        }
        let n = (items.len() * (each / channels)) as u128;
        let of = |[s, q]: [u64; 2]| {
            let spread = n * u128::from(q) - u128::from(s) * u128::from(s);
            let deviation = (spread as f64).sqrt() / n as f64;
            ((s as f64 / n as f64) as f32, if spread == 0 { 1.0 } else { deviation as f32 })
        };
        let (mean, deviation) = total.into_iter().map(of).unzip();
        Self { mean, deviation }
    }
}

impl Transform for Channels {
    fn input(&self, x: &Tensor) -> Tensor {
        let (mut y, channels) = (Tensor::uninit(x.shape()), self.mean.len());
        let run = 4_096 * channels;
        pool::chunks_mut(y.data_mut(), run, |i, to| {
            let from = &x.data()[i * run..];
            for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(channels)) {
                for c in 0..channels {
                    to[c] = (from[c] - self.mean[c]) / self.deviation[c];
                }
            }
        });
        y
    }
}

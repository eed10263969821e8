//! From a recording to what windows are cut from: high-pass, rectify, average.
//!
//! Everything is causal and in f64, an electrode at a time, from a state of zeros: a Butterworth high-pass of order 3 at 2 Hz
//! as two sections, the absolute value, and the mean of the last 15 samples (summed oldest first; those before the recording
//! are zeros), which is rounded to f32.

use kernels::math::tan;

use super::RATE;

/// Below this, in hertz, is what the arm's movement leaves.
const CUTOFF: f64 = 2.0;
/// Samples of the moving average.
const AVERAGE: usize = 15;

/// A section of a recursive filter: `(b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Section {
    pub(super) b: [f64; 3],
    pub(super) a: [f64; 2],
}

impl Section {
    /// Filters in place, transposed direct form II.
    fn run(&self, signal: &mut [f64]) {
        let Self { b, a } = self;
        let (mut first, mut second) = (0.0, 0.0);
        for v in signal {
            let (x, y) = (*v, b[0] * *v + first);
            first = b[1] * x - a[0] * y + second;
            second = b[2] * x - a[1] * y;
            *v = y;
        }
    }
}

/// The Butterworth high-pass of order 3 by the bilinear transform, its cutoff prewarped: the analogue prototype's real pole
/// and its pair of complex poles, `s / (s + k)` and `s^2 / (s^2 + k s + k^2)` at `s = (1 - z^-1) / (1 + z^-1)`.
pub(super) fn high_pass(rate: f64, cutoff: f64) -> [Section; 2] {
    let k = tan(std::f64::consts::PI * cutoff / rate);
    let (one, two) = (1.0 + k, 1.0 + k + k * k);
    [
        Section { b: [1.0 / one, -1.0 / one, 0.0], a: [(k - 1.0) / one, 0.0] },
        Section { b: [1.0 / two, -2.0 / two, 1.0 / two], a: [2.0 * (k * k - 1.0) / two, (1.0 - k + k * k) / two] },
    ]
}

/// Prepares one electrode's recording; `signal` is left high-passed and rectified.
pub(super) fn prepare(signal: &mut [f64], out: &mut Vec<f32>) {
    for section in high_pass(RATE, CUTOFF) {
        section.run(signal);
    }
    for v in signal.iter_mut() {
        *v = v.abs();
    }
    out.extend((0..signal.len()).map(|t| {
        let mut sum = 0.0;
        for v in &signal[(t + 1).saturating_sub(AVERAGE)..=t] {
            sum += v;
        }
        (sum / AVERAGE as f64) as f32
    }));
}

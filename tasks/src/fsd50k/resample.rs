//! From 44,100 samples a second to half as many.

use std::sync::LazyLock;

use kernels::math;

/// Taps on each side of the middle one.
const SIDE: usize = 64;
/// Kaiser's beta: ripples 80 dB down.
const BETA: f64 = 8.0;

/// A half-band low-pass: `sinc(k / 2) / 2` under Kaiser's window, scaled so that all taps add up to 1. Every other tap
/// but the middle one is 0.
static TAPS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let tap = |k: isize| {
        let x = k as f64 * std::f64::consts::PI / 2.0;
        let sinc = match k {
            0 => 0.5,
            k if k % 2 == 0 => 0.0,
            _ => 0.5 * (math::sin(x) / x),
        };
        let r = k as f64 / (SIDE + 1) as f64;
        sinc * bessel(BETA * (1.0 - r * r).sqrt()) / bessel(BETA)
    };
    let taps: Vec<f64> = (-(SIDE as isize)..=SIDE as isize).map(tap).collect();
    let mut sum = 0.0;
    taps.iter().for_each(|t| sum += t);
    taps.iter().map(|t| t / sum).collect()
});

/// The modified Bessel function of order 0 by its series, 40 terms.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        let half = x / (2.0 * f64::from(k));
        term *= half * half;
        sum += term;
    }
    sum
}

/// Every second sample of the low-passed signal, from the first on; beyond its ends the signal is 0. A sample is the sum of
/// taps times samples, earlier ones first, from +0, in f64.
pub(super) fn halve(samples: &[f64]) -> Vec<f64> {
    let taps = &*TAPS;
    (0..samples.len().div_ceil(2))
        .map(|i| {
            let middle = 2 * i;
            let first = middle.saturating_sub(SIDE);
            let last = (middle + SIDE + 1).min(samples.len());
            let mut sum = 0.0;
            for (tap, sample) in taps[first + SIDE - middle..].iter().zip(&samples[first..last]) {
                sum += tap * sample;
            }
            sum
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loudest of the middle of a halved tone.
    fn heard(hertz: f64) -> f64 {
        let angle = |i: usize| 2.0 * std::f64::consts::PI * hertz * i as f64 / 44_100.0;
        let tone: Vec<f64> = (0..8_000).map(|i| math::sin(angle(i))).collect();
        let half = halve(&tone);
        assert_eq!(half.len(), 4_000);
        half[500..3_500].iter().fold(0.0, |m, v| if v.abs() > m { v.abs() } else { m })
    }

    #[test]
    fn what_fits_passes_and_what_would_fold_does_not() {
        for hertz in [100.0, 3_000.0, 9_000.0] {
            assert!((heard(hertz) - 1.0).abs() < 2e-3, "{hertz}: {}", heard(hertz));
        }
        for hertz in [13_000.0, 18_000.0, 21_000.0] {
            assert!(heard(hertz) < 2e-4, "{hertz}: {}", heard(hertz));
        }
        // Constants stay, and samples keep their places.
        let flat = halve(&[1.0; 999]);
        assert!((flat[250] - 1.0).abs() < 1e-12 && flat.len() == 500);
        let tone: Vec<f64> = (0..4_000).map(|i| math::sin(0.05 * f64::from(i))).collect();
        let half = halve(&tone);
        assert!((100..1_900).all(|i| (half[i] - tone[2 * i]).abs() < 1e-4));
    }
}

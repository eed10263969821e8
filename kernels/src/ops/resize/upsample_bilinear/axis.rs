//! The taps of one axis.

/// An output's taps: element `at` with the first weight and, where there are two, element `at + 1` with the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taps {
    pub at: usize,
    /// Weights in f64; the specification rounds them to f32.
    pub weights: [f64; 2],
    pub two: bool,
}

/// Taps of output `o` of `m`, among `n` elements.
pub(super) fn taps(o: usize, n: usize, m: usize, align_corners: bool) -> Taps {
    let (p, q) = match (align_corners, m) {
        (true, 1) => (0, 1),
        (true, _) => (o * (n - 1), m - 1),
        (false, _) => ((n * (2 * o + 1)).saturating_sub(m), 2 * m),
    };
    let (at, r) = (p / q, p % q);
    if r == 0 || at == n - 1 {
        return Taps { at, weights: [1.0, 0.0], two: false };
    }
    Taps { at, weights: [(q - r) as f64 / q as f64, r as f64 / q as f64], two: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_lie_inside_ascend_and_sum_to_one() {
        for (n, m, corners) in (1..12).flat_map(|n| (1..30).flat_map(move |m| [(n, m, false), (n, m, true)])) {
            let all: Vec<Taps> = (0..m).map(|o| taps(o, n, m, corners)).collect();
            for t in &all {
                assert!(t.at + usize::from(t.two) < n);
                assert!((t.weights[0] + t.weights[1] - 1.0).abs() < 1e-15);
            }
            assert!(all.windows(2).all(|t| t[0].at <= t[1].at));
            if corners && m > 1 {
                assert_eq!((all[0].at, all[m - 1].at), (0, n - 1));
            }
        }
        // Twice as large, corners not aligned: quarters.
        let t = taps(2, 3, 6, false);
        assert_eq!((t.at, t.weights), (0, [0.25, 0.75]));
    }
}

//! One column at a time, as the specification says it.

use super::MaxNorm;
use crate::host::Real;

/// Bounds the columns of `w`, \[taps, columns\].
pub fn reference<T: Real>(rule: &MaxNorm, w: &mut [T], taps: usize) {
    let (columns, most, eps) = (w.len() / taps, T::of(rule.most.into()), T::of(rule.eps.into()));
    for c in 0..columns {
        let mut s = T::of(0.0);
        for t in 0..taps {
            s = T::fma(w[t * columns + c], w[t * columns + c], s);
        }
        let n = s.sqrt();
        let f = if n > most { most } else { n } / (n + eps);
        for t in 0..taps {
            w[t * columns + c] = w[t * columns + c] * f;
        }
    }
}

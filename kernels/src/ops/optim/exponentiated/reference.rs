//! One row at a time, as the specification says it.

use crate::host::Real;
use crate::math;

/// One step over rows of `row` numbers.
pub fn reference<T: Real>(lr: f64, p: &mut [T], g: &[T], row: usize) {
    for (p, g) in p.chunks_exact_mut(row).zip(g.chunks_exact(row)) {
        let scaled: Vec<f64> = p.iter().zip(g).map(|(p, g)| p.f64() * math::exp(-(lr * g.f64()))).collect();
        let sum = scaled.iter().fold(0.0, |s, u| s + u);
        p.iter_mut().zip(scaled).for_each(|(p, u)| *p = T::of(u / sum));
    }
}

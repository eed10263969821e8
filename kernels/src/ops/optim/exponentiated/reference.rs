//! One row at a time, as the specification says it.

use super::Exponentiated;
use crate::host::Real;
use crate::math;

/// One step.
pub fn reference<T: Real>(rule: &Exponentiated<'_>, lr: f64, mut p: &mut [T], mut g: &[T]) {
    for &row in rule.rows.iter().cycle() {
        if p.is_empty() {
            break;
        }
        let (own, rest) = p.split_at_mut(row);
        let (slope, other) = g.split_at(row);
        let scaled = |(p, g): (&T, &T)| {
            let u = p.f64() * math::exp(-(lr * g.f64()));
            if u < rule.floor { rule.floor } else { u }
        };
        let scaled: Vec<f64> = own.iter().zip(slope).map(scaled).collect();
        let sum = scaled.iter().fold(0.0, |s, u| s + u);
        own.iter_mut().zip(scaled).for_each(|(p, u)| *p = T::of(u / sum));
        (p, g) = (rest, other);
    }
}

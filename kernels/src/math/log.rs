//! Logarithms.
//!
//! `x = 2^k m`, `sqrt(1/2) < m < sqrt(2)`, `f = m - 1`, `s = f / (2 + f)`; `z = s^2`;
//! `ln m = 2 atanh s = f - s (f - z P(z))`.

use super::exp::{LN2_HIGH, LN2_LOW};
use super::poly;

/// `(2 atanh(s) - 2 s) / s^3` in `z = s^2`, minimax, error 2^-59.
const P: [f64; 8] = [
    0.6666666666666666,
    0.4000000000000089,
    0.2857142857079475,
    0.22222222393606855,
    0.18181795448071653,
    0.15386249686991985,
    0.13268516225252186,
    0.13089219080561929,
];

const TWO_52: f64 = 4_503_599_627_370_496.0;
const TWO_54: f64 = 18_014_398_509_481_984.0;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// (k, m) with `x = 2^k m` and m from sqrt(1/2) to sqrt(2), for positive finite x.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let small = x < f64::MIN_POSITIVE;
    let bits = (if small { x * TWO_54 } else { x }).to_bits();
    // The exponent as a number, by way of its bits: there is no vector instruction for it before AVX-512.
    let exponent = f64::from_bits(TWO_52.to_bits() | (bits >> 52)) - TWO_52;
    let m = f64::from_bits((bits & MANTISSA) | 1.0f64.to_bits());
    let high = m > std::f64::consts::SQRT_2;
    let bias = if small { 1077.0 } else { 1023.0 };
    (exponent - bias + if high { 1.0 } else { 0.0 }, if high { 0.5 * m } else { m })
}

/// `k ln 2 + ln(1 + f) + c`, c small.
#[inline(always)]
fn combine(k: f64, f: f64, c: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    let r = z * poly(z, &P);
    k * LN2_HIGH - ((half - (s * (half + r) + (k * LN2_LOW + c))) - f)
}

/// What positive finite numbers do not decide.
#[inline(always)]
fn special(x: f64, y: f64) -> f64 {
    let y = if x < f64::INFINITY { y } else { x }; // +inf and NaN are their own logarithms
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}

/// The natural logarithm: -inf at 0, NaN below.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let (k, m) = split(x);
    special(x, combine(k, m - 1.0, 0.0))
}

/// `ln(1 + x)`, accurate near 0.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let (k, m) = split(u);
    // What 1 + x lost in rounding, relative to it.
    let lost = if x > 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let near = k == 0.0;
    let y = combine(k, if near { x } else { m - 1.0 }, if near { 0.0 } else { lost / u });
    let y = special(u, y);
    if x == 0.0 { x } else { y }
}

//! The exponential and what is made of it.
//!
//! `x = k ln 2 + r`, `|r| <= ln 2 / 2`, and `e^x = 2^k (1 + p)`, `p = r + r^2 q(r)` kept as head and tail.

use super::{MAGIC, fast_two_sum, fma64, poly, power_of_two, quotient};

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 to 33 bits, so that k of it are exact; and the rest.
pub(super) const LN2_HIGH: f64 = 0.6931471804855391;
pub(super) const LN2_LOW: f64 = 7.440617110012397e-11;

/// `(e^r - 1 - r) / r^2` on `|r| <= ln 2 / 2`, minimax, error 2^-59.
const Q: [f64; 11] = [
    0.5,
    0.1666666666666667,
    0.041666666666666685,
    0.008333333333326134,
    0.0013888888888874394,
    0.0001984126987482227,
    2.4801587347322873e-05,
    2.7557255398354355e-06,
    2.755725293406448e-07,
    2.5105217748034382e-08,
    2.092158282048755e-09,
];

/// (k, p, tail of p) with `e^(x + tail) = 2^k (1 + p)`, for |x| < 2^20 and a tail that is small beside x.
#[inline(always)]
pub(super) fn parts(x: f64, tail: f64) -> (i32, f64, f64) {
    let t = fma64(x, LOG2_E, MAGIC);
    let k = t - MAGIC;
    let high = fma64(-k, LN2_HIGH, x); // exact: a multiple of x's last place, below 1
    let low = k * LN2_LOW;
    let r = high - low;
    let r_tail = ((high - r) - low) + tail;
    let s = r * r * poly(r, &Q);
    let (p, p_tail) = fast_two_sum(r, s);
    (t.to_bits() as i32, p, p_tail + fma64(r_tail, p, r_tail))
}

/// `y 2^k` in two steps, so that k may lie outside the exponents of f64.
#[inline(always)]
pub(super) fn scale(y: f64, k: i32) -> f64 {
    let half = k >> 1;
    y * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// x cut to where the results are neither all 0 nor infinite; NaN passes.
#[inline(always)]
pub(super) fn cut(x: f64, low: f64, high: f64) -> f64 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// `e^x`.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let (k, p, tail) = parts(cut(x, -760.0, 720.0), 0.0);
    let (h, e) = fast_two_sum(1.0, p);
    scale(h + (e + tail), k)
}

/// (k, head, tail) with `e^x - 1 = 2^k (head + tail)`, for -60 <= x <= 720.
#[inline(always)]
fn expm1_parts(x: f64) -> (i32, f64, f64) {
    let (k, p, tail) = parts(x, 0.0);
    // e^x - 1 = 2^k ((1 - 2^-k) + p); beyond 2^-64 the 2^-k does not show.
    let (h, e) = fast_two_sum(1.0 - power_of_two(k.min(64).wrapping_neg()), p);
    let (h, e) = fast_two_sum(h, e + tail);
    (k, h, e)
}

/// `e^x - 1`, accurate near 0.
#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    let (k, h, _) = expm1_parts(cut(x, -60.0, 720.0));
    let y = scale(h, k);
    if x == 0.0 { x } else { y }
}

/// The hyperbolic tangent: `E / (E + 2)`, `E = e^2|x| - 1`.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 22.0 { 22.0 } else { a };
    let (k, h, l) = expm1_parts(a + a);
    let two_k = power_of_two(k);
    let (h, l) = (h * two_k, l * two_k);
    let (big, small) = if h > 2.0 { (h, 2.0) } else { (2.0, h) };
    let (d, e) = fast_two_sum(big, small);
    quotient(h, l, d, e + l).copysign(x)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let a = -x.abs();
    let (k, p, tail) = parts(if a < -760.0 { -760.0 } else { a }, 0.0);
    let (h, e) = fast_two_sum(1.0, p);
    let (h, l) = (scale(h, k), scale(e + tail, k));
    let (d, e) = fast_two_sum(1.0, h);
    let (nh, nl) = if x < 0.0 { (h, l) } else { (1.0, 0.0) };
    quotient(nh, nl, d, e + l)
}

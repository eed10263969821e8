//! GELU in f32, as fast as f32 allows: f64 inside, with no more digits than the result keeps.

use super::{MAGIC, fma64, poly, power_of_two};

/// Beyond it neither function shows its tail in f32.
const END: f64 = 15.0;

/// `e^(a^2 / 2) Phi(-a) (a + 4)` in `t = (a - 4) / (a + 4)` on 0 to 15, minimax, relative error 2^-37.
const TAIL: [f64; 14] = [
    0.7552851304204277,
    -0.6078966419803974,
    0.38713739991283747,
    -0.18652185734752277,
    0.060396598903223395,
    -0.007540193662665572,
    -0.003479952960862783,
    0.0016307523963929166,
    0.00013465625824894117,
    -0.00023024294466988767,
    -4.986314584499626e-06,
    3.195767760755637e-05,
    3.2493743482671244e-06,
    -1.6785575059011626e-06,
];

/// `e^r` on `|r| <= ln 2 / 2`, minimax, relative error 2^-40.
const EXP: [f64; 9] = [
    0.9999999999997622,
    0.9999999999806077,
    0.5000000000618604,
    0.16666666885578205,
    0.041666664219052914,
    0.008333267005388492,
    0.0013889178696592668,
    0.00019915436906448822,
    2.4727228532839546e-05,
];

const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// The share of a standard normal below x, and `e^(-x^2 / 2)`, both to 2^-36 of themselves.
#[inline(always)]
fn normal(x: f64) -> (f64, f64) {
    let a = x.abs();
    let cut = if a > END { END } else { a };
    let s = -0.5 * (cut * cut); // exact: x has 24 digits
    let t = fma64(s, std::f64::consts::LOG2_E, MAGIC);
    let r = fma64(MAGIC - t, std::f64::consts::LN_2, s);
    let e = poly(r, &EXP) * power_of_two(t.to_bits() as i32);
    let e = if a > END { 0.0 } else { e };
    // 1 / (a + 4): an f32 quotient and a step of Newton's cost half of an f64 quotient.
    let d = cut + 4.0;
    let q = f64::from(1.0 / d as f32);
    let q = fma64(q, fma64(-d, q, 1.0), q);
    let tail = e * (poly((cut - 4.0) * q, &TAIL) * q);
    (if x < 0.0 { tail } else { 1.0 - tail }, e)
}

/// `x Phi(x)`, Phi being the normal distribution's; errs by 0.51 ulp at most.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    (x * normal(x).0) as f32
}

/// `dy (Phi(x) + x phi(x))`; the factor errs by 2^-36 at most, beside its rounding.
#[inline(always)]
pub fn gelu_gradient(x: f32, dy: f32) -> f32 {
    let x = f64::from(x);
    let (below, e) = normal(x);
    (f64::from(dy) * (below + x * (INV_SQRT_TAU * e))) as f32
}

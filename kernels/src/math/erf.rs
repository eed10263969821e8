//! The error function and its complement.

use super::exp::{cut, parts, scale};
use super::{fast_two_sum, fma64, poly};

/// `erf(x) / x - 1` in `x^2` on [0, 1], minimax, error 2^-63.
const NEAR: [f64; 13] = [
    0.1283791670955126,
    -0.3761263890318375,
    0.11283791670954885,
    -0.026866170645077837,
    0.005223977624828052,
    -0.0008548326981402454,
    0.0001205533113206504,
    -1.4925595749574357e-05,
    1.6461008095637083e-06,
    -1.635039196378886e-07,
    1.4660298687156826e-08,
    -1.1374834336865904e-09,
    5.960471169655179e-11,
];

/// `e^(x^2) erfc(x) (1 + 2x)` in `t = (x - 4) / (x + 4)` on 0.5 to 29, minimax, relative error 2^-55.
const FAR: [f64; 21] = [
    1.2329951186255526,
    -0.13962111684056153,
    0.015379652102614832,
    0.06809705425457072,
    -0.1010390660359959,
    0.0937328350028538,
    -0.06633036581970392,
    0.03716751546107945,
    -0.016197733965553497,
    0.005031970691829476,
    -0.0007577739440191986,
    -0.00019926071500629708,
    0.0001506245398877421,
    -2.4384961019055152e-05,
    -1.1229935653038157e-05,
    5.677591632048621e-06,
    3.075324151169241e-07,
    -7.80372825945161e-07,
    6.027837809333484e-08,
    7.357854728987556e-08,
    -9.804861208624927e-09,
];

/// erf on 0 <= a <= 1.
#[inline(always)]
fn near(a: f64) -> f64 {
    fma64(a, poly(a * a, &NEAR), a)
}

/// erfc on a >= 0.5; 0 from 28 on.
#[inline(always)]
fn far(a: f64) -> f64 {
    let a = cut(a, 0.5, 28.0);
    let g = poly((a - 4.0) / (a + 4.0), &FAR) / (1.0 + 2.0 * a);
    let square = a * a;
    let (k, p, tail) = parts(-square, -fma64(a, a, -square));
    let (h, e) = fast_two_sum(1.0, p);
    scale((h + (e + tail)) * g, k)
}

/// The error function.
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    let (near, far) = (near(a), 1.0 - far(a));
    (if a < 1.0 { near } else { far }).copysign(x)
}

/// `1 - erf(x)`, accurate where that cancels.
#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let a = x.abs();
    let (near, far) = (near(a).copysign(x), far(a));
    let far = if x < 0.0 { 2.0 - far } else { far };
    if a < 0.5 { 1.0 - near } else { far }
}

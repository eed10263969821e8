//! Trigonometric functions.

use super::{MAGIC, fast_two_sum, fma64, poly, quotient, two_sum};

/// pi / 2 in three pieces of 53 bits.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];

/// `(sin r - r) / r^3` in `r^2` on |r| <= pi/4, minimax, error 2^-66.
const SIN: [f64; 7] = [
    -0.16666666666666666,
    0.008333333333333331,
    -0.00019841269841265044,
    2.755731921932231e-06,
    -2.5052106226516508e-08,
    1.6058530669632548e-10,
    -7.586640727975675e-13,
];

/// `(cos r - 1 + r^2 / 2) / r^4` in `r^2` on |r| <= pi/4, minimax, error 2^-70.
const COS: [f64; 7] = [
    0.041666666666666664,
    -0.0013888888888888887,
    2.4801587301584635e-05,
    -2.7557319221393364e-07,
    2.0876755787755325e-09,
    -1.1470460355822445e-11,
    4.745840336263397e-14,
];

/// The binary digits of 2 / pi, after 64 zeros.
const TWO_OVER_PI: [u64; 21] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
];

/// (n mod 4, r, tail of r) with `x = n pi/2 + r`, |r| <= pi/4, for finite x.
#[inline]
fn reduce(x: f64) -> (u32, f64, f64) {
    if x.abs() < 1e5 {
        let t = fma64(x, std::f64::consts::FRAC_2_PI, MAGIC);
        let n = t - MAGIC;
        let a = fma64(-n, HALF_PI[0], x); // exact: a multiple of 2^-53, below 1 (n = 0: x itself)
        let b = n * HALF_PI[1];
        let b_tail = fma64(n, HALF_PI[1], -b);
        let (r, e) = two_sum(a, -b);
        let (r, e) = fast_two_sum(r, e - (b_tail + n * HALF_PI[2]));
        return (t.to_bits() as u32 & 3, r, e);
    }
    let (n, r, e) = reduce_large(x.abs());
    if x < 0.0 { (n.wrapping_neg() & 3, -r, -e) } else { (n, r, e) }
}

/// [`reduce`] of x >= 1e5 by Payne and Hanek's method, in integers: only those 192 digits of 2 / pi are multiplied that
/// decide x's quadrant and what is left of it.
#[cold]
fn reduce_large(x: f64) -> (u32, f64, f64) {
    let bits = x.to_bits();
    let m = u128::from(bits & 0x000f_ffff_ffff_ffff | 1 << 52);
    let exponent = (bits >> 52) as usize; // x = m 2^(exponent - 1075)
    // The window begins at the digit of weight 2 for m's last place: what lies above counts whole turns.
    let start = exponent + 62 - 1075;
    let (word, shift) = (start / 64, start % 64);
    let w = |i: usize| -> u128 {
        let pair = u128::from(TWO_OVER_PI[word + i]) << 64
            | u128::from(TWO_OVER_PI.get(word + i + 1).copied().unwrap_or_default());
        (pair << shift) >> 64
    };
    let p0 = m * w(2);
    let p1 = m * w(1) + (p0 >> 64);
    let p2 = m.wrapping_mul(w(0)).wrapping_add(p1 >> 64);
    let v = p2 << 64 | p1 & u128::from(u64::MAX);
    // Two bits of quadrant; the others are a fraction of it, from -1/2 to 1/2.
    let f = (v << 2 | (p0 as u64 >> 62) as u128) as i128;
    let n = (v >> 126) as u32 + u32::from(f < 0);
    let scale = 1.0 / (1u128 << 64) as f64;
    let head = f as f64;
    let tail = f.wrapping_sub(head as i128) as f64 * scale * scale;
    let head = head * scale * scale;
    let r = head * HALF_PI[0];
    let e = fma64(head, HALF_PI[0], -r) + (head * HALF_PI[1] + tail * HALF_PI[0]);
    let (r, e) = fast_two_sum(r, e);
    (n & 3, r, e)
}

/// The sine of `r + e`, |r| <= pi/4, as head and tail.
#[inline]
fn sin_near(r: f64, e: f64) -> (f64, f64) {
    let z = r * r;
    fast_two_sum(r, fma64(r * z, poly(z, &SIN), e * (1.0 - 0.5 * z)))
}

/// The cosine of `r + e`, as head and tail.
#[inline]
fn cos_near(r: f64, e: f64) -> (f64, f64) {
    let z = r * r;
    let half = 0.5 * z;
    let w = 1.0 - half;
    let half_tail = 0.5 * fma64(r, r, -z);
    let tail = ((1.0 - w) - half) + (fma64(z * z, poly(z, &COS), -r * e) - half_tail);
    fast_two_sum(w, tail)
}

/// The sine; NaN of what is not finite.
#[inline]
pub fn sin(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    if x == 0.0 {
        return x;
    }
    let (n, r, e) = reduce(x);
    let y = if n & 1 == 0 { sin_near(r, e).0 } else { cos_near(r, e).0 };
    if n & 2 == 0 { y } else { -y }
}

/// The cosine; NaN of what is not finite.
#[inline]
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (n, r, e) = reduce(x);
    let y = if n & 1 == 0 { cos_near(r, e).0 } else { sin_near(r, e).0 };
    if (n + 1) & 2 == 0 { y } else { -y }
}

/// The tangent; NaN of what is not finite.
#[inline]
pub fn tan(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    if x == 0.0 {
        return x;
    }
    let (n, r, e) = reduce(x);
    let (s, c) = (sin_near(r, e), cos_near(r, e));
    if n & 1 == 0 { quotient(s.0, s.1, c.0, c.1) } else { quotient(-c.0, -c.1, s.0, s.1) }
}

/// `(atan t - t) / t^3` in `t^2` on |t| <= 3/16, minimax, error 2^-65.
const ATAN: [f64; 9] = [
    -0.3333333333333333,
    0.19999999999999987,
    -0.14285714285705264,
    0.11111111108468516,
    -0.09090908702837286,
    0.07692275632502157,
    -0.06665106620893907,
    0.0583786240648083,
    -0.04569266500926137,
];

/// `atan(i / 8)`, head and tail; number 1 is served by the polynomial about 0.
const ATAN_EIGHTHS: [(f64, f64); 9] = [
    (0.0, 0.0),
    (0.0, 0.0),
    (0.24497866312686414, 1.0698755618734451e-17),
    (0.35877067027057225, -2.4623815582638635e-17),
    (0.4636476090008061, 2.2698777452961687e-17),
    (0.5585993153435624, -5.4556305485916264e-18),
    (0.6435011087932844, 1.5834785051444286e-17),
    (0.7188299996216245, -2.1478388444456983e-17),
    (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17),
];

/// 2^-100.
const TINY: f64 = 1.0 / (1u128 << 100) as f64;

/// The angle of the point (x, y), from -pi to pi.
#[inline]
pub fn atan2(y: f64, x: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let (ax, ay) = (x.abs(), y.abs());
    let swap = ay > ax;
    let (mut small, mut big) = if swap { (ax, ay) } else { (ay, ax) };
    if big == f64::INFINITY {
        (small, big) = (if small == big { 1.0 } else { 0.0 }, 1.0);
    } else if big == 0.0 {
        big = 1.0;
    } else if big > 1e300 {
        (small, big) = (small * TINY, big * TINY); // room for big + small; what underflows does not show
    } else if big < 1e-270 {
        (small, big) = (small / TINY, big / TINY); // room for the tails
    }
    let (h, l) = atan_quotient(small, big);
    let (h, l) = if swap { minus((HALF_PI[0], HALF_PI[1]), (h, l)) } else { (h, l) };
    let (h, l) = if x.is_sign_negative() { minus((2.0 * HALF_PI[0], 2.0 * HALF_PI[1]), (h, l)) } else { (h, l) };
    (h + l).copysign(y)
}

/// `a - b` of heads and tails, |a| >= |b|.
#[inline]
fn minus(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let (h, e) = fast_two_sum(a.0, -b.0);
    (h, e + (a.1 - b.1))
}

/// `atan(n / d)` for 0 <= n <= d, as head and tail: `n / d` is turned back by the nearest `atan(i / 8)`.
#[inline]
fn atan_quotient(n: f64, d: f64) -> (f64, f64) {
    let mut i = (8.0 * (n / d) + 0.5) as usize;
    if i == 1 {
        i = 0;
    }
    let c = i as f64 / 8.0;
    let (p, q) = (c * d, c * n);
    let (nh, ne) = two_sum(n, -p);
    let (dh, de) = two_sum(d, q);
    let (nl, dl) = (ne - fma64(c, d, -p), de + fma64(c, n, -q));
    let t = nh / dh;
    let t_tail = ((fma64(-t, dh, nh) + nl) - t * dl) / dh;
    let z = t * t;
    let (h, e) = fast_two_sum(ATAN_EIGHTHS[i].0, t);
    (h, e + (fma64(t * z, poly(z, &ATAN), t_tail) + ATAN_EIGHTHS[i].1))
}

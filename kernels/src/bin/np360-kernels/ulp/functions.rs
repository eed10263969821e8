//! The functions of `kernels::math::single`, each beside an f64 truth that shares no code with it and the error it may have.

#![allow(clippy::disallowed_methods)] // std and the C library are the oracle here; no result of theirs leaves this program

use kernels::dispatch;
use kernels::math::single;
use kernels::simd::Simd;

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Every f32.
    All,
    /// Random pairs of f32.
    Pairs,
}

/// A function and what is known of it.
pub struct Row {
    /// Its name in `kernels::math::single`.
    pub name: &'static str,
    /// What it takes.
    pub inputs: Inputs,
    /// It, over slices, at the SIMD level in force; functions of one number do not read the second slice.
    pub ours: fn(&[f32], &[f32], &mut [f32]),
    /// The truth of the widened arguments.
    pub truth: fn(f64, f64) -> f64,
    /// What is allowed for the truth's own error, in units of f64's last place: a value that close to a tie is not decided
    /// by it.
    pub truth_ulp: f64,
    /// Largest error allowed, in units of f32's last place.
    pub bound: f64,
}

/// What an f64 function that errs by less than two ulp keeps when it is rounded once, seen through a truth that errs by
/// six: half a unit, and the 2^29th part of each.
pub const ROUNDED_ONCE: f64 = 0.5 + 8.0 / 536_870_912.0;

/// All of them. The C library, to which std's functions go too, promises no bounds: the allowances are assumptions, and only
/// the count of ties depends on them.
pub const TABLE: &[Row] = &[
    one("exp", |x, _, y| map(x, y, single::exp), |x, _| x.exp(), 1.0),
    one("expm1", |x, _, y| map(x, y, single::expm1), |x, _| x.exp_m1(), 1.0),
    one("ln", |x, _, y| map(x, y, single::ln), |x, _| x.ln(), 1.0),
    one("ln_1p", |x, _, y| map(x, y, single::ln_1p), |x, _| x.ln_1p(), 1.0),
    one("sin", |x, _, y| map(x, y, single::sin), |x, _| x.sin(), 1.0),
    one("cos", |x, _, y| map(x, y, single::cos), |x, _| x.cos(), 1.0),
    one("tan", |x, _, y| map(x, y, single::tan), |x, _| x.tan(), 1.0),
    one("tanh", |x, _, y| map(x, y, single::tanh), |x, _| x.tanh(), 3.0),
    one("sigmoid", |x, _, y| map(x, y, single::sigmoid), |x, _| true_sigmoid(x), 3.0),
    one("erf", |x, _, y| map(x, y, single::erf), |x, _| true_erf(x), 2.0),
    one("erfc", |x, _, y| map(x, y, single::erfc), |x, _| true_erfc(x), 6.0),
    Row {
        bound: 0.51,
        ..one("gelu", |x, _, y| map(x, y, single::gelu), |x, _| 0.5 * x * true_erfc(-x * 0.5f64.sqrt()), 16.0)
    },
    two("pow", |x, y, z| map2(x, y, z, single::pow), f64::powf),
    two("atan2", |x, y, z| map2(x, y, z, single::atan2), f64::atan2),
];

const fn one(
    name: &'static str,
    ours: fn(&[f32], &[f32], &mut [f32]),
    truth: fn(f64, f64) -> f64,
    truth_ulp: f64,
) -> Row {
    Row { name, inputs: Inputs::All, ours, truth, truth_ulp, bound: ROUNDED_ONCE }
}

const fn two(name: &'static str, ours: fn(&[f32], &[f32], &mut [f32]), truth: fn(f64, f64) -> f64) -> Row {
    Row { name, inputs: Inputs::Pairs, ours, truth, truth_ulp: 1.0, bound: ROUNDED_ONCE }
}

/// One rounding each in the exponential (an ulp at most), the sum and the quotient.
fn true_sigmoid(x: f64) -> f64 {
    if x < 0.0 {
        let e = x.exp();
        e / (1.0 + e)
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

// std's own are not stable; the C library that std is linked with has them.
unsafe extern "C" {
    fn erf(x: f64) -> f64;
    fn erfc(x: f64) -> f64;
}

fn true_erf(x: f64) -> f64 {
    // SAFETY: a function of C99's <math.h>, defined for every number.
    unsafe { erf(x) }
}

fn true_erfc(x: f64) -> f64 {
    // SAFETY: as above.
    unsafe { erfc(x) }
}

dispatch! {
    fn map[F: Fn(f32) -> f32](x: &[f32], y: &mut [f32], f: F) = map_body;
    fn map2[F: Fn(f32, f32) -> f32](x: &[f32], y: &[f32], z: &mut [f32], f: F) = map2_body;
}

#[inline(always)]
fn map_body<S: Simd, F: Fn(f32) -> f32>(x: &[f32], y: &mut [f32], f: F) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

#[inline(always)]
fn map2_body<S: Simd, F: Fn(f32, f32) -> f32>(x: &[f32], y: &[f32], z: &mut [f32], f: F) {
    for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
        *z = f(x, y);
    }
}

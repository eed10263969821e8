//! Mathematical functions of our own: the same text, the same bits, on every device (the law of numbers, §3).
//!
//! The f64 functions are written from `+ - * / sqrt fma`, comparisons, integer operations and tables alone, and err by
//! less than one ulp. What pointwise loops use (`exp`, `expm1`, `ln`, `ln_1p`, `tanh`, `sigmoid`, `erf`, `erfc`) has no
//! branches, only selections, so a [`dispatch!`](crate::dispatch)ed loop of it vectorises. [`single`] holds the f32
//! functions: each the f64 one, rounded once.

mod erf;
mod exp;
pub(crate) mod gelu;
mod log;
mod power;
pub mod single;
pub mod sum;
#[cfg(test)]
mod tests;
mod trig;

pub use erf::{erf, erfc};
pub use exp::{exp, expm1, sigmoid, tanh};
pub use log::{ln, ln_1p};
pub use power::pow;
pub use trig::{atan2, cos, sin, tan};

/// `a * b + c`, rounded once: the contraction of every specified sum.
///
/// One instruction inside a [`dispatch!`](crate::dispatch)ed kernel; a library call (right, slow) elsewhere.
#[inline(always)]
#[allow(clippy::disallowed_methods)] // the one place that may
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// [`fma`] in f64.
#[inline(always)]
#[allow(clippy::disallowed_methods)] // the one place that may
pub fn fma64(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

/// `1.5 * 2^52`: added to a small number, it leaves the nearest integer in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// A polynomial, lowest coefficient first, by Horner's rule.
#[inline(always)]
fn poly<const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let mut y = c[N - 1];
    for i in (0..N - 1).rev() {
        y = fma64(y, x, c[i]);
    }
    y
}

/// `2^k` for a normal result.
#[inline(always)]
fn power_of_two(k: i32) -> f64 {
    f64::from_bits((i64::from(k.wrapping_add(1023)) as u64) << 52)
}

/// `(nh + nl) / (dh + dl)` for tails `nl`, `dl` small beside their heads; dh is neither 0 nor infinite.
#[inline(always)]
fn quotient(nh: f64, nl: f64, dh: f64, dl: f64) -> f64 {
    let inverse = 1.0 / dh;
    let q = nh * inverse;
    q + ((fma64(-q, dh, nh) + nl) - q * dl) * inverse
}

/// The exact sum of `a` and `b`, as head and tail; |a| >= |b| or a = 0.
#[inline(always)]
fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let h = a + b;
    (h, (a - h) + b)
}

/// The exact sum of any two numbers, as head and tail.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let h = a + b;
    let t = h - a;
    (h, (a - (h - t)) + (b - t))
}

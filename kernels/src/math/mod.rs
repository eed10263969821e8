//! Mathematical functions of our own: the same text, the same bits, on every device (the law of numbers, §3).

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

/// Natural logarithm (temporary).
#[allow(clippy::disallowed_methods)]
pub fn ln(x: f64) -> f64 {
    x.ln()
}

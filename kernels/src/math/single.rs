//! The f32 functions: each is the f64 one of the same name, rounded once; but GELU's, which are f32's own.

pub use super::gelu::{gelu, gelu_gradient};

/// `e^x`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    super::exp(x.into()) as f32
}

/// `e^x - 1`, accurate near 0.
#[inline(always)]
pub fn expm1(x: f32) -> f32 {
    super::expm1(x.into()) as f32
}

/// The natural logarithm.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    super::ln(x.into()) as f32
}

/// `ln(1 + x)`, accurate near 0.
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    super::ln_1p(x.into()) as f32
}

/// The sine.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    super::sin(x.into()) as f32
}

/// The cosine.
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    super::cos(x.into()) as f32
}

/// The tangent.
#[inline(always)]
pub fn tan(x: f32) -> f32 {
    super::tan(x.into()) as f32
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    super::tanh(x.into()) as f32
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    super::sigmoid(x.into()) as f32
}

/// The error function.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    super::erf(x.into()) as f32
}

/// `1 - erf(x)`.
#[inline(always)]
pub fn erfc(x: f32) -> f32 {
    super::erfc(x.into()) as f32
}

/// `x^y`.
#[inline]
pub fn pow(x: f32, y: f32) -> f32 {
    super::pow(x.into(), y.into()) as f32
}

/// The angle of the point (x, y).
#[inline]
pub fn atan2(y: f32, x: f32) -> f32 {
    super::atan2(y.into(), x.into()) as f32
}

//! The table: a row a loss.

use std::fmt::Debug;

use super::PointwiseLoss;
use crate::math;
use crate::ops::loss::Reduction;
use crate::ops::loss::cuda::Kind;

/// A loss of two numbers, in f64.
pub trait Row: Copy + Debug + Send + Sync + 'static {
    /// Name, as in the vectors.
    const NAME: &'static str;
    /// Takes a weight of the positive class; it is 1 where none is given.
    const WEIGHTED: bool = false;
    /// The kernels' number of it, and its parameter.
    fn kind(self) -> Kind;
    /// The term of x, t and the weight.
    fn term(self, x: f64, t: f64, w: f64) -> f64;
    /// Its derivative by x.
    fn slope(self, x: f64, t: f64, w: f64) -> f64;
    /// Parameters that make sense.
    ///
    /// # Errors
    /// Says what they must be.
    fn check(self) -> Result<(), String> {
        Ok(())
    }
}

/// -1, 0 or 1; NaN of NaN.
#[inline(always)]
fn sign(d: f64) -> f64 {
    let below = if d < 0.0 { -1.0 } else { d };
    if d > 0.0 { 1.0 } else { below }
}

/// `d^2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mse;

impl Row for Mse {
    const NAME: &'static str = "mse";
    fn kind(self) -> Kind {
        Kind { number: 0, beta: 0.0 }
    }
    #[inline(always)]
    fn term(self, x: f64, t: f64, _: f64) -> f64 {
        let d = x - t;
        d * d
    }
    #[inline(always)]
    fn slope(self, x: f64, t: f64, _: f64) -> f64 {
        2.0 * (x - t)
    }
}

/// `|d|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1;

impl Row for L1 {
    const NAME: &'static str = "l1";
    fn kind(self) -> Kind {
        Kind { number: 1, beta: 0.0 }
    }
    #[inline(always)]
    fn term(self, x: f64, t: f64, _: f64) -> f64 {
        (x - t).abs()
    }
    #[inline(always)]
    fn slope(self, x: f64, t: f64, _: f64) -> f64 {
        sign(x - t)
    }
}

/// Quadratic below beta, linear above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothL1 {
    /// Where the two meet; above 0.
    pub beta: f32,
}

impl Row for SmoothL1 {
    const NAME: &'static str = "smooth_l1";
    fn kind(self) -> Kind {
        Kind { number: 2, beta: self.beta.into() }
    }
    #[inline(always)]
    fn term(self, x: f64, t: f64, _: f64) -> f64 {
        let (d, beta) = ((x - t).abs(), f64::from(self.beta));
        let (near, far) = (0.5 * d * d / beta, d - 0.5 * beta);
        if d < beta { near } else { far }
    }
    #[inline(always)]
    fn slope(self, x: f64, t: f64, _: f64) -> f64 {
        let (d, beta) = (x - t, f64::from(self.beta));
        let (near, far) = (d / beta, sign(d));
        if d.abs() < beta { near } else { far }
    }
    fn check(self) -> Result<(), String> {
        if self.beta > 0.0 { Ok(()) } else { Err(format!("beta must be above 0, not {}", self.beta)) }
    }
}

/// Binary cross entropy of the logistic function of x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BceWithLogits;

impl Row for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";
    const WEIGHTED: bool = true;
    fn kind(self) -> Kind {
        Kind { number: 3, beta: 0.0 }
    }
    #[inline(always)]
    fn term(self, x: f64, t: f64, w: f64) -> f64 {
        let l = math::ln_1p(math::exp(-x.abs()));
        let (up, down) = (if x > 0.0 { x } else { 0.0 }, if x < 0.0 { -x } else { 0.0 });
        (1.0 - t) * (up + l) + w * t * (down + l)
    }
    #[inline(always)]
    fn slope(self, x: f64, t: f64, w: f64) -> f64 {
        (1.0 - t) * math::sigmoid(x) - w * t * math::sigmoid(-x)
    }
}

impl PointwiseLoss<Mse> {
    /// Squared differences.
    pub fn mse(reduction: Reduction) -> Self {
        Self { row: Mse, reduction }
    }
}

impl PointwiseLoss<L1> {
    /// Absolute differences.
    pub fn l1(reduction: Reduction) -> Self {
        Self { row: L1, reduction }
    }
}

impl PointwiseLoss<SmoothL1> {
    /// Huber's loss over beta.
    pub fn smooth_l1(beta: f32, reduction: Reduction) -> Self {
        Self { row: SmoothL1 { beta }, reduction }
    }
}

impl PointwiseLoss<BceWithLogits> {
    /// Binary cross entropy of logits; a third input is pos_weight.
    pub fn bce_with_logits(reduction: Reduction) -> Self {
        Self { row: BceWithLogits, reduction }
    }
}

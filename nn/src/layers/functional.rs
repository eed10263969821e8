//! Layers without parameters.

use autograd::{OpError, Tensor};

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::pool::global_avg_pool::GlobalAvgPool;

use crate::Pass;

/// `x < 0 ? 0 : x`.
///
/// # Errors
/// None at present.
pub fn relu(pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
    pass.tape.apply(Pointwise::relu(), &[x])
}

/// `a + b`.
///
/// # Errors
/// If the shapes do not broadcast.
pub fn add(pass: &mut Pass<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor, OpError> {
    pass.tape.apply(Binary::add(), &[a, b])
}

/// The mean over all places: `[N, H, W, C]` or `[N, L, C]` to `[N, C]`.
///
/// # Errors
/// If `x` has no places.
pub fn global_avg_pool(pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
    pass.tape.apply(GlobalAvgPool, &[x])
}

//! The weight gradient's chains on the card; the rest runs on the engine that all products share.

use super::{Geometry, chains, chunk_rows};
use crate::Tensor;
use crate::cuda::{Module, basic};
use crate::product::cuda::zero;

/// The kernels.
pub static KERNELS: Module = Module::new("conv/conv/pointwise", include_str!("kernel.cu"));

/// dw: the chunks and chains of the convolution's specification.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    let ([height, width], q, chains) = (g.out, g.group_c(), chains(g.c));
    let chunks = g.n * height.div_ceil(chunk_rows(width));
    if chunks == 0 {
        return zero(dw);
    }
    let mut sums = Tensor::uninit_on(x.device(), [chunks * chains, q * g.c]);
    let launch = KERNELS.kernel("chains").over(sums.len(), 128).arg(x).arg(dy).arg(&mut sums);
    launch.arg(height).arg(width).arg(g.c).arg(q).arg(chunk_rows(width)).arg(chains).arg(chunks).launch();
    // The chains of a chunk are a subtree: a power of two.
    basic::sum_rows_to(&mut sums, chunks * chains, q * g.c, dw);
}

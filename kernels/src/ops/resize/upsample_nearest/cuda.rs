//! Launches of the kernels.

use super::Geometry;
use crate::Tensor;
use crate::cuda::Module;
use crate::cuda::module::Words;

/// The kernels.
pub static KERNELS: Module = Module::new("resize/upsample_nearest", include_str!("kernel.cu"));

/// As the kernels have it: n, c, h, w, oh, ow.
fn words(g: &Geometry) -> Words<[i32; 6]> {
    Words([g.n, g.c, g.from[0], g.from[1], g.to[0], g.to[1]].map(|n| n as i32))
}

pub(super) fn forward(g: &Geometry, x: &Tensor, y: &mut Tensor) {
    let n = y.len();
    KERNELS.kernel("upsample_nearest").over(n, 256).arg(x).arg(y).arg(words(g)).arg(n).launch();
}

pub(super) fn backward(g: &Geometry, dy: &Tensor, dx: &mut Tensor) {
    let n = dx.len();
    KERNELS.kernel("upsample_nearest_gradient").over(n, 256).arg(dy).arg(dx).arg(words(g)).arg(n).launch();
}

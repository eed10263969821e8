//! Launches of the kernels.

use super::UpsampleBilinear;
use crate::cuda::module::Words;
use crate::cuda::{Module, driver};
use crate::{Shape, Tensor};

/// The kernels.
pub static KERNELS: Module = Module::new("resize/upsample_bilinear", include_str!("kernel.cu"));

/// As the kernels have it: n, c, h, w, oh, ow, corners.
fn words(op: &UpsampleBilinear, x: &Shape) -> Words<[i32; 7]> {
    let [oh, ow] = op.size;
    if (x[1] * (2 * oh + 1)).max(x[2] * (2 * ow + 1)) > i32::MAX as usize {
        driver::raise(format!("upsample_bilinear: {x} to {:?} is beyond what its kernels count to", op.size));
    }
    Words([x[0], x[3], x[1], x[2], oh, ow, usize::from(op.align_corners)].map(|n| n as i32))
}

pub(super) fn forward(op: &UpsampleBilinear, x: &Tensor, y: &mut Tensor) {
    let n = y.len();
    KERNELS.kernel("upsample_bilinear").over(n, 256).arg(x).arg(y).arg(words(op, &x.shape())).arg(n).launch();
}

pub(super) fn backward(op: &UpsampleBilinear, x: &Shape, dy: &Tensor, dx: &mut Tensor) {
    let n = dx.len();
    KERNELS.kernel("upsample_bilinear_gradient").over(n, 256).arg(dy).arg(dx).arg(words(op, x)).arg(n).launch();
}

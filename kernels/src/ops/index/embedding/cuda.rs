//! Launches of the kernels.

use crate::Tensor;
use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("index/embedding", include_str!("kernel.cu"));

pub(super) fn forward(weight: &Tensor, index: &Tensor, y: &mut Tensor) {
    let (n, v, d) = (y.len(), weight.shape()[0], weight.shape()[1]);
    KERNELS.kernel("embedding").over(n, 256).arg(weight).arg(index).arg(y).arg(v).arg(d).arg(n).launch();
}

pub(super) fn backward(index: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    let (n, rows, d) = (dw.len(), index.len(), dw.shape()[1]);
    let launch = KERNELS.kernel("embedding_gradient").over(n, 256).arg(dy).arg(index).arg(dw);
    launch.arg(rows).arg(d).arg(n).launch();
}

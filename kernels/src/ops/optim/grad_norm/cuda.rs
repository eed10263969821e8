//! Launches of the kernels.

use crate::Tensor;
use crate::cuda::Module;

/// The kernels.
pub static KERNELS: Module = Module::new("optim/grad_norm", include_str!("kernel.cu"));

/// Sum of squares of `x`, brought to this machine.
pub(super) fn sum_of_squares(x: &Tensor) -> f64 {
    let (n, chunks) = (x.len(), x.len().div_ceil(super::CHUNK));
    if n == 0 {
        return 0.0;
    }
    let mut parts = Tensor::uninit_on(x.device(), [2 * chunks]);
    KERNELS.kernel("square_chunks").grid([chunks, 1, 1], 16).arg(x).arg(&mut parts).arg(n).launch();
    let mut step = 1;
    while step < chunks {
        let merges = (chunks - step).div_ceil(2 * step);
        KERNELS.kernel("merge_level").over(merges, 256).arg(&mut parts).arg(step).arg(chunks).launch();
        step *= 2;
    }
    let mut word = [0u32; 2];
    crate::cuda::driver::card().download(parts.address(), &mut word);
    f64::from_bits(u64::from(word[0]) | u64::from(word[1]) << 32)
}

/// Multiplies every number by `factor`.
pub(super) fn scale(x: &mut Tensor, factor: f32) {
    let n = x.len();
    KERNELS.kernel("scale").over(n, 256).arg(x).arg(factor).arg(n).launch();
}

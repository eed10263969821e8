//! Average over all positions.
//!
//! # Specification
//! `x` is `[N, H, W, C]` or `[N, L, C]`; y is `[N, C]`. Chunks of 256 positions, row-major, ascending from +0:
//! `s = s + x`; then the fixed tree over the chunks; then `y = s / count`, count being all positions.
//!
//! Backward: `dx = dy / count`.

pub mod cases;
mod reference;

use super::{only, sizes};
use crate::ops::reduce::columns::{self, Columns};
use crate::ops::reduce::cuda::{self, Mode};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Positions of a chunk.
pub const CHUNK: usize = 256;

/// The mean of each channel of each sample. One input x, one output y.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GlobalAvgPool;

const NAME: &str = "global_avg_pool";

/// Samples of H * W rows of C numbers.
fn view(x: &Shape) -> Result<Columns, OpError> {
    let [n, h, w, c] = sizes(NAME, x)?;
    Ok(Columns { outer: n, rows: h * w, inner: c, chunk: CHUNK })
}

impl Op for GlobalAvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input of three or four dimensions.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let v = view(only(NAME, inputs)?)?;
        Ok(Outputs::one([v.outer, v.inner].into()))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let v = view(&inputs[0].shape()).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => {
                columns::sum(&v, inputs[0].data(), outputs[0].data_mut());
                columns::divide(outputs[0].data_mut(), v.rows);
            }
            Device::Cuda(_) => cuda::forward(&v, Mode::Mean, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let v = view(&b.shapes[0]).expect("inferred");
            let mut out = b.room(0);
            match b.device() {
                Device::Cpu => {
                    let mut g = b.dy().clone();
                    columns::divide(g.data_mut(), v.rows);
                    columns::broadcast(&v, g.data(), out.data_mut());
                }
                Device::Cuda(_) => cuda::backward(&v, Mode::Mean, b.dy(), None, None, &mut out),
            }
            dx[0] = Some(out);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cases() {
        crate::check::table("pool/global_avg_pool", &super::cases::cases());
    }
}

//! Average pooling to a given size.
//!
//! # Specification
//! `x` is `[N, H, W, C]` or `[N, L, C]`; y has `size` in the middle. Cell i of s over n positions covers floor(i n / s)
//! to ceil((i + 1) n / s). Over a cell's positions in row-major order, from +0: `s = s + x`; then `y = s / count`.
//!
//! Backward: an element of dx sums `dy / count` over the cells that hold it, (oh, ow) ascending, from +0.

pub mod cases;
mod reference;

use super::axis::{Axis, Plane};
use super::{cuda, mean, only, sizes};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The mean of each cell. One input x, one output y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptiveAvgPool {
    /// Cells, [h, w]; h is 1 for series.
    pub size: [usize; 2],
}

const NAME: &str = "adaptive_avg_pool";

impl AdaptiveAvgPool {
    fn plane(&self, x: &Shape) -> Result<(Plane, Shape), OpError> {
        let [n, h, w, c] = sizes(NAME, x)?;
        let [sh, sw] = self.size;
        if sh == 0 || sw == 0 {
            return Err(OpError::new(NAME, format!("size {:?} for x {x}", self.size), "ask for at least one cell"));
        }
        let y = if x[..].len() == 4 {
            x.with(1, sh).with(2, sw)
        } else if sh == 1 {
            x.with(1, sw)
        } else {
            let what = format!("size {:?} for the series {x}", self.size);
            return Err(OpError::new(NAME, what, "a series has one row: give [1, cells]"));
        };
        Ok((Plane { n, c, axes: [Axis::adaptive(h, sh), Axis::adaptive(w, sw)] }, y))
    }
}

impl Op for AdaptiveAvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input of three or four dimensions; no cells.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        Ok(Outputs::one(self.plane(only(NAME, inputs)?)?.1))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (p, _) = self.plane(&inputs[0].shape()).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => mean::forward(&p, inputs[0], &mut outputs[0]),
            Device::Cuda(_) => cuda::mean(&p, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (p, _) = self.plane(&b.shapes[0]).expect("inferred");
            let mut out = b.room(0);
            match b.device() {
                Device::Cpu => mean::backward(&p, b.dy(), &mut out),
                Device::Cuda(_) => cuda::mean_gradient(&p, b.dy(), &mut out),
            }
            dx[0] = Some(out);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cases() {
        crate::check::table("pool/adaptive_avg_pool", &super::cases::cases());
    }
}

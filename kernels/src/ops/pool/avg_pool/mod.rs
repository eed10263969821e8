//! Average pooling.
//!
//! # Specification
//! `x` is `[N, H, W, C]` or `[N, L, C]`; y has the windows in their place. Over the window's positions inside x, (kh,
//! kw) ascending, from +0: `s = s + x`; then `y = s / count`. Count: with `count_include_pad` the places of the window
//! that lie in x or its padding (what hangs over in `ceil_mode` is not counted); else the positions inside x.
//!
//! Backward: an element of dx sums `dy / count` over the windows that hold it, (oh, ow) ascending, from +0.

pub mod cases;
mod reference;

use super::axis::Plane;
use super::{Window, cuda, mean, only};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The mean of each window. One input x, one output y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPool {
    /// The windows.
    pub window: Window,
    /// Counts padding as zeros (`PyTorch`'s default); else the mean leaves it out.
    pub count_include_pad: bool,
}

const NAME: &str = "avg_pool";

impl AvgPool {
    fn plane(&self, x: &Shape) -> Result<(Plane, Shape), OpError> {
        self.window.plane(NAME, x, self.count_include_pad)
    }
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input of three or four dimensions; a window that does not fit.
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
        crate::check::table("pool/avg_pool", &super::cases::cases());
    }
}

//! Max pooling.
//!
//! # Specification
//! `x` is `[N, H, W, C]` or `[N, L, C]`; y has the windows in their place. Windows see -inf in the padding, but a
//! padded place is never the maximum's: among equals the first position of x in row-major order has it. NaN beats every
//! number, and the first NaN wins. So over the window's positions inside x, (kh, kw) ascending: the first one is the
//! best; then v replaces the best if `v > best`, or if v is NaN and best is not.
//!
//! A hidden output like y holds the tap `kh * KW + kw` of the maximum, a whole number (kernels of up to 2^24 places).
//!
//! Backward: an element of dx sums dy over the windows whose maximum it is, (oh, ow) ascending, from +0.

pub mod cases;
mod cpu;
mod reference;

use super::{Window, axis::Plane, cuda, only};
use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// The maximum of each window. One input x; outputs y, and hidden its tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    /// The windows.
    pub window: Window,
}

const NAME: &str = "max_pool";

impl MaxPool {
    fn plane(&self, x: &Shape) -> Result<(Plane, Shape), OpError> {
        self.window.plane(NAME, x, false)
    }
}

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input of three or four dimensions; a window that does not fit; a kernel of more than 2^24 places.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let x = only(NAME, inputs)?;
        let (p, y) = self.plane(x)?;
        if p.axes[0].kernel() * p.axes[1].kernel() > 1 << 24 {
            let what = format!("kernel {:?} over x {x} has more than 2^24 places", self.window.kernel);
            return Err(OpError::new(NAME, what, "pool in two steps"));
        }
        Ok(Outputs::new(&[y], &[y]))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0, outputs: 0b10 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let (p, _) = self.plane(&inputs[0].shape()).expect("inferred");
        match inputs[0].device() {
            Device::Cpu => cpu::forward(&p, inputs[0], outputs),
            Device::Cuda(_) => cuda::maximum(&p, inputs[0], outputs),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let (p, _) = self.plane(&b.shapes[0]).expect("inferred");
            let mut out = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(&p, b.dy(), b.output(1), &mut out),
                Device::Cuda(_) => cuda::maximum_gradient(&p, b.dy(), b.output(1), &mut out),
            }
            dx[0] = Some(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("pool/max_pool", &super::cases::cases());
    }

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        let refused = |window: Window, x: &[usize]| {
            MaxPool { window }.infer(&[Shape::new(x)]).map(|o| o.all()[0]).unwrap_err().to_string()
        };
        let e = refused(Window::images([3, 3], [1, 1], [0, 0]), &[1, 2, 5, 1]);
        assert!(e.contains("kernel 3 over 2 + 0 + 0 of x [1, 2, 5, 1]"), "{e}");
        let e = refused(Window::images([2, 2], [2, 2], [2, 0]), &[1, 8, 8, 1]);
        assert!(e.contains("padding 2 and 2"), "{e}");
        let e = refused(Window::images([2, 2], [2, 2], [0, 0]), &[1, 8, 3]);
        assert!(e.contains("Window::series"), "{e}");
    }
}

//! Bilinear interpolation of images `[N, H, W, C]` to another size, without antialiasing.
//!
//! # Specification
//! Along an axis of n elements, output o of m lies at the rational p / q, computed in integers:
//! - corners aligned: p = o (n - 1), q = m - 1 (p = 0, q = 1 where m = 1);
//! - else p = max(n (2 o + 1) - m, 0), q = 2 m.
//!
//! Its taps are element i = floor(p / q) with weight (q - r) / q and element i + 1 with weight r / q, r = p mod q; each
//! weight is an f64 division of integers, rounded to f32. Where r = 0 or i is the last element there is one tap, of
//! weight 1.
//!
//! With taps (h0, h1) of a row and (w0, w1) of a column: `v = fma(h1, x[i + 1], h0 x[i])` for each column of x, then
//! `y = fma(w1, v[j + 1], w0 v[j])`; the fma is left out where there is one tap.
//!
//! Backward: `u[ow] = sum over oh of h(oh) dy[oh, ow]`, then `dx = sum over ow of w(ow) u[ow]`: fma chains from +0 over the
//! outputs that have the element among their taps, ascending. An element that no output reads has gradient +0.

mod axis;
pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Resizing of one input; one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleBilinear {
    /// Height and width of y.
    pub size: [usize; 2],
    /// The corners' centres stay where they are; else the corners themselves.
    pub align_corners: bool,
}

const NAME: &str = "upsample_bilinear";

impl Op for UpsampleBilinear {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not one input, of images; a size of 0.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one, x"));
        };
        if x[..].len() != 4 {
            return Err(OpError::new(NAME, format!("x {x}"), "give [N, H, W, C]"));
        }
        if x[1..3].contains(&0) || self.size.contains(&0) {
            let what = format!("x {x} to size {:?}", self.size);
            return Err(OpError::new(NAME, what, "all of them are at least 1"));
        }
        Ok(Outputs::one(x.with(1, self.size[0]).with(2, self.size[1])))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self, &inputs[0].shape(), inputs[0].data(), outputs[0].data_mut()),
            Device::Cuda(_) => cuda::forward(self, inputs[0], &mut outputs[0]),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            let mut d = b.room(0);
            match b.device() {
                Device::Cpu => cpu::backward(self, &b.shapes[0], b.dy().data(), d.data_mut()),
                Device::Cuda(_) => cuda::backward(self, &b.shapes[0], b.dy(), &mut d),
            }
            dx[0] = Some(d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("resize/upsample_bilinear", &super::cases::cases());
    }

    #[test]
    fn what_has_no_size_is_refused() {
        let op = UpsampleBilinear { size: [4, 0], align_corners: false };
        let e = op.infer(&[Shape::new(&[2, 3, 3, 1])]).unwrap_err().to_string();
        assert!(e.contains("x [2, 3, 3, 1] to size [4, 0]"), "{e}");
        assert!(op.infer(&[Shape::new(&[2, 3, 3])]).unwrap_err().to_string().contains("give [N, H, W, C]"));
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let x = [-0.0, f32::INFINITY, 1e-40, f32::NEG_INFINITY, 3.5, 0.0];
        for align_corners in [false, true] {
            let op = UpsampleBilinear { size: [2, 3], align_corners };
            let x = Tensor::from_slice([1, 2, 3, 1], &x);
            let (y, _) = crate::check::run(&op, std::slice::from_ref(&x), &[false], &[None]);
            assert!(y[0].same_bits(&x), "{y:?}");
        }
    }
}

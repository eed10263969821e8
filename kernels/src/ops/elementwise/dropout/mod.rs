//! Dropout: numbers are zeroed with probability p, the others scaled by `1 / (1 - p)`.
//!
//! x `[...]` -> y `[...]`: `y = m x`, `m = 1 / (1 - p)` (f64, rounded to f32) where word i of the stream, i the
//! number's flat index, is at least `p 2^32` (rounded to an integer), else 0; `dx = m dy`. It is a product, so NaN goes
//! through. The mask is never stored: backward draws it again.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::op::{Backward, Op, Outputs, Saves};
use crate::rng::Key;
use crate::{Device, OpError, Shape, Tensor};

/// Dropout of one place of the network in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Seed, purpose, epoch and step.
    pub key: Key,
    /// Number of the stream: the op's number in the step.
    pub index: u64,
    /// Probability of zero, 0 <= p < 1.
    pub p: f32,
}

impl Dropout {
    /// Dropout with probability `p` by stream `index` of `key`.
    pub fn new(key: Key, index: u64, p: f32) -> Self {
        Self { key, index, p }
    }

    /// A word below this drops its number.
    fn threshold(&self) -> u64 {
        (f64::from(self.p) * 4_294_967_296.0 + 0.5) as u64
    }

    fn mask(&self, x: &Tensor, y: &mut Tensor) {
        match x.device() {
            Device::Cpu => cpu::mask(self, x.data(), y.data_mut()),
            Device::Cuda(_) => cuda::mask(self, x, y),
        }
    }

    /// What kept numbers are multiplied by.
    fn scale(&self) -> f32 {
        (1.0 / (1.0 - f64::from(self.p))) as f32
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    /// Any one shape.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new("dropout", format!("{} inputs", inputs.len()), "give one"));
        };
        if !(0.0..1.0).contains(&self.p) {
            return Err(OpError::new("dropout", format!("p = {}", self.p), "p must be at least 0 and below 1"));
        }
        Ok(Outputs::one(*x))
    }

    fn saves(&self) -> Saves {
        Saves::NONE
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        if self.p == 0.0 {
            outputs[0] = inputs[0].clone(); // shares the data
        } else {
            self.mask(inputs[0], &mut outputs[0]);
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        if b.wants(0) {
            dx[0] = Some(if self.p == 0.0 {
                b.dy().clone()
            } else {
                let mut g = b.room(0);
                self.mask(b.dy(), &mut g);
                g
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn cases() {
        crate::check::table("elementwise/dropout", &super::cases::cases());
    }

    #[test]
    fn the_share_of_zeros_is_p_and_bad_p_is_refused() {
        let op = |p| Dropout::new(Key::new(3, Purpose::Dropout), 5, p);
        let x = Tensor::full([100_000], 1.0);
        let mut y = [Tensor::uninit([100_000])];
        op(0.3).forward(&[&x], &mut y);
        let zeros = y[0].data().iter().filter(|&&y| y == 0.0).count();
        assert!((29_400..30_600).contains(&zeros), "{zeros}");
        assert!(y[0].data().iter().all(|&y| y == 0.0 || y == 1.0 / 0.7));
        for p in [-0.1, 1.0, f32::NAN] {
            assert!(op(p).infer(&[x.shape()]).is_err());
        }
    }
}

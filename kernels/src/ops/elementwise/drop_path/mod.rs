//! Drop-path: whole samples are zeroed with probability p, the others scaled by `1 / (1 - p)`.
//!
//! x `[N, ...]` -> y `[N, ...]`: `y = m_n x`, `m_n = 1 / (1 - p)` (f64, rounded to f32) where word n of the stream, n the
//! sample's number, is at least `p 2^32` (rounded to an integer), else 0; `dx = m_n dy`. It is a product, so NaN goes
//! through. A sample's bits depend on its number and not on N. The decisions are never stored: backward draws them again.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::op::{Backward, Op, Outputs, Saves};
use crate::rng::Key;
use crate::{Device, OpError, Shape, Tensor};

/// Drop-path of one place of the network in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropPath {
    /// Seed, purpose, epoch and step.
    pub key: Key,
    /// Number of the stream: the op's number in the step.
    pub index: u64,
    /// Probability of zero, 0 <= p < 1.
    pub p: f32,
}

const NAME: &str = "drop_path";

/// A word below this drops its sample.
pub(crate) fn threshold(p: f32) -> u32 {
    (f64::from(p) * 4_294_967_296.0 + 0.5) as u32 // p is at most 1 - 2^-24
}

/// What kept samples are multiplied by.
pub(crate) fn scale(p: f32) -> f32 {
    (1.0 / (1.0 - f64::from(p))) as f32
}

impl DropPath {
    /// Drop-path with probability `p` by stream `index` of `key`.
    pub fn new(key: Key, index: u64, p: f32) -> Self {
        Self { key, index, p }
    }

    fn mask(&self, x: &Tensor, y: &mut Tensor) {
        match x.device() {
            Device::Cpu => cpu::mask(self, x.shape()[0], x.data(), y.data_mut()),
            Device::Cuda(_) => cuda::mask(self, x, y),
        }
    }
}

impl Op for DropPath {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Any one shape that has samples.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let [x] = inputs else {
            return Err(OpError::new(NAME, format!("{} inputs", inputs.len()), "give one"));
        };
        if x.iter().len() == 0 {
            return Err(OpError::new(NAME, format!("x is {x}"), "give samples along the first dimension"));
        }
        if !(0.0..1.0).contains(&self.p) {
            return Err(OpError::new(NAME, format!("p = {}", self.p), "p must be at least 0 and below 1"));
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

    fn op(p: f32) -> DropPath {
        DropPath::new(Key::new(3, Purpose::Dropout), 5, p)
    }

    /// What samples of 3 numbers are multiplied by.
    fn factors(samples: usize, p: f32) -> Vec<f32> {
        let x = Tensor::full([samples, 3], 1.0);
        let mut y = [Tensor::uninit([samples, 3])];
        op(p).forward(&[&x], &mut y);
        y[0].data().chunks(3).map(|y| if y == [y[0]; 3] { y[0] } else { panic!("a sample in parts: {y:?}") }).collect()
    }

    #[test]
    fn cases() {
        crate::check::table("elementwise/drop_path", &super::cases::cases());
    }

    #[test]
    fn samples_fall_as_a_whole_and_their_share_is_p() {
        let all = factors(20_000, 0.3);
        let dropped = all.iter().filter(|&&m| m == 0.0).count();
        assert!((5_800..6_200).contains(&dropped), "{dropped}");
        assert!(all.iter().all(|&m| m == 0.0 || m == 1.0 / 0.7));
    }

    #[test]
    fn other_samples_do_not_show_in_one() {
        assert_eq!(factors(7, 0.5), factors(100, 0.5)[..7]);
    }

    #[test]
    fn no_samples_and_bad_p_are_refused() {
        let x = Shape::new(&[4, 3]);
        for p in [-0.1, 1.0, f32::NAN] {
            assert!(op(p).infer(&[x]).unwrap_err().to_string().contains("p must be"), "{p}");
        }
        assert!(op(0.5).infer(&[Shape::new(&[])]).unwrap_err().to_string().contains("first dimension"));
    }
}

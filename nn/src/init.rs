//! Initial values, drawn in the element order of PyTorch's layout, so the layout in memory does not show in them.

use kernels::rng::Stream;
use kernels::{Shape, Tensor};

use crate::Layout;

/// How a parameter begins. Every number is computed in f64 and rounded once; a "fan" is PyTorch's, of the weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All the same.
    Constant(f32),
    /// Uniform in [-b, b) with `b = 1 / sqrt(fan_in)`: `(2 u - 1) b`, u of 53 bits. PyTorch's default for the weights
    /// (`kaiming_uniform(a = sqrt 5)`) and biases of convolutions and linear layers.
    Uniform {
        /// Inputs of one output: I / groups x kernel.
        fan_in: usize,
    },
    /// Normal with standard deviation `sqrt(2 / fan)`: Kaiming's, for ReLU.
    KaimingNormal {
        /// By outputs, O x kernel; by inputs, I / groups x kernel.
        fan: usize,
    },
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform in [-b, b) with `b = sqrt(6 / (fan_in + fan_out))`: `(2 u - 1) b`, u of 53 bits. Glorot's, which is Keras' default.
    Glorot {
        /// Inputs of one output: I x kernel.
        fan_in: usize,
        /// O x kernel.
        fan_out: usize,
    },
    /// Uniform from 0 up to this: `u scale`, u of 53 bits.
    Positive(f64),
}

impl Init {
    /// A tensor of shape `ours`, its numbers drawn in the order of `layout`'s file.
    pub fn tensor(self, ours: Shape, layout: Layout, stream: &mut Stream) -> Tensor {
        let mut t = Tensor::uninit(ours);
        let data = t.data_mut();
        match self {
            Self::Constant(x) => data.fill(x),
            Self::Uniform { fan_in } => {
                let bound = 1.0 / (fan_in as f64).sqrt();
                layout.in_file_order(ours, |i| data[i] = ((2.0 * stream.uniform64() - 1.0) * bound) as f32);
            }
            Self::Glorot { fan_in, fan_out } => {
                let bound = (6.0 / (fan_in + fan_out) as f64).sqrt();
                layout.in_file_order(ours, |i| data[i] = ((2.0 * stream.uniform64() - 1.0) * bound) as f32);
            }
            Self::KaimingNormal { fan } => {
                let std = (2.0 / fan as f64).sqrt();
                layout.in_file_order(ours, |i| data[i] = (stream.normal() * std) as f32);
            }
            Self::Positive(scale) => layout.in_file_order(ours, |i| data[i] = (stream.uniform64() * scale) as f32),
            Self::Normal(std) => layout.in_file_order(ours, |i| data[i] = (stream.normal() * std) as f32),
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    #[test]
    fn the_layout_in_memory_does_not_show() {
        let init = Init::Uniform { fan_in: 45 };
        let stream = || Key::new(3, Purpose::Init).stream(1);
        let ours = Shape::new(&[3, 3, 5, 7]);
        let a = init.tensor(ours, Layout::Conv2d, &mut stream());
        let b = init.tensor(Layout::Conv2d.file_shape(ours), Layout::Plain, &mut stream());
        let mut file = Vec::new();
        Layout::Conv2d.in_file_order(ours, |i| file.push(a.data()[i]));
        assert_eq!(file, b.data());
    }

    #[test]
    fn spreads_are_right() {
        let n = 40_000;
        let mut s = Key::new(0, Purpose::Init).stream(0);
        let u = Init::Uniform { fan_in: 16 }.tensor(Shape::new(&[n]), Layout::Plain, &mut s);
        assert!(u.data().iter().all(|x| x.abs() <= 0.25));
        let g = Init::Glorot { fan_in: 2, fan_out: 4 }.tensor(Shape::new(&[n]), Layout::Plain, &mut s);
        assert!(g.data().iter().all(|x| x.abs() <= 1.0) && g.data().iter().any(|x| x.abs() > 0.999));
        let square = |t: &Tensor| t.data().iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / n as f64;
        assert!((square(&u) / (0.25 * 0.25 / 3.0) - 1.0).abs() < 0.02);
        let k = Init::KaimingNormal { fan: 50 }.tensor(Shape::new(&[n]), Layout::Plain, &mut s);
        assert!((square(&k) / (2.0 / 50.0) - 1.0).abs() < 0.03);
    }
}

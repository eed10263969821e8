//! Spectral convolution: a real 2-D Fourier transform, a complex matrix over channels for each of a few low frequencies,
//! and the transform back; all other frequencies are 0.
//!
//! x `[N, H, W, C]`, then w1_re, w1_im, w2_re, w2_im `[C, O, m1, m2]` (PyTorch's layout; one complex tensor each there) ->
//! y `[N, H, W, O]`; hidden: the kept modes of x.
//! Kept are columns 0 .. m2 - 1 of rows 0 .. m1 - 1 (times w1) and H - m1 .. H - 1 (times w2, which wins where they overlap).
//! The forward transform is not normalised, the one back divides by H W, takes the missing half of the columns as the
//! mirror image, and drops what is imaginary in column 0 and, for even W, in column W/2.
//!
//! # Specification
//! Every transform is a product with a real matrix, entries computed in f64 and rounded once (`super::waves`); every
//! output element is one fma chain from +0, ascending. A complex index is the pair (index, part), real part first:
//! ```text
//! a [n,h,c, (k,part)]   over w:          x, e^(-2 pi i k w / W)
//! X [n,c,k, (r,part)]   over (h,part):   a, e^(-2 pi i r h / H)
//! Y [n,k,r, (o,part)]   over (c,part):   X, [[re, im], [-im, re]] of the mode's weights
//! z [n,o,k, (h,part)]   over (r,part):   Y, e^(2 pi i r h / H)
//! y [n,h,o, w]          over (k,part):   z, s cos(2 pi k w / W) / HW and -s sin(2 pi k w / W) / HW;  s = 1 or 2
//! ```
//! Backward is the adjoint: the same products with the matrices transposed, in reverse, each chain over the columns,
//! ascending. Weights: M = the sum over n of X^T dY (chunks of 4,096, one fma chain each, the fixed tree);
//! `d re = M[re,re] + M[im,im]`, `d im = M[re,im] - M[im,re]`; +0 for rows of w1 that w2 hides.

pub mod cases;
mod cpu;
pub mod cuda;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Spectral convolution; what it keeps follows from its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpectralConv2d;

const NAME: &str = "spectral_conv2d";

/// Sizes of a spectral convolution.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    n: usize,
    h: usize,
    w: usize,
    c: usize,
    o: usize,
    /// Rows of each weight.
    m1: usize,
    /// Columns.
    m2: usize,
    /// Rows kept in all.
    rows: usize,
}

impl Sizes {
    fn of(x: Shape, weight: Shape) -> Self {
        let (h, m1) = (x[1], weight[2]);
        Self { n: x[0], h, w: x[2], c: x[3], o: weight[1], m1, m2: weight[3], rows: super::waves::rows(m1, h) }
    }

    /// Complex numbers of a channel's spectrum.
    fn modes(&self) -> usize {
        self.rows * self.m2
    }

    /// Which weight (1 or 2, less one) mode `k * rows + j` takes, and where in `[m1, m2]`.
    fn weight(&self, mode: usize) -> (usize, usize) {
        let (k, j) = (mode / self.rows, mode % self.rows);
        let first = self.rows - self.m1;
        if j < first { (0, j * self.m2 + k) } else { (1, (j - first) * self.m2 + k) }
    }
}

impl Op for SpectralConv2d {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Not five inputs; weights of different shapes, or not x's channels; more modes than x has; nothing in them.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        let refuse = |what: String, fix: &str| Err(OpError::new(NAME, what, fix));
        let &[x, w, w1_im, w2_re, w2_im] = inputs else {
            return refuse(format!("{} inputs", inputs.len()), "give x, w1_re, w1_im, w2_re, w2_im");
        };
        if [w1_im, w2_re, w2_im].iter().any(|other| *other != w) {
            return refuse(format!("weights {w}, {w1_im}, {w2_re}, {w2_im}"), "give all four one shape");
        }
        if x[..].len() != 4 || w[..].len() != 4 || x.is_empty() || w.is_empty() || x[3] != w[0] {
            return refuse(format!("x is {x}, weights {w}"), "give x [N, H, W, C] and weights [C, O, m1, m2]");
        }
        if w[2] > x[1] || w[3] > x[2] / 2 + 1 {
            let what = format!("{} x {} modes of x {x}", w[2], w[3]);
            return refuse(what, "keep at most H rows and W/2 + 1 columns");
        }
        let s = Sizes::of(x, w);
        Ok(Outputs::new(&[x.with(3, s.o)], &[Shape::from([s.n, s.m2, s.rows, 2 * s.c])]))
    }

    fn saves(&self) -> Saves {
        Saves { inputs: 0b1_1110, outputs: 0b10 }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        let s = Sizes::of(inputs[0].shape(), inputs[1].shape());
        let [y, spectrum] = outputs else { unreachable!("inferred") };
        if inputs[0].device() != Device::Cpu {
            return cuda::forward(s, inputs[0], [1, 2, 3, 4].map(|i| inputs[i]), spectrum, y);
        }
        let weights = [1, 2, 3, 4].map(|i| inputs[i].data());
        cpu::forward(s, inputs[0].data(), weights, spectrum.data_mut(), y.data_mut());
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        let s = Sizes::of(b.shapes[0], b.shapes[1]);
        let on_card = b.device() != Device::Cpu;
        let dy = if on_card { cuda::spectrum_gradient(s, b.dy()) } else { cpu::spectrum_gradient(s, b.dy().data()) };
        if (1..5).any(|i| b.wants(i)) {
            let grads = match on_card {
                true => cuda::weight_gradients(s, b.output(1), &dy),
                false => cpu::weight_gradients(s, b.output(1).data(), dy.data()),
            };
            for (i, g) in grads.into_iter().enumerate() {
                dx[1 + i] = b.wants(1 + i).then_some(g);
            }
        }
        if b.wants(0) {
            let mut d = b.room(0);
            let weights = [1, 2, 3, 4].map(|i| b.input(i));
            match on_card {
                true => cuda::input_gradient(s, &dy, weights, &mut d),
                false => cpu::input_gradient(s, dy.data(), weights.map(Tensor::data), d.data_mut()),
            }
            dx[0] = Some(d);
        }
    }

    fn flops(&self, inputs: &[Shape]) -> Option<u64> {
        let s = Sizes::of(inputs[0], inputs[1]);
        let along = |c: usize| c * (s.h * s.w * 2 * s.m2 + s.m2 * 2 * s.h * 2 * s.rows);
        Some(2 * (s.n * (along(s.c) + along(s.o) + s.modes() * 4 * s.c * s.o)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("spectral/spectral_conv2d", &super::cases::cases());
    }

    #[test]
    fn too_many_modes_are_refused() {
        let infer = |x: [usize; 4], w: [usize; 4]| {
            let w = Shape::from(w);
            SpectralConv2d.infer(&[Shape::from(x), w, w, w, w]).map_err(|e| e.to_string())
        };
        assert!(infer([1, 8, 8, 2], [2, 3, 8, 5]).is_ok());
        assert!(infer([1, 8, 8, 2], [2, 3, 9, 5]).unwrap_err().contains("9 x 5 modes of x [1, 8, 8, 2]"));
        assert!(infer([1, 8, 8, 2], [2, 3, 4, 6]).is_err());
        assert!(infer([1, 8, 8, 4], [2, 3, 4, 4]).unwrap_err().contains("weights [C, O, m1, m2]"));
    }
}

//! Batch norm, with a ReLU behind it if wanted.
//!
//! # Specification
//! `x` is `[N, C]`, `[N, L, C]` or `[N, H, W, C]`; `M` is the number of values a channel. All for one channel, in f32,
//! every operation rounded once; a quotient is a division.
//!
//! *Chunks.* A chunk is one row of columns, (n, h), cut at 256 columns (the last cut may be shorter): a row of an
//! image, a whole series, one sample of `[N, C]`. Chunks are numbered in (n, h, cut) order; inside, columns ascend.
//! Long sums are one chain a chunk from +0, then [`tree::pairwise`](crate::tree::pairwise) over the chunks.
//!
//! *Statistics* (training). Of a chunk of `k` values: `s = s + x` over all; `mean = s / k`; then `d = x - mean`,
//! `q = fma(d, d, q)` over all, from +0. Merging (na, mean_a, q_a) with (nb, mean_b, q_b): `d = mean_b - mean_a`,
//! `mean = fma(d, wb, mean_a)`, `q = fma(d * d, wm, q_a + q_b)`, where `wb = nb / (na + nb)` and
//! `wm = na * nb / (na + nb)`, both computed in f64 and rounded once. Last `var = q / M`, `rstd = 1 / sqrt(var + eps)`.
//! In evaluation mean and var are the running ones.
//!
//! *Forward.* `a = weight * rstd`, `b = fma(-a, mean, bias)` (1 and 0 without affine), `y = fma(a, x, b)`; with `relu`,
//! `y < 0 ? 0 : y`. Running statistics, new ones: `fma(momentum, mean, (1 - momentum) * running_mean)` and
//! `fma(momentum, q / (M - 1), (1 - momentum) * running_var)`; no gradient passes through them.
//!
//! *Backward.* `g = dy`; with `relu`, `g = fma(a, x, b) <= 0 ? 0 : dy`. `s1`: long sum of `s + g`; `s2`: long sum of
//! `fma(g, x - mean, s)`. `dbias = s1`, `dweight = s2 * rstd`. Training: `k1 = (a * s1) / M`,
//! `k2 = (((a * rstd) * rstd) * s2) / M`, `dx = a * g - fma(x - mean, k2, k1)`. Evaluation: `dx = a * g`.

pub mod cases;
mod cpu;
pub mod cuda;
mod lanes;
mod pointwise;
mod reference;

use crate::{Backward, Device, Op, OpError, Outputs, Saves, Shape, Tensor};

/// Most columns of a chunk.
pub const COLUMNS: usize = 256;

/// Batch norm: inputs `x`, then `weight`, `bias` if affine, then `running_mean`, `running_var` if running, all `[C]`.
/// Outputs `y` like `x`, and in training, if running, the new `running_mean` and `running_var`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Normalise by the batch's statistics (else by the running ones).
    pub training: bool,
    /// Weight of the batch in the new running statistics.
    pub momentum: f32,
    /// Added to the variance.
    pub eps: f32,
    /// Has weight and bias.
    pub affine: bool,
    /// Has running statistics.
    pub running: bool,
    /// Applies ReLU to y; the bits equal batch norm, then ReLU.
    pub relu: bool,
}

impl Default for BatchNorm {
    /// `PyTorch`'s: training, momentum 0.1, eps 1e-5, weight and bias, running statistics; no ReLU.
    fn default() -> Self {
        Self { training: true, momentum: 0.1, eps: 1e-5, affine: true, running: true, relu: false }
    }
}

const NAME: &str = "batch_norm";

impl BatchNorm {
    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        1 + 2 * usize::from(self.affine) + 2 * usize::from(self.running)
    }

    /// Where running_mean is among the inputs.
    fn running_at(&self) -> usize {
        1 + 2 * usize::from(self.affine)
    }

    /// Where the saved mean is among the outputs (training).
    fn hidden_at(&self) -> usize {
        1 + 2 * usize::from(self.running)
    }
}

/// How a tensor is cut into chunks.
#[derive(Debug, Clone, Copy)]
struct Chunks {
    /// Rows (n, h).
    rows: usize,
    /// Columns of a row.
    width: usize,
    /// Channels.
    c: usize,
    /// Chunks of a row.
    cuts: usize,
}

impl Chunks {
    fn of(x: &Shape) -> Self {
        // A sample of [N, C] is a row of one column.
        let (rows, width) = match x[..] {
            [n, _] => (n, 1),
            [n, l, _] => (n, l),
            [n, h, w, _] => (n * h, w),
            _ => unreachable!("infer refuses other ranks"),
        };
        Self { rows, width, c: x.last(), cuts: width.div_ceil(COLUMNS) }
    }

    /// Number of chunks.
    fn len(&self) -> usize {
        self.rows * self.cuts
    }

    /// Values a channel.
    fn values(&self) -> usize {
        self.rows * self.width
    }

    /// Values a channel before chunk `i`; chunks follow each other in memory.
    fn before(&self, i: usize) -> usize {
        i / self.cuts * self.width + (i % self.cuts * COLUMNS).min(self.width)
    }

    /// Values a channel in chunk `i`.
    fn columns(&self, i: usize) -> usize {
        self.before(i + 1) - self.before(i)
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    /// # Errors
    /// Wrong number or shapes of inputs; evaluation without running statistics; training with fewer than two values a
    /// channel.
    fn infer(&self, inputs: &[Shape]) -> Result<Outputs, OpError> {
        if inputs.len() != self.inputs() {
            return Err(OpError::new(
                NAME,
                format!("{} inputs with affine {}, running {}", inputs.len(), self.affine, self.running),
                format!("give {}: x, then weight and bias if affine, then both running statistics", self.inputs()),
            ));
        }
        let x = inputs[0];
        if !(2..=4).contains(&x[..].len()) || x.is_empty() {
            return Err(OpError::new(NAME, format!("x is {x}"), "give [N, C], [N, L, C] or [N, H, W, C], not empty"));
        }
        let channels = Shape::new(&[x.last()]);
        let names: &[&str] = if self.affine {
            &["weight", "bias", "running_mean", "running_var"]
        } else {
            &["running_mean", "running_var"]
        };
        for (s, name) in inputs[1..].iter().zip(names) {
            if *s != channels {
                let what = format!("{name} is {s} and x {x}");
                return Err(OpError::new(NAME, what, format!("give {name} one number a channel: {channels}")));
            }
        }
        if !self.training {
            if !self.running {
                let what = format!("evaluation of x {x} without running statistics");
                return Err(OpError::new(NAME, what, "set running and give running_mean, running_var"));
            }
            return Ok(Outputs::one(x));
        }
        if Chunks::of(&x).values() < 2 {
            let what = format!("x {x} has one value a channel");
            return Err(OpError::new(NAME, what, "train with a larger batch: statistics take at least two"));
        }
        let visible = [x, channels, channels];
        Ok(Outputs::new(if self.running { &visible } else { &visible[..1] }, &[channels, channels]))
    }

    /// x; weight (and bias under ReLU, whose mask is recomputed); the statistics.
    fn saves(&self) -> Saves {
        let affine = if !self.affine {
            0
        } else if self.relu {
            0b110
        } else {
            0b010
        };
        if self.training {
            Saves { inputs: 1 | affine, outputs: 0b11 << self.hidden_at() }
        } else {
            Saves { inputs: 1 | affine | 0b11 << self.running_at(), outputs: 0 }
        }
    }

    fn forward(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) {
        match inputs[0].device() {
            Device::Cpu => cpu::forward(self, inputs, outputs),
            Device::Cuda(_) => cuda::forward(self, inputs, outputs),
        }
    }

    fn backward(&self, b: &Backward<'_>, dx: &mut [Option<Tensor>]) {
        // Only the running statistics reach the loss: no gradient passes through them.
        if b.dy[0].is_some() {
            match b.device() {
                Device::Cpu => cpu::backward(self, b, dx),
                Device::Cuda(_) => cuda::backward(self, b, dx),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        crate::check::table("norm/batch_norm", &super::cases::cases());
    }

    #[test]
    fn refusals_name_shapes_and_the_way_out() {
        let one = BatchNorm { affine: false, running: false, ..BatchNorm::default() };
        let e = one.infer(&[Shape::new(&[1, 8])]).unwrap_err().to_string();
        assert!(e.contains("[1, 8]") && e.contains("larger batch"), "{e}");
        let e = BatchNorm { training: false, ..one }.infer(&[Shape::new(&[1, 8])]).unwrap_err().to_string();
        assert!(e.contains("running_mean"), "{e}");
        let wrong = [[2, 8], [8, 1]].map(|s| Shape::new(&s));
        let all = [wrong[0], wrong[1], wrong[1], wrong[1], wrong[1]];
        let e = BatchNorm::default().infer(&all).unwrap_err().to_string();
        assert!(e.contains("weight is [8, 1] and x [2, 8]"), "{e}");
    }
}

//! Convolutions of 1x1 kernels, stride 1, in groups of 4, 8 or 16 channels on both sides: what cells of narrow operations mix
//! their channels with.
//!
//! Lanes run along the flat run (position, channel): a group never crosses a register of its size or more, so a register of
//! outputs is one fma a channel of the group, of that channel spread over its group's lanes. Weights repeat after a period.

pub(in crate::ops) mod cuda;
mod lanes;

use super::Geometry;
use super::depthwise::{chains, chunk_rows};
use crate::pool::{self, Ptr};
use crate::{Tensor, dispatch, tree};
use lanes::Groups;

/// Numbers a task takes, about.
const TASK: usize = 1 << 14;

/// Whether the convolution is one of these.
pub fn applies(g: &Geometry) -> bool {
    let plain = g.kernel == [1, 1] && g.conv.stride == [1, 1] && g.conv.padding == [[0; 2]; 2];
    plain && g.group_c() == g.group_k() && matches!(g.group_c(), 4 | 8 | 16)
}

/// Weights as the loops read them: `[channel of the group][period]`.
pub struct Weights {
    data: Tensor,
    q: usize,
}

impl Weights {
    /// Of w `[q, C]`: row c holds what the group's channel c gives each output.
    pub fn new(w: &[f32], q: usize) -> Self {
        Self::of(w.len() / q, q, |i, c| w[i * (w.len() / q) + c])
    }

    /// Row k holds what output k of the group gives each channel.
    pub fn transposed(w: &[f32], q: usize) -> Self {
        let channels = w.len() / q;
        Self::of(channels, q, |k, c| w[c % q * channels + c / q * q + k])
    }

    fn of(channels: usize, q: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let period = channels * chains(channels);
        let mut data = Tensor::uninit([q, period]);
        for (i, row) in data.data_mut().chunks_exact_mut(period).enumerate() {
            row.iter_mut().enumerate().for_each(|(j, to)| *to = weight(i, j % channels));
        }
        Self { data, q }
    }

    /// Numbers after which channels and lanes repeat.
    fn period(&self) -> usize {
        self.data.len() / self.q
    }

    /// y of x, whole positions of both.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        match self.q {
            4 => mix4(x, self.data.data(), y),
            8 => mix8(x, self.data.data(), y),
            _ => mix16(x, self.data.data(), y),
        }
    }

    fn run_all(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let task = TASK.next_multiple_of(self.period());
        pool::chunks_mut(y, task, |i, y| {
            self.run(&x[i * task..][..y.len()], y);
            if let Some(bias) = bias {
                y.chunks_exact_mut(bias.len()).for_each(|y| y.iter_mut().zip(bias).for_each(|(y, b)| *y += *b));
            }
        });
    }
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    Weights::new(w, g.group_c()).run_all(x, bias, y);
}

/// dx (+ bias).
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    Weights::transposed(w, g.group_c()).run_all(dy, bias, dx);
}

/// A chunk's sums `[q, C]` of the weight gradient.
pub fn chunk_sums(q: usize, channels: usize, x: &[f32], dy: &[f32], to: &mut [f32]) {
    let period = channels * chains(channels);
    let mut acc = Tensor::uninit([q, period]);
    acc.data_mut().fill(0.0);
    match q {
        4 => sums4(x, dy, acc.data_mut()),
        8 => sums8(x, dy, acc.data_mut()),
        _ => sums16(x, dy, acc.data_mut()),
    }
    for (acc, to) in acc.data_mut().chunks_exact_mut(period).zip(to.chunks_exact_mut(channels)) {
        tree::sum_rows(acc, channels);
        to.copy_from_slice(&acc[..channels]);
    }
}

/// dw.
pub fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let ([height, width], c, n) = (g.out, g.c, dw.len());
    let rows = chunk_rows(width);
    let bands = height.div_ceil(rows);
    if g.n == 0 {
        return dw.fill(0.0);
    }
    let mut sums = Tensor::uninit([g.n * bands * n]);
    let to = Ptr(sums.data_mut().as_mut_ptr());
    pool::run(g.n * bands, |chunk| {
        let (image, first) = (chunk / bands, chunk % bands * rows);
        let (start, len) = ((image * height + first) * width * c, rows.min(height - first) * width * c);
        // SAFETY: every chunk has its own sums.
        let to = unsafe { to.slice(chunk * n, n) };
        chunk_sums(g.group_c(), c, &x[start..][..len], &dy[start..][..len], to);
    });
    tree::sum_rows(sums.data_mut(), n);
    dw.copy_from_slice(&sums.data()[..n]);
}

dispatch! {
    fn mix4(x: &[f32], w: &[f32], y: &mut [f32]) = mix4_body;
    fn mix8(x: &[f32], w: &[f32], y: &mut [f32]) = mix8_body;
    fn mix16(x: &[f32], w: &[f32], y: &mut [f32]) = mix16_body;
    fn sums4(x: &[f32], dy: &[f32], acc: &mut [f32]) = sums4_body;
    fn sums8(x: &[f32], dy: &[f32], acc: &mut [f32]) = sums8_body;
    fn sums16(x: &[f32], dy: &[f32], acc: &mut [f32]) = sums16_body;
}

#[inline(always)]
fn mix4_body<S: Groups>(x: &[f32], w: &[f32], y: &mut [f32]) {
    mix::<S, 4>(x, w, y);
}

#[inline(always)]
fn mix8_body<S: Groups>(x: &[f32], w: &[f32], y: &mut [f32]) {
    mix::<S, 8>(x, w, y);
}

#[inline(always)]
fn mix16_body<S: Groups>(x: &[f32], w: &[f32], y: &mut [f32]) {
    mix::<S, 16>(x, w, y);
}

#[inline(always)]
fn sums4_body<S: Groups>(x: &[f32], dy: &[f32], acc: &mut [f32]) {
    sums::<S, 4>(x, dy, acc);
}

#[inline(always)]
fn sums8_body<S: Groups>(x: &[f32], dy: &[f32], acc: &mut [f32]) {
    sums::<S, 8>(x, dy, acc);
}

#[inline(always)]
fn sums16_body<S: Groups>(x: &[f32], dy: &[f32], acc: &mut [f32]) {
    sums::<S, 16>(x, dy, acc);
}

/// y = sum over the group's channels, ascending, of x and w `[Q][period]`.
#[allow(clippy::needless_range_loop)] // loops over indices alone keep the weights in registers
#[inline(always)]
fn mix<S: Groups, const Q: usize>(x: &[f32], w: &[f32], y: &mut [f32]) {
    let (n, period) = (y.len(), w.len() / Q);
    assert!(x.len() == n && period.is_multiple_of(16) && n.is_multiple_of(Q));
    for j in (0..period.min(n)).step_by(S::L) {
        // SAFETY: w holds a register from j in each of Q periods; whole registers of x and y end before n, and the last
        // one reads and writes what is left.
        unsafe {
            let mut weights = [S::zero(); Q];
            for c in 0..Q {
                weights[c] = S::load(w.as_ptr().add(c * period + j));
            }
            let mut i = j;
            while i + S::L <= n {
                let mut sum = S::zero();
                for c in 0..Q {
                    sum = S::fma(S::spread::<Q, true>(x.as_ptr(), i, S::L, c), weights[c], sum);
                }
                S::store(y.as_mut_ptr().add(i), sum);
                i += period;
            }
            if i < n {
                let mut sum = S::zero();
                for c in 0..Q {
                    sum = S::fma(S::spread::<Q, false>(x.as_ptr(), i, n - i, c), weights[c], sum);
                }
                S::store_n(y.as_mut_ptr().add(i), sum, n - i);
            }
        }
    }
}

/// acc `[Q][period]` += x, each channel of a group in turn, times dy.
#[allow(clippy::needless_range_loop)] // as in `mix`
#[inline(always)]
fn sums<S: Groups, const Q: usize>(x: &[f32], dy: &[f32], acc: &mut [f32]) {
    let (n, period) = (dy.len(), acc.len() / Q);
    assert!(x.len() == n && period.is_multiple_of(16) && n.is_multiple_of(Q));
    for j in (0..period.min(n)).step_by(S::L) {
        let to = acc[j..].as_mut_ptr();
        // SAFETY: as in `mix`; acc is what w is there.
        unsafe {
            let mut sums = [S::zero(); Q];
            for c in 0..Q {
                sums[c] = S::load(to.add(c * period));
            }
            let mut i = j;
            while i + S::L <= n {
                let dy = S::load(dy.as_ptr().add(i));
                for c in 0..Q {
                    sums[c] = S::fma(S::spread::<Q, true>(x.as_ptr(), i, S::L, c), dy, sums[c]);
                }
                i += period;
            }
            for c in 0..Q {
                S::store(to.add(c * period), sums[c]);
            }
            if i < n {
                let dy = S::load_n(dy.as_ptr().add(i), n - i);
                for c in 0..Q {
                    let sum = S::fma(S::spread::<Q, false>(x.as_ptr(), i, n - i, c), dy, sums[c]);
                    S::store_n(to.add(c * period), sum, n - i);
                }
            }
        }
    }
}

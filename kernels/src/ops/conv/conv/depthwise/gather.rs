//! Sums over taps along the flat run (column, c) of a row: the forward, and at stride 1 the input gradient.

use super::band::Taps;
use crate::pool::{self, Ptr};
use crate::product::Table;
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Numbers of a row that share one copy of the weights, at least.
const SEGMENT: usize = 512;

/// Numbers of a band: it stays in its core's cache.
const BAND: usize = 64 << 10;

/// Fewest tasks worth having, so that threads end together.
const TASKS: usize = 8;

/// One fma chain from +0 an output over its taps in ascending order; then the bias.
pub struct Sum<'a> {
    pub taps: Taps,
    pub src: &'a [f32],
    /// Images.
    pub n: usize,
    pub weights: &'a [f32],
    /// Weights are taken from the last tap to the first.
    pub reversed: bool,
    pub bias: Option<&'a [f32]>,
}

impl Sum<'_> {
    /// Writes all of `dst`.
    pub fn run(&self, dst: &mut [f32]) {
        let taps = &self.taps;
        let ([height, _], c, run, period) = (taps.dst_size, taps.c, taps.run(), taps.period());
        if dst.is_empty() {
            return;
        }
        let square = taps.stride == [1, 1] && (taps.kernel == [3, 3] || taps.kernel == [5, 5]);
        let wide = if square { period } else { period * SEGMENT.min(run).div_ceil(period) };
        let weights = repeat_weights(taps, self.weights, self.reversed, wide);
        let weights = weights.data();
        let mut offsets = Table::new(taps.len());
        (0..taps.len()).for_each(|t| offsets.push(taps.offset(t)));
        let offsets = offsets.as_slice();

        let rows = (BAND / (taps.pitch() * taps.stride[0])).clamp(1, height);
        let rows = rows.min(height.div_ceil(TASKS.div_ceil(self.n)));
        let bands = height.div_ceil(rows);
        let out = Ptr(dst.as_mut_ptr());
        pool::run(self.n * bands, |item| {
            let (n, first) = (item / bands, item % bands * rows);
            let rows = rows.min(height - first);
            let band = taps.band(self.src, n, first, rows);
            // SAFETY: each destination row belongs to one item.
            let to = unsafe { out.slice((n * height + first) * run, rows * run) };
            match taps.kernel {
                [3, 3] if square => square3(taps, band.data(), weights, to),
                [5, 5] if square => square5(taps, band.data(), weights, to),
                _ => {
                    let step = taps.stride[0] * taps.pitch();
                    for (r, row) in to.chunks_exact_mut(run).enumerate() {
                        flat_row(&band.data()[r * step..], offsets, weights, wide, row);
                    }
                }
            }
            if let Some(bias) = self.bias {
                to.chunks_exact_mut(c).for_each(|p| p.iter_mut().zip(bias).for_each(|(y, b)| *y += *b));
            }
        });
    }
}

/// Weights `[tap][wide]` in the order of the sum, repeated from position to position.
pub fn repeat_weights(t: &Taps, from: &[f32], reversed: bool, wide: usize) -> Tensor {
    let (c, taps) = (t.c, t.len());
    let mut weights = Tensor::uninit([taps * wide]);
    for (i, row) in weights.data_mut().chunks_exact_mut(wide).enumerate() {
        let t = if reversed { taps - 1 - i } else { i };
        row.chunks_exact_mut(c).for_each(|p| p.copy_from_slice(&from[t * c..][..c]));
    }
    weights
}

dispatch! {
    /// y `[row][run]` = sum over the taps of band x, weights `[tap][period]`: 3x3, stride 1.
    pub fn square3(taps: &Taps, x: &[f32], w: &[f32], y: &mut [f32]) = square3_body;
    /// The same for 5x5.
    pub fn square5(taps: &Taps, x: &[f32], w: &[f32], y: &mut [f32]) = square5_body;
    /// y = sum over taps of x, shifted by the tap's offset, times its weights, which repeat every `wide` numbers.
    fn flat_row(x: &[f32], offsets: &[usize], w: &[f32], wide: usize, y: &mut [f32]) = flat_body;
}

#[inline(always)]
fn square3_body<S: Simd>(taps: &Taps, x: &[f32], w: &[f32], y: &mut [f32]) {
    // Three chains do not hide the latency of an fma: two registers abreast.
    let done = square::<S, 3, 2>(taps, x, w, y, 0);
    square::<S, 3, 1>(taps, x, w, y, done);
}

#[inline(always)]
fn square5_body<S: Simd>(taps: &Taps, x: &[f32], w: &[f32], y: &mut [f32]) {
    square::<S, 5, 1>(taps, x, w, y, 0);
}

/// What [`square`] reads and writes.
struct Square {
    x: *const f32,
    pitch: usize,
    /// From tap to tap of a row.
    tap: usize,
    y: *mut f32,
    run: usize,
    /// Rows from tap to tap of a column.
    dilation: usize,
}

/// The weights of a register of columns are kept while it walks down every dilation-th source row: each is read once and
/// serves the K outputs that are under way. `U` registers abreast, from number `start` of a row; returns where it ended.
/// With `U` = 1 it ends at the end of the row.
#[inline(always)]
fn square<S: Simd, const K: usize, const U: usize>(
    taps: &Taps,
    x: &[f32],
    w: &[f32],
    y: &mut [f32],
    start: usize,
) -> usize {
    let (run, period, dilation) = (taps.run(), taps.period(), taps.dilation[0]);
    let (rows, tap, pitch) = (y.len() / run, taps.dilation[1] * taps.c, taps.pitch());
    assert!(taps.kernel == [K, K] && taps.stride == [1, 1] && w.len() == K * K * period);
    assert!(x.len() >= (rows + (K - 1) * dilation) * pitch + S::L && pitch >= run + (K - 1) * tap);
    let s = Square { x: x.as_ptr(), pitch, tap, y: y.as_mut_ptr(), run, dilation };
    let mut j = start;
    while j < run && (U == 1 || j + U * S::L <= run) {
        let lanes = (run - j).min(U * S::L);
        // SAFETY: a source row of x holds `run` numbers from every tap and a register behind (asserted), y `rows` runs of
        // which `lanes` numbers are left at j; w holds a register at a whole register of the period, in every tap.
        unsafe {
            let mut weights = [[[S::zero(); U]; K]; K];
            for (t, w_tap) in weights.as_flattened_mut().iter_mut().enumerate() {
                for (u, w_u) in w_tap.iter_mut().enumerate() {
                    *w_u = S::load(w.as_ptr().add(t * period + (j + u * S::L) % period));
                }
            }
            for class in 0..dilation.min(rows) {
                let count = (rows - class).div_ceil(dilation);
                let mut sums = [[S::zero(); U]; K];
                let whole = (K - 1).min(count);
                for i in 0..whole {
                    s.add_row::<S, K, U, false>(class, i, count, j, lanes, &weights, &mut sums);
                }
                for i in whole..count {
                    s.add_row::<S, K, U, true>(class, i, count, j, lanes, &weights, &mut sums);
                }
                for i in count..count + K - 1 {
                    s.add_row::<S, K, U, false>(class, i, count, j, lanes, &weights, &mut sums);
                }
            }
        }
        j += U * S::L;
    }
    j
}

impl Square {
    /// Adds the terms of the class's source row `i` to its outputs i - K + 1 ..= i, of which the first is complete then.
    /// `WHOLE`: all of them exist.
    ///
    /// # Safety
    /// `j + lanes <= run`, and what [`square`] asserts.
    // Loops over indices alone are unrolled early enough for the sums to live in registers.
    #[allow(clippy::too_many_arguments, clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn add_row<S: Simd, const K: usize, const U: usize, const WHOLE: bool>(
        &self,
        class: usize,
        i: usize,
        count: usize,
        j: usize,
        lanes: usize,
        weights: &[[[S::V; U]; K]; K],
        sums: &mut [[S::V; U]; K],
    ) {
        let exists = |a: usize| WHOLE || i.wrapping_sub(a) < count;
        // SAFETY: the caller's promise.
        unsafe {
            let row = self.x.add((class + i * self.dilation) * self.pitch + j);
            if WHOLE {
                for b in 0..K {
                    let x = load_registers::<S, U>(row.add(b * self.tap));
                    for a in 0..K {
                        for u in 0..U {
                            sums[a][u] = S::fma(x[u], weights[a][b][u], sums[a][u]);
                        }
                    }
                }
            } else {
                for a in 0..K {
                    if !exists(a) {
                        continue;
                    }
                    for b in 0..K {
                        let x = load_registers::<S, U>(row.add(b * self.tap));
                        for u in 0..U {
                            sums[a][u] = S::fma(x[u], weights[a][b][u], sums[a][u]);
                        }
                    }
                }
            }
            if exists(K - 1) {
                let to = self.y.add((class + (i - (K - 1)) * self.dilation) * self.run + j);
                for (u, sum) in sums[K - 1].iter().enumerate() {
                    if U > 1 || lanes >= S::L {
                        S::store(to.add(u * S::L), *sum);
                    } else {
                        S::store_n(to, *sum, lanes);
                    }
                }
            }
            // Output i - a is output i + 1 - (a + 1).
            for a in (1..K).rev() {
                sums[a] = sums[a - 1];
            }
            sums[0] = [S::zero(); U];
        }
    }
}

/// `U` registers, side by side.
///
/// # Safety
/// `p` must point to as many numbers.
#[inline(always)]
unsafe fn load_registers<S: Simd, const U: usize>(p: *const f32) -> [S::V; U] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut v = [S::zero(); U];
        for (u, v) in v.iter_mut().enumerate() {
            *v = S::load(p.add(u * S::L));
        }
        v
    }
}

#[inline(always)]
fn flat_body<S: Simd>(x: &[f32], offsets: &[usize], w: &[f32], wide: usize, y: &mut [f32]) {
    let n = y.len();
    assert!(offsets.iter().all(|o| o + n <= x.len()) && w.len() >= offsets.len() * wide);
    for start in (0..n).step_by(wide) {
        let end = n.min(start + wide);
        let mut j = start;
        // SAFETY: x holds n numbers from every offset, w a segment a tap (asserted); j + lanes stays within the segment.
        unsafe {
            while j + 4 * S::L <= end {
                let mut acc = [S::zero(); 4];
                for (t, offset) in offsets.iter().enumerate() {
                    let (p, q) = (x.as_ptr().add(offset + j), w.as_ptr().add(t * wide + j - start));
                    for (u, acc) in acc.iter_mut().enumerate() {
                        *acc = S::fma(S::load(p.add(u * S::L)), S::load(q.add(u * S::L)), *acc);
                    }
                }
                for (u, acc) in acc.into_iter().enumerate() {
                    S::store(y.as_mut_ptr().add(j + u * S::L), acc);
                }
                j += 4 * S::L;
            }
            while j < end {
                let lanes = (end - j).min(S::L);
                let mut acc = S::zero();
                for (t, offset) in offsets.iter().enumerate() {
                    let (p, q) = (x.as_ptr().add(offset + j), w.as_ptr().add(t * wide + j - start));
                    acc = S::fma(S::load_n(p, lanes), S::load_n(q, lanes), acc);
                }
                S::store_n(y.as_mut_ptr().add(j), acc, lanes);
                j += S::L;
            }
        }
    }
}

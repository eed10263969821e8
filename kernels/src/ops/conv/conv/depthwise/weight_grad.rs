//! The weight gradient of a depthwise convolution.
//!
//! A chunk's sums are laid out `[tap][period]`: chain j of channel c is number `j * C + c` of a tap's period, which is where
//! the products of columns j, j + chains, ... fall if lanes run along the flat run (column, c) of a row. Columns are walked
//! from left to right, rows from top to bottom within one.

use super::band::Taps;
use crate::pool::{self, Ptr};
use crate::product::Table;
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// Positions of an image in a chunk, unless a row is longer.
const CHUNK: usize = 1024;

/// Most taps whose chains stay in registers in a kernel of any shape.
const ABREAST: usize = 8;

/// Output rows of a chunk of the weight gradient.
pub const fn chunk_rows(width: usize) -> usize {
    if width >= CHUNK { 1 } else { CHUNK / width }
}

/// dw from x and dy of n images.
pub fn weight_gradient(taps: &Taps, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (height, c, run) = (taps.dst_size[0], taps.c, taps.run());
    let rows = chunk_rows(taps.dst_size[1]);
    let bands = height.div_ceil(rows);
    if n == 0 {
        return dw.fill(0.0);
    }
    let mut offsets = Table::new(taps.len());
    (0..taps.len()).for_each(|t| offsets.push(taps.offset(t)));
    let offsets = offsets.as_slice();
    let mut sums = Tensor::uninit([n * bands * taps.len() * c]);
    let to = Ptr(sums.data_mut().as_mut_ptr());
    pool::run(n * bands, |item| {
        let (image, first) = (item / bands, item % bands * rows);
        let rows = rows.min(height - first);
        let band = taps.band(x, image, first, rows);
        let grad = &dy[(image * height + first) * run..][..rows * run];
        // SAFETY: every chunk has its own sums.
        let sums = unsafe { to.slice(item * taps.len() * c, taps.len() * c) };
        chunk(taps, offsets, band.data(), grad, sums);
    });
    tree::sum_rows(sums.data_mut(), taps.len() * c);
    dw.copy_from_slice(&sums.data()[..taps.len() * c]);
}

/// A chunk's sums `[tap][c]` of its band and rows of dy. Kernels of 3x3 and 5x5 at stride 1 need no offsets of the taps.
pub fn chunk(taps: &Taps, offsets: &[usize], band: &[f32], dy: &[f32], sums: &mut [f32]) {
    let (c, run, period) = (taps.c, taps.run(), taps.period());
    let mut acc = Tensor::uninit([taps.len() * period]);
    let acc = acc.data_mut();
    acc.fill(0.0);
    match (taps.stride, taps.kernel) {
        ([1, 1], [3, 3]) => square3(taps, band, dy, acc),
        ([1, 1], [5, 5]) => square5(taps, band, dy, acc),
        _ => {
            for (offsets, acc) in offsets.chunks(ABREAST).zip(acc.chunks_mut(ABREAST * period)) {
                walk(band, offsets, taps.stride[0] * taps.pitch(), dy, run, acc);
            }
        }
    }
    for (acc, sum) in acc.chunks_exact_mut(period).zip(sums.chunks_exact_mut(c)) {
        tree::sum_rows(acc, c);
        sum.copy_from_slice(&acc[..c]);
    }
}

dispatch! {
    /// acc `[tap][period]` += sum over rows and columns of dy `[row][run]` of x at the tap, times dy: 3x3, stride 1.
    fn square3(taps: &Taps, x: &[f32], dy: &[f32], acc: &mut [f32]) = square3_body;
    /// The same for 5x5.
    fn square5(taps: &Taps, x: &[f32], dy: &[f32], acc: &mut [f32]) = square5_body;
    /// The same for up to 8 taps of any kernel, at their offsets; rows of x are a `step` apart.
    fn walk(x: &[f32], offsets: &[usize], step: usize, dy: &[f32], run: usize, acc: &mut [f32]) = walk_body;
}

#[inline(always)]
fn square3_body<S: Simd>(taps: &Taps, x: &[f32], dy: &[f32], acc: &mut [f32]) {
    square::<S, 3>(taps, x, dy, acc);
}

#[inline(always)]
fn square5_body<S: Simd>(taps: &Taps, x: &[f32], dy: &[f32], acc: &mut [f32]) {
    square::<S, 5>(taps, x, dy, acc);
}

/// What [`square`] reads.
struct Square {
    x: *const f32,
    pitch: usize,
    /// From tap to tap of a row.
    tap: usize,
    /// Source rows from tap to tap of a column.
    dilation: usize,
    dy: *const f32,
    run: usize,
    rows: usize,
}

/// All sums of a register of columns are kept while it walks down the source rows: each is read once and serves K rows of taps.
#[allow(clippy::needless_range_loop)] // as in `add_row`
#[inline(always)]
fn square<S: Simd, const K: usize>(taps: &Taps, x: &[f32], dy: &[f32], acc: &mut [f32]) {
    let (run, period, dilation) = (taps.run(), taps.period(), taps.dilation[0]);
    let (rows, tap, pitch) = (dy.len() / run, taps.dilation[1] * taps.c, taps.pitch());
    assert!(taps.kernel == [K, K] && taps.stride == [1, 1] && acc.len() == K * K * period);
    assert!(x.len() >= (rows + (K - 1) * dilation) * pitch + S::L && pitch >= run + (K - 1) * tap);
    let s = Square { x: x.as_ptr(), pitch, tap, dilation, dy: dy.as_ptr(), run, rows };
    // All rows of taps have a row of dy between these source rows.
    let (inner, end) = (((K - 1) * dilation).min(rows), rows + (K - 1) * dilation);
    for j in (0..run).step_by(S::L) {
        let lanes = (run - j).min(S::L);
        let to = acc[j % period..].as_mut_ptr();
        // SAFETY: a source row of x holds `run` numbers from every tap and a register behind (asserted), dy `rows` runs of
        // which `lanes` numbers are left at j; acc holds a register from j % period in every tap, as the period is whole
        // registers. Lanes beyond the run are read as +0 and not stored.
        unsafe {
            let mut sums = [[S::zero(); K]; K];
            for a in 0..K {
                for b in 0..K {
                    sums[a][b] = S::load(to.add((a * K + b) * period));
                }
            }
            for r in 0..inner {
                s.add_row::<S, K, false>(r, j, lanes, &mut sums);
            }
            if lanes == S::L {
                for r in (K - 1) * dilation..rows {
                    s.add_row::<S, K, true>(r, j, lanes, &mut sums);
                }
            } else {
                for r in inner..rows {
                    s.add_row::<S, K, false>(r, j, lanes, &mut sums);
                }
            }
            for r in rows..end {
                s.add_row::<S, K, false>(r, j, lanes, &mut sums);
            }
            for a in 0..K {
                for b in 0..K {
                    S::store_n(to.add((a * K + b) * period), sums[a][b], lanes);
                }
            }
        }
    }
}

impl Square {
    /// Adds the terms of source row `r`. `WHOLE`: every row of taps has its row of dy, and all lanes are in use.
    ///
    /// # Safety
    /// `j + lanes <= run`, and what [`square`] asserts.
    // Loops over indices alone are unrolled early enough for the sums to live in registers.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn add_row<S: Simd, const K: usize, const WHOLE: bool>(
        &self,
        r: usize,
        j: usize,
        lanes: usize,
        sums: &mut [[S::V; K]; K],
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut x = [S::zero(); K];
            for b in 0..K {
                x[b] = S::load(self.x.add(r * self.pitch + b * self.tap + j));
            }
            for a in 0..K {
                let row = r.wrapping_sub(a * self.dilation);
                if WHOLE || row < self.rows {
                    let p = self.dy.add(row * self.run + j);
                    let dy = if WHOLE { S::load(p) } else { S::load_n(p, lanes) };
                    for b in 0..K {
                        sums[a][b] = S::fma(x[b], dy, sums[a][b]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn walk_body<S: Simd>(x: &[f32], offsets: &[usize], step: usize, dy: &[f32], run: usize, acc: &mut [f32]) {
    match offsets.len() {
        1 => walk_taps::<S, 1>(x, offsets, step, dy, run, acc),
        2 => walk_taps::<S, 2>(x, offsets, step, dy, run, acc),
        3 => walk_taps::<S, 3>(x, offsets, step, dy, run, acc),
        4 => walk_taps::<S, 4>(x, offsets, step, dy, run, acc),
        5 => walk_taps::<S, 5>(x, offsets, step, dy, run, acc),
        6 => walk_taps::<S, 6>(x, offsets, step, dy, run, acc),
        7 => walk_taps::<S, 7>(x, offsets, step, dy, run, acc),
        8 => walk_taps::<S, 8>(x, offsets, step, dy, run, acc),
        n => unreachable!("{n} taps abreast"),
    }
}

#[inline(always)]
fn walk_taps<S: Simd, const T: usize>(
    x: &[f32],
    offsets: &[usize],
    step: usize,
    dy: &[f32],
    run: usize,
    acc: &mut [f32],
) {
    let (rows, period) = (dy.len() / run, acc.len() / T);
    assert!(period.is_multiple_of(S::L) && offsets.iter().all(|o| o + (rows - 1) * step + run + S::L <= x.len()));
    let offsets: [usize; T] = std::array::from_fn(|t| offsets[t]);
    for j in (0..run).step_by(S::L) {
        let lanes = (run - j).min(S::L);
        let to = acc[j % period..].as_mut_ptr();
        // SAFETY: x holds `run` numbers and a register at every offset and step (asserted), dy `lanes` numbers from j in a
        // row; acc holds a register from j % period in every tap. Lanes beyond the run are not stored.
        unsafe {
            let mut sums: [S::V; T] = std::array::from_fn(|t| S::load(to.add(t * period)));
            for r in 0..rows {
                let g = S::load_n(dy.as_ptr().add(r * run + j), lanes);
                for (sum, offset) in sums.iter_mut().zip(offsets) {
                    *sum = S::fma(S::load(x.as_ptr().add(offset + r * step + j)), g, *sum);
                }
            }
            for (t, sum) in sums.into_iter().enumerate() {
                S::store_n(to.add(t * period), sum, lanes);
            }
        }
    }
}

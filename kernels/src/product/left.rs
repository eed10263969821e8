//! A fixed matrix from the left of many: the columns lie as they are, so nothing is packed or turned but the matrix.

use super::Table;
use super::tile::lanes;
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Most rows of a tile: 12 with registers of 16 lanes, else 6.
fn tile_rows() -> usize {
    if lanes() == 16 { 12 } else { 6 }
}

/// Registers of columns a tile holds for each of its rows.
const REGISTERS: usize = 2;

/// Multiply-adds a task has at least.
const TASK: usize = 1 << 17;

/// `out[b][i, c] = sum over k of a[i, k] x[b][k, c]`: one fma chain from +0, k ascending. Lanes run along c.
pub struct Left {
    /// `a`, cut into tiles of rows: `[tile][k][row]`.
    packed: Tensor,
    rows: usize,
    /// Where row k of `x[b]` begins.
    starts: Table<usize>,
}

impl Left {
    /// The matrix whose entry (i, k) is `a(i, k)`; row k of an `x` begins at `start(k)`.
    pub fn new(rows: usize, k: usize, a: impl Fn(usize, usize) -> f32, start: impl Fn(usize) -> usize) -> Self {
        let mut packed = Tensor::uninit([rows * k]);
        let mut to = packed.data_mut().iter_mut();
        let mut starts = Table::new(k);
        (0..k).for_each(|k| starts.push(start(k)));
        let this = |rows| (0..tiles(rows)).map(move |t| tile(rows, t));
        for (first, last) in this(rows) {
            for k in 0..k {
                for (i, to) in (first..last).zip(&mut to) {
                    *to = a(i, k);
                }
            }
        }
        Self { packed, rows, starts }
    }

    /// `x` is `batch` matrices of `n` columns, `step` apart; `out` is `[batch, rows, n]`.
    pub fn run(&self, batch: usize, x: &[f32], step: usize, n: usize, out: &mut [f32]) {
        assert_eq!(out.len(), batch * self.rows * n, "a product has a row for each of the matrix and of the batch");
        if out.is_empty() {
            return;
        }
        let (a, rows, starts) = (self.packed.data(), self.rows, self.starts.as_slice());
        let last = starts.iter().max().map_or(0, |s| s + n);
        assert!(x.len() >= (batch - 1) * step + last, "every row lies in the source");
        let wide = REGISTERS * lanes();
        let blocks = n.div_ceil(wide);
        let each = TASK.div_ceil(rows * starts.len().max(1) * wide.min(n));
        let items = batch * blocks;
        let out = Ptr(out.as_mut_ptr());
        pool::run(items.div_ceil(each), |task| {
            for item in task * each..items.min((task + 1) * each) {
                let (b, first) = (item / blocks, item % blocks * wide);
                let columns = wide.min(n - first);
                // SAFETY: rows `starts` of matrix b have columns first.. within x (asserted above); the same columns of
                // out's matrix b belong to this item alone.
                unsafe {
                    let from = x.as_ptr().add(b * step + first);
                    product(a, rows, starts, from, columns, out.at(b * rows * n + first), n);
                }
            }
        });
    }
}

/// Tiles of so many rows; they differ by at most one row.
fn tiles(rows: usize) -> usize {
    rows.div_ceil(tile_rows())
}

/// First row of tile t, and the one behind its last.
fn tile(rows: usize, t: usize) -> (usize, usize) {
    let count = tiles(rows);
    (t * rows / count, (t + 1) * rows / count)
}

dispatch! {
    fn product(a: &[f32], rows: usize, starts: &[usize], x: *const f32, columns: usize, out: *mut f32, step: usize) = product_body;
}

#[inline(always)]
fn product_body<S: Simd>(
    a: &[f32],
    rows: usize,
    starts: &[usize],
    x: *const f32,
    columns: usize,
    out: *mut f32,
    step: usize,
) {
    let k = starts.len();
    for t in 0..tiles(rows) {
        let (first, last) = tile(rows, t);
        let (a, out) = (a[first * k..last * k].as_ptr(), out.wrapping_add(first * step));
        macro_rules! of {
            ($($rows:literal)*) => {
                match last - first {
                    // SAFETY: a has k numbers a row of the tile; x's rows and out's have `columns` numbers each.
                    $($rows => unsafe { rows_of::<S, $rows>(a, starts, x, columns, out, step) },)*
                    n => unreachable!("a tile of {n} rows"),
                }
            };
        }
        if S::L == 16 {
            of!(1 2 3 4 5 6 7 8 9 10 11 12);
        } else {
            of!(1 2 3 4 5 6);
        }
    }
}

/// One tile: MR rows, up to [`REGISTERS`] registers of columns.
///
/// # Safety
/// `a` is `[k][MR]`; `x` has a row of `columns` numbers at each of `starts`, `out` has MR of them, `step` apart.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // indices are rows and registers
unsafe fn rows_of<S: Simd, const MR: usize>(
    a: *const f32,
    starts: &[usize],
    x: *const f32,
    columns: usize,
    out: *mut f32,
    step: usize,
) {
    let whole = columns == REGISTERS * S::L;
    let lanes = |v: usize| columns.saturating_sub(v * S::L).min(S::L);
    // SAFETY: the caller's promise; a ragged end is read and written lane by lane.
    unsafe {
        let mut acc = [[S::zero(); REGISTERS]; MR];
        for (k, &start) in starts.iter().enumerate() {
            let mut b = [S::zero(); REGISTERS];
            for v in 0..REGISTERS {
                let at = x.add(start).wrapping_add(v * S::L);
                b[v] = if whole { S::load(at) } else { S::load_n(at, lanes(v)) };
            }
            for r in 0..MR {
                let a = S::set(*a.add(k * MR + r));
                for v in 0..REGISTERS {
                    acc[r][v] = S::fma(a, b[v], acc[r][v]);
                }
            }
        }
        for r in 0..MR {
            for v in 0..REGISTERS {
                let at = out.add(r * step).wrapping_add(v * S::L);
                if whole {
                    S::store(at, acc[r][v]);
                } else {
                    S::store_n(at, acc[r][v], lanes(v));
                }
            }
        }
    }
}

//! Sums of rows: `[outer, rows, inner]` to `[outer, inner]`, in chunks of rows.
//!
//! A leaf is a chunk of an outer index. Lanes run along `inner`; a chain waits for its own last addition, so eight run
//! abreast: eight registers of columns, or, where columns are few, one register of eight leaves.

use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// How an array is seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub outer: usize,
    /// Summed.
    pub rows: usize,
    pub inner: usize,
    /// Rows of a chunk.
    pub chunk: usize,
}

/// Chains abreast.
const ABREAST: usize = 8;
/// Numbers a task should at least touch.
const TASK: usize = 1 << 15;
/// Columns a task takes at most, a multiple of every width times ABREAST.
const STRIP: usize = 1024;

impl Columns {
    /// Leaves of an outer index.
    fn cuts(&self) -> usize {
        self.rows.div_ceil(self.chunk)
    }

    /// (first number, rows) of leaf `i`.
    #[inline(always)]
    fn leaf(&self, i: usize) -> (usize, usize) {
        let (o, row) = (i / self.cuts(), i % self.cuts() * self.chunk);
        ((o * self.rows + row) * self.inner, self.chunk.min(self.rows - row))
    }
}

/// Chains of `rows` rows; register b starts at `x[b]` and holds `n` lanes (all if `FULL`).
///
/// # Safety
/// The instruction set is enabled; the lanes of every row exist, `inner` numbers apart, and those at `out[b]` are
/// writable.
#[inline(always)]
unsafe fn block<S: Simd, const B: usize, const FULL: bool>(
    x: [*const f32; B],
    rows: usize,
    inner: usize,
    n: usize,
    out: [*mut f32; B],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut s = [S::zero(); B];
        for r in 0..rows {
            for b in 0..B {
                let p = x[b].add(r * inner);
                s[b] = S::add(s[b], if FULL { S::load(p) } else { S::load_n(p, n) });
            }
        }
        for b in 0..B {
            if FULL { S::store(out[b], s[b]) } else { S::store_n(out[b], s[b], n) }
        }
    }
}

/// Sums of leaves `first..last`, columns `from..to`, into their rows of `out`.
#[inline(always)]
fn leaves_body<S: Simd>(v: &Columns, x: &[f32], first: usize, last: usize, from: usize, to: usize, out: Ptr) {
    assert!(x.len() == v.outer * v.rows * v.inner && last <= v.outer * v.cuts() && to <= v.inner);
    let blocks = from + (to - from) / (ABREAST * S::L) * (ABREAST * S::L);
    let at = |i: usize, j: usize| x[v.leaf(i).0 + j..].as_ptr();
    let put = |i: usize, j: usize| out.at(i * v.inner + j);
    let mut i = first;
    while i < last {
        let rows = v.leaf(i).1;
        let many = i + ABREAST <= last && (1..ABREAST).all(|b| v.leaf(i + b).1 == rows);
        let count = if many { ABREAST } else { 1 };
        // SAFETY: dispatch enabled the instruction set; leaves below `last` and columns below `to` exist in x
        // (asserted) and have their places in `out`, which only this task writes.
        unsafe {
            for k in i..i + count {
                for j in (from..blocks).step_by(ABREAST * S::L) {
                    let js: [usize; ABREAST] = std::array::from_fn(|b| j + b * S::L);
                    block::<S, ABREAST, true>(js.map(|j| at(k, j)), rows, v.inner, S::L, js.map(|j| put(k, j)));
                }
            }
            for j in (blocks..to).step_by(S::L) {
                let n = S::L.min(to - j);
                let ks: [usize; ABREAST] = std::array::from_fn(|b| if many { i + b } else { i });
                let (from, into) = (ks.map(|k| at(k, j)), ks.map(|k| put(k, j)));
                match (many, n == S::L) {
                    (true, true) => block::<S, ABREAST, true>(from, rows, v.inner, n, into),
                    (true, false) => block::<S, ABREAST, false>(from, rows, v.inner, n, into),
                    (false, true) => block::<S, 1, true>([from[0]], rows, v.inner, n, [into[0]]),
                    (false, false) => block::<S, 1, false>([from[0]], rows, v.inner, n, [into[0]]),
                }
            }
        }
        i += count;
    }
}

#[inline(always)]
fn divide_body<S: Simd>(y: &mut [f32], by: f32) {
    y.iter_mut().for_each(|y| *y /= by);
}

dispatch! {
    fn leaves(v: &Columns, x: &[f32], first: usize, last: usize, from: usize, to: usize, out: Ptr) = leaves_body;
    fn quotients(y: &mut [f32], by: f32) = divide_body;
}

/// Every leaf's sum, to `[outer * cuts, inner]`.
fn all_leaves(v: &Columns, x: &[f32], out: &mut [f32]) {
    assert_eq!(out.len(), v.outer * v.cuts() * v.inner, "a row a leaf");
    let (total, out) = (out.len() / v.inner, Ptr(out.as_mut_ptr()));
    let strips = v.inner.div_ceil(STRIP);
    let work = v.chunk.min(v.rows) * v.inner.min(STRIP);
    // Few columns leave room for several leaves abreast.
    let per = (TASK / work).max(if v.inner < STRIP / 8 { ABREAST } else { 1 });
    pool::run(total.div_ceil(per) * strips, |item| {
        let (first, from) = (item / strips * per, item % strips * STRIP);
        leaves(v, x, first, (first + per).min(total), from, (from + STRIP).min(v.inner), out);
    });
}

/// y = sums of x over its rows: chunks ascending from +0, then the fixed tree.
pub(crate) fn sum(v: &Columns, x: &[f32], y: &mut [f32]) {
    let cuts = v.cuts();
    if cuts == 1 {
        return all_leaves(v, x, y);
    }
    let mut scratch = Tensor::uninit([v.outer * cuts, v.inner]);
    all_leaves(v, x, scratch.data_mut());
    pool::chunks_mut(scratch.data_mut(), cuts * v.inner, |_, rows| tree::sum_rows(rows, v.inner));
    for (y, rows) in y.chunks_exact_mut(v.inner).zip(scratch.data().chunks_exact(cuts * v.inner)) {
        y.copy_from_slice(&rows[..v.inner]);
    }
}

/// y = y / count.
pub(crate) fn divide(y: &mut [f32], count: usize) {
    pool::chunks_mut(y, TASK, |_, y| quotients(y, count as f32));
}

/// dx = dy at every row.
pub(crate) fn broadcast(v: &Columns, dy: &[f32], dx: &mut [f32]) {
    let rows = (TASK / 2 / v.inner).max(1);
    pool::chunks_mut(dx, rows * v.inner, |i, dx| {
        if v.inner > 1 {
            for (r, dx) in dx.chunks_exact_mut(v.inner).enumerate() {
                dx.copy_from_slice(&dy[(i * rows + r) / v.rows * v.inner..][..v.inner]);
            }
            return;
        }
        let (mut at, mut row) = (0, i * rows);
        while at < dx.len() {
            let n = (v.rows - row % v.rows).min(dx.len() - at);
            dx[at..at + n].fill(dy[row / v.rows]);
            (at, row) = (at + n, row + n);
        }
    });
}

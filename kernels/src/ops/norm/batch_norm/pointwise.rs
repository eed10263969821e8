//! Batch norm's pointwise passes: y of x, and dx of x and dy, by coefficients a channel.
//!
//! The coefficients are repeated to a period of whole registers, so that any number of channels fills them; a block of
//! them stays in registers over several periods. A result too large to be found in a cache by whoever reads it next is
//! stored past the caches: the lines it would replace hold x and dy, and none of its own are fetched first.

use super::lanes::{Lanes, load, store};
use crate::{Tensor, dispatch, pool};

/// Registers abreast.
const ABREAST: usize = 4;
/// Lanes of the widest register.
const WIDEST: usize = 16;
/// Longest period; more channels that fill no registers are one row each, with a masked end.
const LONGEST: usize = 4096;
/// Numbers that one block of coefficients should serve before the next is loaded.
const BLOCK: usize = 2048;
/// Numbers a task should see.
const TASK: usize = 1 << 14;
/// Numbers from which a result is stored past the caches (8 MiB).
const STREAM: usize = 1 << 21;

/// A function of x and dy with `K` coefficients.
pub(super) trait Pointwise<const K: usize>: Sync {
    /// Its value, lane by lane.
    ///
    /// # Safety
    /// As [`Lanes`]'s.
    unsafe fn of<S: Lanes>(&self, k: [S::V; K], x: S::V, dy: S::V) -> S::V;
}

/// fma(a, x, b), behind ReLU or not.
pub(super) struct Line<const RELU: bool>;

impl<const RELU: bool> Pointwise<2> for Line<RELU> {
    #[inline(always)]
    unsafe fn of<S: Lanes>(&self, [a, b]: [S::V; 2], x: S::V, _: S::V) -> S::V {
        // SAFETY: the trait's contract.
        unsafe {
            let y = S::fma(a, x, b);
            if RELU { S::relu(y) } else { y }
        }
    }
}

/// dy where ReLU let `fma(a, x, b)` through, if there is one.
///
/// # Safety
/// As [`Lanes`]'s.
#[inline(always)]
pub(super) unsafe fn gated<S: Lanes, const RELU: bool>(a: S::V, b: S::V, x: S::V, dy: S::V) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { if RELU { S::gate(S::fma(a, x, b), dy) } else { dy } }
}

/// dx in training, a * g - fma(x - mean, k2, k1), of a, b, mean, k1, k2.
pub(super) struct Whole<const RELU: bool>;

impl<const RELU: bool> Pointwise<5> for Whole<RELU> {
    #[inline(always)]
    unsafe fn of<S: Lanes>(&self, [a, b, mean, k1, k2]: [S::V; 5], x: S::V, dy: S::V) -> S::V {
        // SAFETY: the trait's contract.
        unsafe {
            let g = gated::<S, RELU>(a, b, x, dy);
            S::sub(S::mul(a, g), S::fma(S::sub(x, mean), k2, k1))
        }
    }
}

/// dx in evaluation, a * g, of a, b.
pub(super) struct Scaled<const RELU: bool>;

impl<const RELU: bool> Pointwise<2> for Scaled<RELU> {
    #[inline(always)]
    unsafe fn of<S: Lanes>(&self, [a, b]: [S::V; 2], x: S::V, dy: S::V) -> S::V {
        // SAFETY: the trait's contract.
        unsafe { S::mul(a, gated::<S, RELU>(a, b, x, dy)) }
    }
}

/// A function with what it reads: numbers of x and dy, and the coefficients, each one period long.
pub(super) struct Pass<'a, F, const K: usize> {
    pub(super) f: F,
    pub(super) x: &'a [f32],
    /// As long as x (any function that ignores it is given x).
    pub(super) dy: &'a [f32],
    pub(super) k: [&'a [f32]; K],
}

/// What any pass can be asked for.
trait Run {
    /// Fills `out`, which belongs to x from number `start`, a whole period, on.
    ///
    /// # Safety
    /// The instruction set is enabled; `out` ends where x does or before; if `STREAM`, `out` is aligned to registers and
    /// the period is a multiple of one.
    unsafe fn run<S: Lanes, const STREAM: bool>(&self, start: usize, out: &mut [f32]);
}

impl<F: Pointwise<K>, const K: usize> Pass<'_, F, K> {
    /// `B` registers abreast from number `at` of x and coefficient `j` over `rows` periods; `n` lanes (all if `FULL`).
    ///
    /// # Safety
    /// As [`Run::run`]; the numbers exist, and as many from `out`.
    #[inline(always)]
    unsafe fn block<S: Lanes, const B: usize, const FULL: bool, const STREAM: bool>(
        &self,
        at: usize,
        j: usize,
        rows: usize,
        n: usize,
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise; dy is as long as x.
        unsafe {
            let period = self.k[0].len();
            let mut k = [[S::zero(); K]; B];
            for (b, k) in k.iter_mut().enumerate() {
                for (k, from) in k.iter_mut().zip(&self.k) {
                    *k = load::<S, FULL>(from.as_ptr().add(j + b * S::L), n);
                }
            }
            let (x, dy) = (self.x.as_ptr().add(at), self.dy.as_ptr().add(at));
            for row in 0..rows {
                for (b, k) in k.iter().enumerate() {
                    let i = row * period + b * S::L;
                    let v = self.f.of::<S>(*k, load::<S, FULL>(x.add(i), n), load::<S, FULL>(dy.add(i), n));
                    if STREAM && FULL {
                        S::stream(out.add(i), v);
                    } else {
                        store::<S, FULL>(out.add(i), v, n);
                    }
                }
            }
        }
    }
}

impl<F: Pointwise<K>, const K: usize> Run for Pass<'_, F, K> {
    #[inline(always)]
    unsafe fn run<S: Lanes, const STREAM: bool>(&self, start: usize, out: &mut [f32]) {
        let period = self.k[0].len();
        let rows_abreast = BLOCK.div_ceil(period).max(4);
        // SAFETY: every block stays inside `out`, of which `len` numbers are left, and so inside x; coefficients likewise
        // inside one period.
        unsafe {
            let mut done = 0;
            while done < out.len() {
                let (at, to, left) = (start + done, out.as_mut_ptr().add(done), out.len() - done);
                let rows = (left / period).clamp(1, rows_abreast);
                // The last row of all may end early.
                let width = period.min(left);
                let mut j = 0;
                while j + ABREAST * S::L <= width {
                    self.block::<S, ABREAST, true, STREAM>(at + j, j, rows, S::L, to.add(j));
                    j += ABREAST * S::L;
                }
                while j + S::L <= width {
                    self.block::<S, 1, true, STREAM>(at + j, j, rows, S::L, to.add(j));
                    j += S::L;
                }
                if j < width {
                    self.block::<S, 1, false, STREAM>(at + j, j, rows, width - j, to.add(j));
                }
                done += rows * width;
            }
            if STREAM {
                S::fence();
            }
        }
    }
}

#[inline(always)]
fn run_body<S: Lanes, F: Run>(f: &F, start: usize, out: &mut [f32], stream: bool) {
    // SAFETY: dispatch enabled the instruction set; `fill` keeps the rest.
    unsafe {
        if stream {
            f.run::<S, true>(start, out);
        } else {
            f.run::<S, false>(start, out);
        }
    }
}

dispatch! {
    fn run[F: Run](f: &F, start: usize, out: &mut [f32], stream: bool) = run_body;
}

/// Fills `out`, as long as x, on all threads.
pub(super) fn fill<F: Pointwise<K>, const K: usize>(pass: &Pass<'_, F, K>, out: &mut [f32]) {
    let period = pass.k[0].len();
    assert!(pass.k.iter().all(|k| k.len() == period), "coefficients of one period");
    assert!(pass.x.len() == out.len() && pass.dy.len() == out.len(), "x, dy and the result are as long");
    let aligned = out.as_ptr().align_offset(4 * WIDEST) == 0 && period.is_multiple_of(WIDEST);
    let stream = aligned && out.len() >= STREAM;
    let task = period * (TASK / period).max(1);
    pool::chunks_mut(out, task, |i, out| run(pass, i * task, out, stream));
}

/// Numbers in a period of `c` channels.
fn period(c: usize) -> usize {
    let least = |lanes: usize| c / 2usize.pow(c.trailing_zeros().min(lanes.trailing_zeros())) * lanes;
    match least(WIDEST) {
        n if n < ABREAST * WIDEST => least(ABREAST * WIDEST),
        n if n <= LONGEST => n,
        _ => c,
    }
}

/// Repeats each row of `c` numbers to a period; gives the period too.
pub(super) fn repeated(rows: &[f32], c: usize) -> (Tensor, usize) {
    let period = period(c);
    let mut all = Tensor::uninit([rows.len() / c, period]);
    for (to, from) in all.data_mut().chunks_exact_mut(period).zip(rows.chunks_exact(c)) {
        to.chunks_exact_mut(c).for_each(|t| t.copy_from_slice(from));
    }
    (all, period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_fill_registers_where_that_is_not_long() {
        for (c, n) in [(1, 64), (3, 192), (4, 64), (16, 64), (32, 64), (36, 144), (64, 64), (100, 400), (257, 4112)] {
            assert_eq!(period(c), if n > LONGEST { c } else { n }, "{c} channels");
        }
    }
}

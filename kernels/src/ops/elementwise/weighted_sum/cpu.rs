//! The fast version: registers along positions and columns together, since what belongs to a number repeats after a period of
//! lcm(columns, 16). Shared terms are spread over the groups in a chunk's scratch first. Everything is read once.

use super::{CHUNK, Sizes, TERMS, WeightedSum};
use crate::op::Backward;
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch, math, tree};

/// Registers abreast.
const ABREAST: usize = 4;

impl Sizes {
    /// Numbers after which columns and chains repeat, a multiple of 16.
    fn period(&self) -> usize {
        self.width * self.chains()
    }

    /// First position and number of positions of a chunk.
    fn chunk(&self, i: usize) -> (usize, usize) {
        (i * CHUNK, CHUNK.min(self.positions - i * CHUNK))
    }
}

/// Each term's weights, repeated to a period: `[terms, period]`.
fn weights(op: &WeightedSum, s: &Sizes, w: &[f32]) -> Tensor {
    let mut all = Tensor::uninit([s.terms, s.period()]);
    for (t, to) in all.data_mut().chunks_exact_mut(s.period()).enumerate() {
        for (i, to) in to.iter_mut().enumerate() {
            *to = w[i % s.width / s.q * s.weights + op.first + t];
        }
    }
    all
}

/// Rows of q columns, each written once for every group.
fn spread(s: &Sizes, x: &[f32], to: &mut [f32]) {
    fn rows<const Q: usize>(x: &[f32], groups: usize, to: &mut [f32]) {
        for (x, to) in x.as_chunks::<Q>().0.iter().zip(to.chunks_exact_mut(Q * groups)) {
            to.as_chunks_mut::<Q>().0.iter_mut().for_each(|to| *to = *x);
        }
    }
    match s.q {
        4 => rows::<4>(x, s.groups, to),
        8 => rows::<8>(x, s.groups, to),
        16 => rows::<16>(x, s.groups, to),
        q => {
            for (x, to) in x.chunks_exact(q).zip(to.chunks_exact_mut(s.width)) {
                to.chunks_exact_mut(q).for_each(|to| to.copy_from_slice(x));
            }
        }
    }
}

/// Fills y.
pub(super) fn forward(op: &WeightedSum, s: &Sizes, inputs: &[&Tensor], y: &mut Tensor) {
    let w = weights(op, s, inputs[0].data());
    let shared = (0..s.terms).filter(|&t| op.shares(t)).count();
    pool::chunks_mut(y.data_mut(), CHUNK * s.width, |i, y| {
        let (first, positions) = s.chunk(i);
        let mut scratch = Tensor::uninit([shared * y.len()]);
        let mut spare = scratch.data_mut();
        let mut terms: [&[f32]; TERMS] = [&[]; TERMS];
        for (t, (term, x)) in terms.iter_mut().zip(&inputs[1..]).enumerate() {
            *term = if op.shares(t) {
                let (to, rest) = spare.split_at_mut(y.len());
                spread(s, &x.data()[first * s.q..][..positions * s.q], to);
                spare = rest;
                to
            } else {
                &x.data()[first * s.width..][..y.len()]
            };
        }
        mix(&terms[..s.terms], w.data(), s.period(), y);
    });
}

dispatch! {
    /// y = sum of w x over the terms, ascending; w is a period a term.
    fn mix(terms: &[&[f32]], w: &[f32], period: usize, y: &mut [f32]) = mix_body;
    /// dx = w dy where there is dx, and acc += x dy where there is acc; w and acc are one period.
    fn gradient(x: &[f32], dy: &[f32], w: &[f32], dx: Option<&mut [f32]>, acc: Option<&mut [f32]>) = gradient_body;
    /// dx of a shared term: rows of q, the weights of a row of dy.
    fn gather(s: &Sizes, dy: &[f32], w: &[f32], dx: &mut [f32]) = gather_body;
}

#[inline(always)]
fn mix_body<S: Simd>(terms: &[&[f32]], w: &[f32], period: usize, y: &mut [f32]) {
    assert!(terms.iter().all(|x| x.len() == y.len()) && w.len() == terms.len() * period);
    let n = y.len();
    for row in (0..n).step_by(period) {
        let width = period.min(n - row);
        let mut j = 0;
        // SAFETY: registers stay inside a period, and so inside w; masked ones end where y and the terms do.
        unsafe {
            while j + ABREAST * S::L <= width {
                let mut acc = [S::zero(); ABREAST];
                for (t, x) in terms.iter().enumerate() {
                    let (x, w) = (x.as_ptr().add(row + j), w.as_ptr().add(t * period + j));
                    for (b, acc) in acc.iter_mut().enumerate() {
                        *acc = S::fma(S::load(w.add(b * S::L)), S::load(x.add(b * S::L)), *acc);
                    }
                }
                for (b, acc) in acc.iter().enumerate() {
                    S::store(y.as_mut_ptr().add(row + j + b * S::L), *acc);
                }
                j += ABREAST * S::L;
            }
            while j < width {
                let lanes = S::L.min(width - j);
                let mut acc = S::zero();
                for (t, x) in terms.iter().enumerate() {
                    let w = S::load(w.as_ptr().add(t * period + j));
                    acc = S::fma(w, S::load_n(x.as_ptr().add(row + j), lanes), acc);
                }
                S::store_n(y.as_mut_ptr().add(row + j), acc, lanes);
                j += S::L;
            }
        }
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(x: &[f32], dy: &[f32], w: &[f32], dx: Option<&mut [f32]>, acc: Option<&mut [f32]>) {
    match (dx, acc) {
        (Some(dx), Some(acc)) => gradient_of::<S, true, true>(x, dy, w, dx, acc),
        (Some(dx), None) => gradient_of::<S, true, false>(x, dy, w, dx, &mut []),
        (None, Some(acc)) => gradient_of::<S, false, true>(x, dy, w, &mut [], acc),
        (None, None) => {}
    }
}

#[inline(always)]
fn gradient_of<S: Simd, const DX: bool, const DW: bool>(
    x: &[f32],
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    acc: &mut [f32],
) {
    let (n, period) = (dy.len(), w.len());
    assert!((!DX || dx.len() == n) && (!DW || x.len() == n && acc.len() == period) && period.is_multiple_of(S::L));
    let rows = n / period;
    let mut j = 0;
    while j < period {
        let registers = ABREAST.min((period - j) / S::L);
        // SAFETY: whole periods of dy, x and dx, and one of w and acc.
        unsafe {
            match registers {
                ABREAST => columns::<S, ABREAST, DX, DW>(x, dy, w, dx, acc, j, rows),
                2 | 3 => columns::<S, 2, DX, DW>(x, dy, w, dx, acc, j, rows),
                _ => columns::<S, 1, DX, DW>(x, dy, w, dx, acc, j, rows),
            }
        }
        j += if registers == 3 { 2 } else { registers } * S::L;
    }
    for i in rows * period..n {
        let j = i - rows * period;
        if DX {
            dx[i] = w[j] * dy[i];
        }
        if DW {
            acc[j] = math::fma(x[i], dy[i], acc[j]);
        }
    }
}

/// `B` registers from number `j` of each of `rows` periods.
///
/// # Safety
/// They exist, in all that `DX` and `DW` ask for.
#[inline(always)]
unsafe fn columns<S: Simd, const B: usize, const DX: bool, const DW: bool>(
    x: &[f32],
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    acc: &mut [f32],
    j: usize,
    rows: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (mut sums, mut weights) = ([S::zero(); B], [S::zero(); B]);
        for b in 0..B {
            weights[b] = S::load(w.as_ptr().add(j + b * S::L));
            if DW {
                sums[b] = S::load(acc.as_ptr().add(j + b * S::L));
            }
        }
        for row in 0..rows {
            for b in 0..B {
                let i = row * w.len() + j + b * S::L;
                let g = S::load(dy.as_ptr().add(i));
                if DX {
                    S::store(dx.as_mut_ptr().add(i), S::mul(weights[b], g));
                }
                if DW {
                    sums[b] = S::fma(S::load(x.as_ptr().add(i)), g, sums[b]);
                }
            }
        }
        if DW {
            for (b, sum) in sums.iter().enumerate() {
                S::store(acc.as_mut_ptr().add(j + b * S::L), *sum);
            }
        }
    }
}

#[inline(always)]
fn gather_body<S: Simd>(s: &Sizes, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    match s.q {
        4 => gather_rows::<4>(dy, w, dx),
        8 => gather_rows::<8>(dy, w, dx),
        16 => gather_rows::<16>(dy, w, dx),
        q => {
            for (dy, dx) in dy.chunks_exact(s.width).zip(dx.chunks_exact_mut(q)) {
                dx.fill(0.0);
                for (dy, w) in dy.chunks_exact(q).zip(w.chunks_exact(q)) {
                    for c in 0..q {
                        dx[c] = math::fma(w[c], dy[c], dx[c]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn gather_rows<const Q: usize>(dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let w = w.as_chunks::<Q>().0;
    for (dy, dx) in dy.as_chunks::<Q>().0.chunks_exact(w.len()).zip(dx.as_chunks_mut::<Q>().0) {
        let mut sum = [0.0; Q];
        for (dy, w) in dy.iter().zip(w) {
            for c in 0..Q {
                sum[c] = math::fma(w[c], dy[c], sum[c]);
            }
        }
        *dx = sum;
    }
}

/// Fills the gradients that there is room for.
pub(super) fn backward(op: &WeightedSum, s: &Sizes, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let (dw, dx) = grads.split_first_mut().expect("inferred");
    let w = weights(op, s, b.input(0).data());
    let mut to = [None; TERMS];
    for (to, dx) in to.iter_mut().zip(dx.iter_mut()) {
        *to = dx.as_mut().map(|dx| Ptr(dx.data_mut().as_mut_ptr()));
    }
    let (leaf, period) = (s.terms * s.width, s.period());
    let mut leaves = Tensor::uninit([if dw.is_some() { s.chunks() * leaf } else { 0 }]);
    let sums = dw.is_some().then(|| Ptr(leaves.data_mut().as_mut_ptr()));
    let dy = b.dy().data();
    pool::run(s.chunks(), |i| {
        let (first, positions) = s.chunk(i);
        let dy = &dy[first * s.width..][..positions * s.width];
        let mut spare = Tensor::uninit([period + dy.len()]);
        let (acc, spread_out) = spare.data_mut().split_at_mut(period);
        for (t, to) in to[..s.terms].iter().enumerate() {
            let (x, w) = (b.input(1 + t).data(), &w.data()[t * period..][..period]);
            acc.fill(0.0);
            // SAFETY: a chunk's positions of a gradient are its own.
            let rows = |width: usize| to.map(|to| unsafe { to.slice(first * width, positions * width) });
            if op.shares(t) {
                if let Some(dx) = rows(s.q) {
                    gather(s, dy, &w[..s.width], dx);
                }
                if sums.is_some() {
                    spread(s, &x[first * s.q..][..positions * s.q], spread_out);
                    gradient(spread_out, dy, w, None, Some(acc));
                }
            } else {
                gradient(&x[first * s.width..][..dy.len()], dy, w, rows(s.width), sums.map(|_| &mut *acc));
            }
            if let Some(sums) = sums {
                tree::sum_rows(acc, s.width);
                // SAFETY: a chunk has its own leaf, and a term its own part of it.
                unsafe { sums.slice(i * leaf + t * s.width, s.width) }.copy_from_slice(&acc[..s.width]);
            }
        }
    });
    let Some(dw) = dw else { return };
    let leaves = leaves.data_mut();
    tree::sum_rows(leaves, leaf);
    for (e, dw) in dw.data_mut().chunks_exact_mut(s.weights).enumerate() {
        dw[..op.first].fill(0.0);
        for (t, dw) in dw[op.first..].iter_mut().enumerate() {
            *dw = tree::sum(&mut leaves[t * s.width + e * s.q..][..s.q]);
        }
    }
}

//! Batch norm in the fewest passes over memory: forward reads x twice and writes y once, backward reads x and dy twice
//! and writes dx once; normalised values and ReLU's mask are recomputed, never stored.
//!
//! A task takes a power of two of consecutive chunks, an aligned group, and merges its subtree as it goes; the tree
//! over the groups gives the same bits. Lanes run along channels. A chain waits for its own last addition, so four run
//! abreast: four registers of channels, or, where channels are few, one register of four chunks.

use super::lanes::{Lanes, load, store};
use super::pointwise::{Line, Pass, Scaled, Whole, fill, gated, repeated};
use super::{BatchNorm, Chunks};
use crate::math::fma;
use crate::pool;
use crate::simd::Simd;
use crate::{Backward, Tensor, dispatch, tree};

/// Chains abreast.
const ABREAST: usize = 4;
/// Numbers of x a task should at least see.
const TASK: usize = 1 << 15;

/// Two chains over chunks: what is summed.
trait Chains: Sync {
    /// Chains `B` registers abreast over `columns` columns. Register b starts at number `at[b]` of x, holds `n` lanes
    /// (all if `FULL`) of channels from `j[b]`, and leaves its results at `out[b]` and `c` numbers further.
    ///
    /// # Safety
    /// The instruction set is enabled; x's numbers `at[b] + p * c + lane` exist, channels `j[b] + lane` too, and both
    /// results' places are writable.
    unsafe fn block<S: Lanes, const B: usize, const FULL: bool>(
        &self,
        at: [usize; B],
        j: [usize; B],
        columns: usize,
        n: usize,
        out: [*mut f32; B],
    );
}

/// Mean and centred squares.
struct Statistics<'a> {
    x: &'a [f32],
    c: usize,
}

impl Chains for Statistics<'_> {
    #[inline(always)]
    unsafe fn block<S: Lanes, const B: usize, const FULL: bool>(
        &self,
        at: [usize; B],
        _: [usize; B],
        columns: usize,
        n: usize,
        out: [*mut f32; B],
    ) {
        // SAFETY: the trait's contract.
        unsafe {
            let x = at.map(|i| self.x.as_ptr().add(i));
            let mut s = [S::zero(); B];
            for p in 0..columns {
                for b in 0..B {
                    s[b] = S::add(s[b], load::<S, FULL>(x[b].add(p * self.c), n));
                }
            }
            let k = S::set(columns as f32);
            let mut q = [S::zero(); B];
            for mean in &mut s {
                *mean = S::div(*mean, k);
            }
            for p in 0..columns {
                for b in 0..B {
                    let d = S::sub(load::<S, FULL>(x[b].add(p * self.c), n), s[b]);
                    q[b] = S::fma(d, d, q[b]);
                }
            }
            for b in 0..B {
                store::<S, FULL>(out[b], s[b], n);
                store::<S, FULL>(out[b].add(self.c), q[b], n);
            }
        }
    }
}

/// Sums of g and of g * (x - mean); `RELU` gates g by the sign of a * x + b.
struct Sums<'a, const RELU: bool> {
    x: &'a [f32],
    dy: &'a [f32],
    a: &'a [f32],
    b: &'a [f32],
    mean: &'a [f32],
    c: usize,
}

impl<const RELU: bool> Chains for Sums<'_, RELU> {
    #[inline(always)]
    unsafe fn block<S: Lanes, const B: usize, const FULL: bool>(
        &self,
        at: [usize; B],
        j: [usize; B],
        columns: usize,
        n: usize,
        out: [*mut f32; B],
    ) {
        // SAFETY: the trait's contract; dy is as long as x (asserted in `backward`); a, b and mean hold a number a
        // channel.
        unsafe {
            let (x, dy) = (at.map(|i| self.x.as_ptr().add(i)), at.map(|i| self.dy.as_ptr().add(i)));
            let mut k = [[S::zero(); B]; 3];
            for (k, from) in k.iter_mut().zip([self.a, self.b, self.mean]) {
                for b in 0..B {
                    k[b] = load::<S, FULL>(from.as_ptr().add(j[b]), n);
                }
            }
            let [a, shift, mean] = k;
            let (mut s1, mut s2) = ([S::zero(); B], [S::zero(); B]);
            for p in 0..columns {
                for b in 0..B {
                    let v = load::<S, FULL>(x[b].add(p * self.c), n);
                    let g = load::<S, FULL>(dy[b].add(p * self.c), n);
                    let g = gated::<S, RELU>(a[b], shift[b], v, g);
                    s1[b] = S::add(s1[b], g);
                    s2[b] = S::fma(g, S::sub(v, mean[b]), s2[b]);
                }
            }
            for b in 0..B {
                store::<S, FULL>(out[b], s1[b], n);
                store::<S, FULL>(out[b].add(self.c), s2[b], n);
            }
        }
    }
}

/// Runs the chains of chunk `i`, and of the following up to `ABREAST - 1` below `last` if they are as long; one row of
/// 2 C results each. Gives how many.
#[inline(always)]
fn leaves_body<S: Lanes, F: Chains>(f: &F, ch: &Chunks, i: usize, last: usize, out: &mut [f32]) -> usize {
    let (c, columns) = (ch.c, ch.columns(i));
    let many = i + ABREAST <= last && (1..ABREAST).all(|b| ch.columns(i + b) == columns);
    let count = if many { ABREAST } else { 1 };
    assert!(out.len() >= count * 2 * c, "a row of results a chunk");
    let at = |chunk: usize, j: usize| ch.before(i + chunk) * c + j;
    let out = out.as_mut_ptr();
    let to = |chunk: usize, j: usize| out.wrapping_add(chunk * 2 * c + j);
    let blocks = c / (ABREAST * S::L) * (ABREAST * S::L);
    // SAFETY: dispatch enabled the instruction set; chunk i + b < last exists and has `columns` columns of c channels;
    // each block stays inside c channels, and `out` (borrowed mutably here) has a row of 2 c numbers for each chunk.
    unsafe {
        for k in 0..count {
            for j in (0..blocks).step_by(ABREAST * S::L) {
                let js: [usize; ABREAST] = std::array::from_fn(|b| j + b * S::L);
                f.block::<S, ABREAST, true>(js.map(|j| at(k, j)), js, columns, S::L, js.map(|j| to(k, j)));
            }
        }
        for j in (blocks..c).step_by(S::L) {
            let n = S::L.min(c - j);
            let ks: [usize; ABREAST] = std::array::from_fn(|b| b);
            match (many, n == S::L) {
                (true, true) => {
                    f.block::<S, ABREAST, true>(ks.map(|k| at(k, j)), [j; ABREAST], columns, n, ks.map(|k| to(k, j)))
                }
                (true, false) => {
                    f.block::<S, ABREAST, false>(ks.map(|k| at(k, j)), [j; ABREAST], columns, n, ks.map(|k| to(k, j)))
                }
                (false, true) => f.block::<S, 1, true>([at(0, j)], [j], columns, n, [to(0, j)]),
                (false, false) => f.block::<S, 1, false>([at(0, j)], [j], columns, n, [to(0, j)]),
            }
        }
    }
    count
}

/// Chan's formula: (mean, squares) `x` absorbs `y`.
#[inline(always)]
fn chan_body<S: Simd>(x: &mut [f32], y: &[f32], wb: f32, wm: f32) {
    let c = x.len() / 2;
    let ((mean, q), (mean_b, q_b)) = (x.split_at_mut(c), y.split_at(c));
    let (q, mean_b, q_b) = (&mut q[..c], &mean_b[..c], &q_b[..c]);
    for j in 0..c {
        let d = mean_b[j] - mean[j];
        mean[j] = fma(d, wb, mean[j]);
        q[j] = fma(d * d, wm, q[j] + q_b[j]);
    }
}

#[inline(always)]
fn add_body<S: Simd>(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}

dispatch! {
    fn leaves[F: Chains](f: &F, ch: &Chunks, i: usize, last: usize, out: &mut [f32]) -> usize = leaves_body;
    fn chan(x: &mut [f32], y: &[f32], wb: f32, wm: f32) = chan_body;
    fn add(x: &mut [f32], y: &[f32]) = add_body;
}

/// All chains, merged in the tree's order: 2 C results, at the start of the tensor. `merge` makes its first row absorb
/// the second, of so many values a channel each.
fn fold<F: Chains>(f: &F, ch: &Chunks, merge: impl Fn(&mut [f32], &[f32], usize, usize) + Sync) -> Tensor {
    let (n, row) = (ch.len(), 2 * ch.c);
    let group = (TASK / (ch.width.div_ceil(ch.cuts) * ch.c)).max(1).next_power_of_two();
    let groups = n.div_ceil(group);
    let mut tops = Tensor::uninit([groups, row]);
    pool::chunks_mut(tops.data_mut(), row, |g, top| {
        let (first, last) = (g * group, ((g + 1) * group).min(n));
        // Subtrees that wait for a partner: at most one a level, and the newest leaf.
        let levels = group.trailing_zeros() as usize + 1;
        let mut scratch = Tensor::uninit([ABREAST + levels, row]);
        let (leaf, stack) = scratch.data_mut().split_at_mut(ABREAST * row);
        let mut starts = [0; usize::BITS as usize];
        let (mut depth, mut i) = (0, first);
        let join = |stack: &mut [f32], starts: &[usize], depth: usize, end: usize| {
            let (a, b) = stack[(depth - 2) * row..depth * row].split_at_mut(row);
            let [ia, ib, ie] = [starts[depth - 2], starts[depth - 1], end].map(|i| ch.before(i));
            merge(a, b, ib - ia, ie - ib);
        };
        while i < last {
            let count = leaves(f, ch, i, last, leaf);
            for new in leaf.chunks_exact(row).take(count) {
                stack[depth * row..][..row].copy_from_slice(new);
                (starts[depth], depth, i) = (i, depth + 1, i + 1);
                for _ in 0..(i - first).trailing_zeros() {
                    join(stack, &starts, depth, i);
                    depth -= 1;
                }
            }
        }
        while depth > 1 {
            join(stack, &starts, depth, last);
            depth -= 1;
        }
        top.copy_from_slice(&stack[..row]);
    });
    let all = tops.data_mut();
    tree::pairwise(groups, |i, j| {
        let (a, b) = all.split_at_mut(j * row);
        let [ia, ib, ie] = [i * group, j * group, ((2 * j - i) * group).min(n)].map(|i| ch.before(i));
        merge(&mut a[i * row..][..row], &b[..row], ib - ia, ie - ib);
    });
    tops
}

/// (weight, bias) per channel, then (a, b): fills `a` and `b`.
fn lines(weight: Option<&[f32]>, bias: Option<&[f32]>, mean: &[f32], rstd: &[f32], a: &mut [f32], b: &mut [f32]) {
    for j in 0..mean.len() {
        a[j] = weight.map_or(1.0, |w| w[j]) * rstd[j];
        b[j] = fma(-a[j], mean[j], bias.map_or(0.0, |b| b[j]));
    }
}

fn rstd(op: &BatchNorm, var: f32) -> f32 {
    1.0 / (var + op.eps).sqrt()
}

/// Fills y and, in training, [running_mean, running_var,] mean, rstd.
pub(super) fn forward(op: &BatchNorm, inputs: &[&Tensor], outputs: &mut [Tensor]) {
    let (x, ch, at) = (inputs[0].data(), Chunks::of(&inputs[0].shape()), op.running_at());
    let c = ch.c;
    // Rows of C numbers: a, b, mean, rstd.
    let mut coefficients = Tensor::uninit([4, c]);
    let (ab, stats) = coefficients.data_mut().split_at_mut(2 * c);
    let (a, b) = ab.split_at_mut(c);
    let (mean, r) = stats.split_at_mut(c);
    if op.training {
        let folded = fold(&Statistics { x, c }, &ch, |a, b, na, nb| {
            let (na, nb) = (na as f64, nb as f64);
            chan(a, b, (nb / (na + nb)) as f32, (na * nb / (na + nb)) as f32);
        });
        let (m, q) = folded.data()[..2 * c].split_at(c);
        mean.copy_from_slice(m);
        let count = ch.values();
        for (r, q) in r.iter_mut().zip(q) {
            *r = rstd(op, q / count as f32);
        }
        if op.running {
            let keep = 1.0 - op.momentum;
            let (old_mean, old_var) = (inputs[at].data(), inputs[at + 1].data());
            for (j, new) in outputs[1].data_mut().iter_mut().enumerate() {
                *new = fma(op.momentum, mean[j], keep * old_mean[j]);
            }
            for (j, new) in outputs[2].data_mut().iter_mut().enumerate() {
                *new = fma(op.momentum, q[j] / (count - 1) as f32, keep * old_var[j]);
            }
        }
        outputs[op.hidden_at()].data_mut().copy_from_slice(mean);
        outputs[op.hidden_at() + 1].data_mut().copy_from_slice(r);
    } else {
        mean.copy_from_slice(inputs[at].data());
        for (r, v) in r.iter_mut().zip(inputs[at + 1].data()) {
            *r = rstd(op, *v);
        }
    }
    let affine = |i: usize| op.affine.then(|| inputs[i].data());
    lines(affine(1), affine(2), mean, r, a, b);
    let (k, period) = repeated(&coefficients.data()[..2 * c], c);
    let (a, b) = k.data().split_at(period);
    let y = outputs[0].data_mut();
    if op.relu {
        fill(&Pass { f: Line::<true>, x, dy: x, k: [a, b] }, y);
    } else {
        fill(&Pass { f: Line::<false>, x, dy: x, k: [a, b] }, y);
    }
}

/// Fills the gradients of x, weight, bias that are wanted.
pub(super) fn backward(op: &BatchNorm, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let (x, dy, ch) = (b.input(0).data(), b.dy().data(), Chunks::of(&b.shapes[0]));
    assert_eq!(dy.len(), x.len(), "dy is like y");
    let (c, at) = (ch.c, op.running_at());
    // Rows of C numbers: a, b, mean, k1, k2, rstd.
    let mut coefficients = Tensor::uninit([6, c]);
    let k = coefficients.data_mut();
    let (mean, r) = (2 * c, 5 * c);
    if op.training {
        k[mean..][..c].copy_from_slice(b.output(op.hidden_at()).data());
        k[r..].copy_from_slice(b.output(op.hidden_at() + 1).data());
    } else {
        k[mean..][..c].copy_from_slice(b.input(at).data());
        for (r, v) in k[r..].iter_mut().zip(b.input(at + 1).data()) {
            *r = rstd(op, *v);
        }
    }
    {
        let weight = op.affine.then(|| b.input(1).data());
        // b decides only ReLU's gate, and the bias is saved for nothing else.
        let bias = (op.affine && op.relu).then(|| b.input(2).data());
        let (ab, rest) = k.split_at_mut(2 * c);
        let (a, shift) = ab.split_at_mut(c);
        lines(weight, bias, &rest[..c], &rest[3 * c..], a, shift);
    }
    let affine = op.affine && (b.wants(1) || b.wants(2));
    if affine || (op.training && b.wants(0)) {
        let plus = |x: &mut [f32], y: &[f32], _: usize, _: usize| add(x, y);
        let (a, shift, mean) = (&k[..c], &k[c..2 * c], &k[2 * c..3 * c]);
        let folded = if op.relu {
            fold(&Sums::<true> { x, dy, a, b: shift, mean, c }, &ch, plus)
        } else {
            fold(&Sums::<false> { x, dy, a, b: shift, mean, c }, &ch, plus)
        };
        let (s1, s2) = folded.data()[..2 * c].split_at(c);
        let m = ch.values() as f32;
        for j in 0..c {
            let (a, r) = (k[j], k[r + j]);
            k[3 * c + j] = (a * s1[j]) / m;
            k[4 * c + j] = (((a * r) * r) * s2[j]) / m;
        }
        if op.affine && b.wants(1) {
            let mut dweight = Tensor::uninit([c]);
            for (j, w) in dweight.data_mut().iter_mut().enumerate() {
                *w = s2[j] * k[r + j];
            }
            grads[1] = Some(dweight);
        }
        if op.affine && b.wants(2) {
            grads[2] = Some(Tensor::from_slice([c], s1));
        }
    } else {
        k[3 * c..5 * c].fill(0.0);
    }
    if b.wants(0) {
        let (all, period) = repeated(&k[..5 * c], c);
        let row = |i: usize| &all.data()[i * period..][..period];
        let mut dx = Tensor::uninit(b.shapes[0]);
        let (whole, line) = ([0, 1, 2, 3, 4].map(row), [0, 1].map(row));
        match (op.training, op.relu) {
            (true, true) => fill(&Pass { f: Whole::<true>, x, dy, k: whole }, dx.data_mut()),
            (true, false) => fill(&Pass { f: Whole::<false>, x, dy, k: whole }, dx.data_mut()),
            (false, true) => fill(&Pass { f: Scaled::<true>, x, dy, k: line }, dx.data_mut()),
            (false, false) => fill(&Pass { f: Scaled::<false>, x, dy, k: line }, dx.data_mut()),
        }
        grads[0] = Some(dx);
    }
}

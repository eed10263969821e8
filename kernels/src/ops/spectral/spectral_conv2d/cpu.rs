//! Products and transpositions.

use super::Sizes;
use crate::Tensor;
use crate::ops::spectral::waves;
use crate::pool::{self, Ptr};
use crate::product::gather::{Axis, Gather, WeightStrides, matmul};
use crate::product::scatter::Scatter;

/// Numbers a task of a transposition moves, about.
const TASK: usize = 1 << 14;
/// Side of a block that stays in L1.
const BLOCK: usize = 16;

/// `[outer, a, b]` to `[outer, b, a]`, of pieces of `P` numbers.
fn transpose<const P: usize>(from: &[f32], [outer, a, b]: [usize; 3], to: &mut [f32]) {
    assert!(from.len() == outer * a * b * P && to.len() == from.len(), "a transposition keeps its numbers");
    let (from, base) = (from.as_chunks::<P>().0, Ptr(to.as_mut_ptr()));
    let columns = (TASK / a).next_multiple_of(BLOCK).min(b);
    let strips = b.div_ceil(columns);
    pool::run(outer * strips, |item| {
        let (i, first) = (item / strips, item % strips * columns);
        let last = (first + columns).min(b);
        // SAFETY: columns first..last of matrix i become rows of the result, which no other task writes.
        let to = unsafe { base.slice((i * b + first) * a * P, (last - first) * a * P) }.as_chunks_mut::<P>().0;
        let from = &from[i * a * b..][..a * b];
        for r0 in (0..a).step_by(BLOCK) {
            for c0 in (first..last).step_by(BLOCK) {
                for c in c0..(c0 + BLOCK).min(last) {
                    for r in r0..(r0 + BLOCK).min(a) {
                        to[(c - first) * a + r] = from[r * b + c];
                    }
                }
            }
        }
    });
}

/// A transposed copy in scratch memory.
fn transposed<const P: usize>(from: &[f32], sizes: [usize; 3]) -> Tensor {
    let mut t = Tensor::uninit([from.len()]);
    transpose::<P>(from, sizes, t.data_mut());
    t
}

/// `a [m, k] b [k, n]` in scratch memory.
fn times(a: &[f32], b: &Tensor, [m, k, n]: [usize; 3]) -> Tensor {
    let mut t = Tensor::uninit([m * n]);
    matmul(a, b.data(), None, [m, k, n], [n, 1], t.data_mut());
    t
}

/// `a [m, k] b^T`, b `[n, k]`, in scratch memory.
fn times_turned(a: &[f32], b: &Tensor, [m, k, n]: [usize; 3]) -> Tensor {
    let mut t = Tensor::uninit([m * n]);
    matmul(a, b.data(), None, [m, k, n], [1, k], t.data_mut());
    t
}

/// A matrix of [`waves`], its entries rounded.
fn matrix(len: usize, fill: impl FnOnce(&mut dyn FnMut(usize, f64))) -> Tensor {
    let mut t = Tensor::uninit([len]);
    let data = t.data_mut();
    fill(&mut |i, v| data[i] = v as f32);
    t
}

/// `[W, 2 m2]`.
fn along_width(s: Sizes) -> Tensor {
    matrix(s.w * 2 * s.m2, |put| waves::along_width(s.w, s.m2, put))
}

/// `[2 H, 2 rows]`.
fn along_height(s: Sizes) -> Tensor {
    matrix(4 * s.h * s.rows, |put| waves::along_height(s.h, s.m1, put))
}

/// `[2 rows, 2 H]`.
fn back_along_height(s: Sizes) -> Tensor {
    matrix(4 * s.h * s.rows, |put| waves::back_along_height(s.h, s.m1, put))
}

/// `[2 m2, W]`.
fn back_along_width(s: Sizes) -> Tensor {
    matrix(s.w * 2 * s.m2, |put| waves::back_along_width(s.h, s.w, s.m2, put))
}

/// The real matrices `[[re, im], [-im, re]]` of all modes: `[mode][c, part][o, part]`.
fn mixers(s: Sizes, [w1_re, w1_im, w2_re, w2_im]: [&[f32]; 4]) -> Tensor {
    let (area, wide) = (s.m1 * s.m2, 2 * s.o);
    let mut t = Tensor::uninit([s.modes() * 2 * s.c * wide]);
    let to = Ptr(t.data_mut().as_mut_ptr());
    pool::run(s.c, |c| {
        for o in 0..s.o {
            let from = (c * s.o + o) * area;
            for mode in 0..s.modes() {
                let (which, at) = s.weight(mode);
                let (re, im) = if which == 0 { (w1_re, w1_im) } else { (w2_re, w2_im) };
                let (re, im) = (re[from + at], im[from + at]);
                // SAFETY: the two rows of channel c in this mode's matrix, which no other task writes.
                let rows = unsafe { to.slice((mode * s.c + c) * 2 * wide, 2 * wide) };
                (rows[2 * o], rows[2 * o + 1]) = (re, im);
                (rows[wide + 2 * o], rows[wide + 2 * o + 1]) = (-im, re);
            }
        }
    });
    t
}

/// Every mode's own product: `src [n, modes, k]` by `weights` with these strides, to `[n, modes, out]`.
fn mix(s: Sizes, src: &[f32], k: usize, out: usize, weights: &[f32], [by_k, by_out]: [usize; 2]) -> Tensor {
    let mut t = Tensor::uninit([s.n * s.modes() * out]);
    let strides = WeightStrides { tap: 0, group: k * out, k: by_k, out: by_out };
    let gather = Gather { n: s.n, c: k, out, groups: s.modes(), strides };
    gather.run([Axis::rows(1); 2], src, weights, None, t.data_mut());
    t
}

/// Fills the kept modes of x, `[n, k, r, (c, part)]`, and y.
pub fn forward(s: Sizes, x: &[f32], weights: [&[f32]; 4], spectrum: &mut [f32], y: &mut [f32]) {
    let a = transposed::<1>(x, [s.n * s.h, s.w, s.c]);
    let a = times(a.data(), &along_width(s), [s.n * s.h * s.c, s.w, 2 * s.m2]);
    let a = transposed::<2>(a.data(), [s.n, s.h, s.c * s.m2]);
    let a = times(a.data(), &along_height(s), [s.n * s.c * s.m2, 2 * s.h, 2 * s.rows]);
    transpose::<2>(a.data(), [s.n, s.c, s.modes()], spectrum);
    let z = mix(s, spectrum, 2 * s.c, 2 * s.o, mixers(s, weights).data(), [2 * s.o, 1]);
    let z = transposed::<2>(z.data(), [s.n, s.modes(), s.o]);
    let z = times(z.data(), &back_along_height(s), [s.n * s.o * s.m2, 2 * s.rows, 2 * s.h]);
    let z = transposed::<2>(z.data(), [s.n, s.o * s.m2, s.h]);
    let z = times(z.data(), &back_along_width(s), [s.n * s.h * s.o, 2 * s.m2, s.w]);
    transpose::<1>(z.data(), [s.n * s.h, s.o, s.w], y);
}

/// The gradient of the mixed modes, `[n, k, r, (o, part)]`.
pub fn spectrum_gradient(s: Sizes, dy: &[f32]) -> Tensor {
    let z = transposed::<1>(dy, [s.n * s.h, s.w, s.o]);
    let z = times_turned(z.data(), &back_along_width(s), [s.n * s.h * s.o, s.w, 2 * s.m2]);
    let z = transposed::<2>(z.data(), [s.n, s.h, s.o * s.m2]);
    let z = times_turned(z.data(), &back_along_height(s), [s.n * s.o * s.m2, 2 * s.h, 2 * s.rows]);
    transposed::<2>(z.data(), [s.n, s.o, s.modes()])
}

/// Fills the gradient of x from that of the mixed modes.
pub fn input_gradient(s: Sizes, dy: &[f32], weights: [&[f32]; 4], dx: &mut [f32]) {
    let a = mix(s, dy, 2 * s.o, 2 * s.c, mixers(s, weights).data(), [1, 2 * s.o]);
    let a = transposed::<2>(a.data(), [s.n, s.modes(), s.c]);
    let a = times_turned(a.data(), &along_height(s), [s.n * s.c * s.m2, 2 * s.rows, 2 * s.h]);
    let a = transposed::<2>(a.data(), [s.n, s.c * s.m2, s.h]);
    let a = times_turned(a.data(), &along_width(s), [s.n * s.h * s.c, 2 * s.m2, s.w]);
    transpose::<1>(a.data(), [s.n * s.h, s.c, s.w], dx);
}

/// Gradients of w1_re, w1_im, w2_re, w2_im.
pub fn weight_gradients(s: Sizes, spectrum: &[f32], dy: &[f32]) -> [Tensor; 4] {
    let (area, wide) = (s.m1 * s.m2, s.modes() * 2 * s.o);
    // [c, part][mode][o, part]
    let mut sums = Tensor::uninit([2 * s.c * wide]);
    Scatter::groups(s.n, 1, s.modes(), 2 * s.c, 2 * s.o).run(spectrum, dy, sums.data_mut());
    let mut grads = [(); 4].map(|()| Tensor::uninit([s.c, s.o, s.m1, s.m2]));
    let to = grads.each_mut().map(|g| Ptr(g.data_mut().as_mut_ptr()));
    let sums = sums.data();
    pool::run(s.c, |c| {
        let channel = s.o * area;
        // SAFETY: channel c of each gradient, which no other task writes.
        let mut to = to.each_ref().map(|g| unsafe { g.slice(c * channel, channel) });
        to.iter_mut().for_each(|g| g.fill(0.0));
        let (re, im) = (&sums[2 * c * wide..][..wide], &sums[(2 * c + 1) * wide..][..wide]);
        for mode in 0..s.modes() {
            let (which, at) = s.weight(mode);
            for o in 0..s.o {
                let from = 2 * (mode * s.o + o);
                to[2 * which][o * area + at] = re[from] + im[from + 1];
                to[2 * which + 1][o * area + at] = re[from + 1] - im[from];
            }
        }
    });
    grads
}

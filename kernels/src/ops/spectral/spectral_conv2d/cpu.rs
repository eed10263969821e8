//! Products with fixed matrices from the left along the width and the height, where channels lie side by side, and each
//! mode's own product between them.

use super::Sizes;
use crate::Tensor;
use crate::ops::spectral::waves;
use crate::pool::{self, Ptr};
use crate::product::gather::{Axis, Gather, WeightStrides};
use crate::product::left::Left;
use crate::product::scatter::Scatter;

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

/// From places to modes, channels `c`: x `[n, h, w, c]` by `by_width` (k, part; w) and `by_height` (r, part; h, part), to
/// `[n, k, r, (c, part)]`. Between the two lies `[n, h, part, k, c]`, behind them `[n, r, part, k, c]`.
fn to_modes(
    s: Sizes,
    c: usize,
    x: &[f32],
    by_width: impl Fn(usize, usize) -> f32,
    by_height: impl Fn(usize, usize) -> f32,
    to: &mut [f32],
) {
    let (h, w, m2, wide) = (s.h, s.w, s.m2, s.m2 * c);
    let mut a = Tensor::uninit([s.n * h * 2 * wide]);
    let columns = |i: usize| i % m2 * 2 + i / m2;
    Left::new(2 * m2, w, |i, w| by_width(columns(i), w), |w| w * c).run(s.n * h, x, w * c, c, a.data_mut());
    let mut b = Tensor::uninit([s.n * 2 * s.rows * wide]);
    Left::new(2 * s.rows, 2 * h, by_height, |i| i * wide).run(s.n, a.data(), 2 * h * wide, wide, b.data_mut());
    let (b, to) = (b.data(), Ptr(to.as_mut_ptr()));
    pool::run(s.n * m2, |item| {
        let (i, k) = (item / m2, item % m2);
        // SAFETY: column k of image i, which no other task writes.
        let to = unsafe { to.slice(item * s.rows * 2 * c, s.rows * 2 * c) };
        for (r, to) in to.chunks_exact_mut(2 * c).enumerate() {
            let from = |part: usize| &b[(((i * s.rows + r) * 2 + part) * m2 + k) * c..][..c];
            for (to, (re, im)) in to.as_chunks_mut::<2>().0.iter_mut().zip(from(0).iter().zip(from(1))) {
                *to = [*re, *im];
            }
        }
    });
}

/// From modes to places, channels `c`: z `[n, k, r, (c, part)]` by `by_height` (h, part; r, part) and `by_width` (w; k, part)
/// to `[n, h, w, c]`.
fn to_places(
    s: Sizes,
    c: usize,
    z: &[f32],
    by_height: impl Fn(usize, usize) -> f32,
    by_width: impl Fn(usize, usize) -> f32,
    to: &mut [f32],
) {
    let (h, w, m2, wide) = (s.h, s.w, s.m2, s.m2 * c);
    let mut b = Tensor::uninit([s.n * 2 * s.rows * wide]);
    let base = Ptr(b.data_mut().as_mut_ptr());
    pool::run(s.n * s.rows, |item| {
        let (i, r) = (item / s.rows, item % s.rows);
        // SAFETY: row r of image i, which no other task writes.
        let (re, im) = unsafe { base.slice(item * 2 * wide, 2 * wide) }.split_at_mut(wide);
        for (k, (re, im)) in re.chunks_exact_mut(c).zip(im.chunks_exact_mut(c)).enumerate() {
            let from = z[((i * m2 + k) * s.rows + r) * 2 * c..][..2 * c].as_chunks::<2>().0;
            for (from, (re, im)) in from.iter().zip(re.iter_mut().zip(im)) {
                [*re, *im] = *from;
            }
        }
    });
    let mut a = Tensor::uninit([s.n * h * 2 * wide]);
    Left::new(2 * h, 2 * s.rows, by_height, |i| i * wide).run(s.n, b.data(), 2 * s.rows * wide, wide, a.data_mut());
    let start = |i: usize| (i % 2 * m2 + i / 2) * c;
    Left::new(w, 2 * m2, by_width, start).run(s.n * h, a.data(), 2 * wide, c, to);
}

/// The real matrices `[[re, im], [-im, re]]` of all modes: `[mode][c, part][o, part]`.
fn mixers(s: Sizes, weights: [&[f32]; 4]) -> Tensor {
    let (area, wide) = (s.m1 * s.m2, 2 * s.o);
    let size = 2 * s.c * wide;
    let mut t = Tensor::uninit([s.modes() * size]);
    let to = Ptr(t.data_mut().as_mut_ptr());
    // A task is a row of modes: the m2 numbers that it takes of a weight lie together.
    pool::run(s.rows, |j| {
        let (which, first) = s.weight(j);
        let (re, im) = (weights[2 * which], weights[2 * which + 1]);
        for c in 0..s.c {
            for o in 0..s.o {
                let from = (c * s.o + o) * area + first;
                for (k, (&re, &im)) in re[from..][..s.m2].iter().zip(&im[from..]).enumerate() {
                    // SAFETY: places (c, o) of the matrix of mode (k, j), which no other task writes.
                    unsafe {
                        let at = (k * s.rows + j) * size + 2 * (c * wide + o);
                        to.slice(at, 2).copy_from_slice(&[re, im]);
                        to.slice(at + wide, 2).copy_from_slice(&[-im, re]);
                    }
                }
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
    let (width, height) = (along_width(s), along_height(s));
    let (width, height) = (width.data(), height.data());
    to_modes(s, s.c, x, |i, w| width[w * 2 * s.m2 + i], |i, h| height[h * 2 * s.rows + i], spectrum);
    let z = mix(s, spectrum, 2 * s.c, 2 * s.o, mixers(s, weights).data(), [2 * s.o, 1]);
    let (width, height) = (back_along_width(s), back_along_height(s));
    let (width, height) = (width.data(), height.data());
    to_places(s, s.o, z.data(), |h, i| height[i * 2 * s.h + h], |w, i| width[i * s.w + w], y);
}

/// The gradient of the mixed modes, `[n, k, r, (o, part)]`.
pub fn spectrum_gradient(s: Sizes, dy: &[f32]) -> Tensor {
    let (width, height) = (back_along_width(s), back_along_height(s));
    let (width, height) = (width.data(), height.data());
    let mut dz = Tensor::uninit([s.n * s.modes() * 2 * s.o]);
    let by_width = |i: usize, w: usize| width[i * s.w + w];
    to_modes(s, s.o, dy, by_width, |i, h| height[i * 2 * s.h + h], dz.data_mut());
    dz
}

/// Fills the gradient of x from that of the mixed modes.
pub fn input_gradient(s: Sizes, dy: &[f32], weights: [&[f32]; 4], dx: &mut [f32]) {
    let a = mix(s, dy, 2 * s.o, 2 * s.c, mixers(s, weights).data(), [1, 2 * s.o]);
    let (width, height) = (along_width(s), along_height(s));
    let (width, height) = (width.data(), height.data());
    to_places(s, s.c, a.data(), |h, i| height[h * 2 * s.rows + i], |w, i| width[w * 2 * s.m2 + i], dx);
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

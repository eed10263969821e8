//! Defines the bits: every transform one sum after another, as the specification writes them.

use super::{Sizes, SpectralConv2d};
use crate::Shape;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::ops::spectral::waves;
use crate::product::scatter::CHUNK;
use crate::tree;

/// What hands every number of a matrix, with its place, to a function.
type Fill<'a> = &'a dyn Fn(&mut dyn FnMut(usize, f64));

/// Every matrix of the specification, rounded to T: W -> modes, H -> rows, back to H, back to W.
struct Waves<T> {
    width: Vec<T>,
    height: Vec<T>,
    back_height: Vec<T>,
    back_width: Vec<T>,
}

impl<T: Real> Waves<T> {
    fn of(s: Sizes) -> Self {
        let new = |len: usize, fill: Fill<'_>| {
            let mut m = vec![T::default(); len];
            fill(&mut |i, v| m[i] = T::of(v));
            m
        };
        Self {
            width: new(s.w * 2 * s.m2, &|put| waves::along_width(s.w, s.m2, put)),
            height: new(4 * s.h * s.rows, &|put| waves::along_height(s.h, s.m1, put)),
            back_height: new(4 * s.h * s.rows, &|put| waves::back_along_height(s.h, s.m1, put)),
            back_width: new(s.w * 2 * s.m2, &|put| waves::back_along_width(s.h, s.w, s.m2, put)),
        }
    }
}

/// `[m, k] [k, n]`, one chain an element.
fn times<T: Real>(a: &[T], [m, k, n]: [usize; 3], b: impl Fn(usize, usize) -> T) -> Vec<T> {
    let element = |i: usize| (0..k).fold(T::default(), |s, t| T::fma(a[i / n * k + t], b(t, i % n), s));
    (0..m * n).map(element).collect()
}

/// `[outer, a, b]` of pieces of p numbers to `[outer, b, a]`.
fn transposed<T: Real>(from: &[T], [outer, a, b]: [usize; 3], p: usize) -> Vec<T> {
    let mut to = Vec::with_capacity(from.len());
    for i in 0..outer {
        for c in 0..b {
            for r in 0..a {
                to.extend(&from[((i * a + r) * b + c) * p..][..p]);
            }
        }
    }
    to
}

/// Element (row, column) of a mode's `[[re, im], [-im, re]]`.
fn mixer<T: Real>(s: Sizes, w: &[Host<T>], mode: usize, row: usize, column: usize) -> T {
    let (which, at) = s.weight(mode);
    let at = (row / 2 * s.o + column / 2) * s.m1 * s.m2 + at;
    let part = |part: usize| w[2 * which + part].data[at];
    match (row % 2, column % 2) {
        (0, 0) | (1, 1) => part(0),
        (0, _) => part(1),
        _ => -part(1),
    }
}

/// Every mode's product, `src [n, modes, k]`.
fn mix<T: Real>(s: Sizes, src: &[T], [k, out]: [usize; 2], b: impl Fn(usize, usize, usize) -> T) -> Vec<T> {
    let row = |i: usize| times(&src[i * k..][..k], [1, k, out], |t, o| b(i % s.modes(), t, o));
    (0..s.n * s.modes()).flat_map(row).collect()
}

impl Reference for SpectralConv2d {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, weights) = (&inputs[0], &inputs[1..]);
        let s = Sizes::of(x.shape, weights[0].shape);
        let waves = Waves::<T>::of(s);
        let a = transposed(&x.data, [s.n * s.h, s.w, s.c], 1);
        let a = times(&a, [s.n * s.h * s.c, s.w, 2 * s.m2], |w, k| waves.width[w * 2 * s.m2 + k]);
        let a = transposed(&a, [s.n, s.h, s.c * s.m2], 2);
        let a = times(&a, [s.n * s.c * s.m2, 2 * s.h, 2 * s.rows], |h, r| waves.height[h * 2 * s.rows + r]);
        let spectrum = transposed(&a, [s.n, s.c, s.modes()], 2);
        let z = mix(s, &spectrum, [2 * s.c, 2 * s.o], |mode, c, o| mixer(s, weights, mode, c, o));
        let z = transposed(&z, [s.n, s.modes(), s.o], 2);
        let z = times(&z, [s.n * s.o * s.m2, 2 * s.rows, 2 * s.h], |r, h| waves.back_height[r * 2 * s.h + h]);
        let z = transposed(&z, [s.n, s.o * s.m2, s.h], 2);
        let z = times(&z, [s.n * s.h * s.o, 2 * s.m2, s.w], |k, w| waves.back_width[k * s.w + w]);
        let y = transposed(&z, [s.n * s.h, s.o, s.w], 1);
        vec![Host::new(x.shape.with(3, s.o), y), Host::new(Shape::from([s.n, s.m2, s.rows, 2 * s.c]), spectrum)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None; 5] };
        let (x, weights, spectrum) = (&inputs[0], &inputs[1..], &outputs[1].data);
        let s = Sizes::of(x.shape, weights[0].shape);
        let waves = Waves::<T>::of(s);
        let z = transposed(&dy.data, [s.n * s.h, s.w, s.o], 1);
        let z = times(&z, [s.n * s.h * s.o, s.w, 2 * s.m2], |w, k| waves.back_width[k * s.w + w]);
        let z = transposed(&z, [s.n, s.h, s.o * s.m2], 2);
        let z = times(&z, [s.n * s.o * s.m2, 2 * s.h, 2 * s.rows], |h, r| waves.back_height[r * 2 * s.h + h]);
        let z = transposed(&z, [s.n, s.o, s.modes()], 2);

        let a = mix(s, &z, [2 * s.o, 2 * s.c], |mode, o, c| mixer(s, weights, mode, c, o));
        let a = transposed(&a, [s.n, s.modes(), s.c], 2);
        let a = times(&a, [s.n * s.c * s.m2, 2 * s.rows, 2 * s.h], |r, h| waves.height[h * 2 * s.rows + r]);
        let a = transposed(&a, [s.n, s.c * s.m2, s.h], 2);
        let a = times(&a, [s.n * s.h * s.c, 2 * s.m2, s.w], |k, w| waves.width[w * 2 * s.m2 + k]);
        let dx = transposed(&a, [s.n * s.h, s.c, s.w], 1);

        let product = |mode: usize, row: usize, column: usize| {
            let term = |sum: T, n: usize| {
                let at = n * s.modes() + mode;
                T::fma(spectrum[at * 2 * s.c + row], z[at * 2 * s.o + column], sum)
            };
            let chunk = |first: usize| (first..s.n.min(first + CHUNK)).fold(T::default(), term);
            tree::sum(&mut (0..s.n).step_by(CHUNK).map(chunk).collect::<Vec<T>>())
        };
        let mut grads: Vec<Host<T>> = weights.iter().map(|w| Host::zeros(w.shape)).collect();
        for mode in 0..s.modes() {
            let (which, at) = s.weight(mode);
            for i in 0..s.c * s.o {
                let (c, o, at) = (2 * (i / s.o), 2 * (i % s.o), i * s.m1 * s.m2 + at);
                grads[2 * which].data[at] = product(mode, c, o) + product(mode, c + 1, o + 1);
                grads[2 * which + 1].data[at] = product(mode, c, o + 1) + -product(mode, c + 1, o);
            }
        }
        std::iter::once(Host::new(x.shape, dx)).chain(grads).map(Some).collect()
    }
}

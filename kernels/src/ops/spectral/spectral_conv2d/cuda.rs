//! Products and transpositions on the card; the steps are those of the processor.

use super::Sizes;
use crate::cuda::Module;
use crate::cuda::module::Words;
use crate::product::cuda;
use crate::product::gather::{Axis, Gather, WeightStrides};
use crate::product::scatter::Scatter;
use crate::{Device, Tensor};

/// The kernels.
pub static KERNELS: Module = Module::new("spectral/spectral_conv2d", include_str!("kernel.cu"));

/// As the kernels have it.
fn words(s: Sizes) -> Words<[i32; 8]> {
    Words([s.n, s.h, s.w, s.c, s.o, s.m1, s.m2, s.rows].map(|n| n as i32))
}

/// The matrices: along the width and back, along the height and back.
struct Waves {
    width: [Tensor; 2],
    height: [Tensor; 2],
}

impl Waves {
    fn of(s: Sizes, device: Device) -> Self {
        let pair = |name: &'static str, threads: usize, len: usize| {
            let [mut along, mut back] = [(); 2].map(|()| Tensor::uninit_on(device, [len]));
            KERNELS.kernel(name).over(threads, 128).arg(&mut along).arg(&mut back).arg(words(s)).launch();
            [along, back]
        };
        Self {
            width: pair("width_waves", s.w * s.m2, s.w * 2 * s.m2),
            height: pair("height_waves", s.h * s.rows, 4 * s.h * s.rows),
        }
    }
}

/// `[outer, a, b]` to `[outer, b, a]`, of pieces of `piece` numbers.
fn transpose(from: &Tensor, [outer, a, b]: [usize; 3], piece: usize, to: &mut Tensor) {
    let blocks = outer * a.div_ceil(16) * b.div_ceil(16);
    KERNELS.kernel("transpose").grid([blocks, 1, 1], 256).arg(from).arg(to).arg(a).arg(b).arg(piece).launch();
}

fn transposed(from: &Tensor, sizes: [usize; 3], piece: usize) -> Tensor {
    let mut t = Tensor::uninit_on(from.device(), [from.len()]);
    transpose(from, sizes, piece, &mut t);
    t
}

/// `a [m, k] b [k, n]`, or `b [n, k]` turned.
fn times(a: &Tensor, b: &Tensor, [m, k, n]: [usize; 3], turned: bool) -> Tensor {
    let mut t = Tensor::uninit_on(a.device(), [m * n]);
    cuda::matmul(a, b, None, [m, k, n], if turned { [1, k] } else { [n, 1] }, &mut t);
    t
}

fn mixers(s: Sizes, weights: [&Tensor; 4]) -> Tensor {
    let count = s.modes() * s.c * s.o;
    let mut t = Tensor::uninit_on(weights[0].device(), [4 * count]);
    let launch = weights.into_iter().fold(KERNELS.kernel("mixers").over(count, 128), |l, w| l.arg(w));
    launch.arg(&mut t).arg(words(s)).arg(count).launch();
    t
}

/// Every mode's own product, `src [n, modes, k]` to `[n, modes, out]`.
fn mix(s: Sizes, src: &Tensor, k: usize, out: usize, weights: &Tensor, [by_k, by_out]: [usize; 2]) -> Tensor {
    let mut t = Tensor::uninit_on(src.device(), [s.n * s.modes() * out]);
    let strides = WeightStrides { tap: 0, group: k * out, k: by_k, out: by_out };
    let gather = Gather { n: s.n, c: k, out, groups: s.modes(), strides };
    cuda::gather(&gather, [&[Axis::rows(1)]; 2], src, weights, None, &mut t);
    t
}

pub(super) fn forward(s: Sizes, x: &Tensor, weights: [&Tensor; 4], spectrum: &mut Tensor, y: &mut Tensor) {
    let waves = Waves::of(s, x.device());
    let a = transposed(x, [s.n * s.h, s.w, s.c], 1);
    let a = times(&a, &waves.width[0], [s.n * s.h * s.c, s.w, 2 * s.m2], false);
    let a = transposed(&a, [s.n, s.h, s.c * s.m2], 2);
    let a = times(&a, &waves.height[0], [s.n * s.c * s.m2, 2 * s.h, 2 * s.rows], false);
    transpose(&a, [s.n, s.c, s.modes()], 2, spectrum);
    let z = mix(s, spectrum, 2 * s.c, 2 * s.o, &mixers(s, weights), [2 * s.o, 1]);
    let z = transposed(&z, [s.n, s.modes(), s.o], 2);
    let z = times(&z, &waves.height[1], [s.n * s.o * s.m2, 2 * s.rows, 2 * s.h], false);
    let z = transposed(&z, [s.n, s.o * s.m2, s.h], 2);
    let z = times(&z, &waves.width[1], [s.n * s.h * s.o, 2 * s.m2, s.w], false);
    transpose(&z, [s.n * s.h, s.o, s.w], 1, y);
}

/// The gradient of the mixed modes, `[n, k, r, (o, part)]`.
pub(super) fn spectrum_gradient(s: Sizes, dy: &Tensor) -> Tensor {
    let waves = Waves::of(s, dy.device());
    let z = transposed(dy, [s.n * s.h, s.w, s.o], 1);
    let z = times(&z, &waves.width[1], [s.n * s.h * s.o, s.w, 2 * s.m2], true);
    let z = transposed(&z, [s.n, s.h, s.o * s.m2], 2);
    let z = times(&z, &waves.height[1], [s.n * s.o * s.m2, 2 * s.h, 2 * s.rows], true);
    transposed(&z, [s.n, s.o, s.modes()], 2)
}

pub(super) fn input_gradient(s: Sizes, dy: &Tensor, weights: [&Tensor; 4], dx: &mut Tensor) {
    let waves = Waves::of(s, dy.device());
    let a = mix(s, dy, 2 * s.o, 2 * s.c, &mixers(s, weights), [1, 2 * s.o]);
    let a = transposed(&a, [s.n, s.modes(), s.c], 2);
    let a = times(&a, &waves.height[0], [s.n * s.c * s.m2, 2 * s.rows, 2 * s.h], true);
    let a = transposed(&a, [s.n, s.c * s.m2, s.h], 2);
    let a = times(&a, &waves.width[0], [s.n * s.h * s.c, 2 * s.m2, s.w], true);
    transpose(&a, [s.n * s.h, s.c, s.w], 1, dx);
}

pub(super) fn weight_gradients(s: Sizes, spectrum: &Tensor, dy: &Tensor) -> [Tensor; 4] {
    let device = dy.device();
    let mut sums = Tensor::uninit_on(device, [2 * s.c * s.modes() * 2 * s.o]);
    cuda::scatter(&Scatter::groups(s.n, 1, s.modes(), 2 * s.c, 2 * s.o), spectrum, dy, &mut sums);
    let mut grads = [(); 4].map(|()| Tensor::uninit_on(device, [s.c, s.o, s.m1, s.m2]));
    let count = grads[0].len();
    for (which, pair) in grads.chunks_exact_mut(2).enumerate() {
        let [re, im] = pair else { unreachable!("chunks of two") };
        let launch = KERNELS.kernel("weight_gradients").over(count, 128).arg(&sums).arg(re).arg(im);
        launch.arg(words(s)).arg(which).arg(count).launch();
    }
    grads
}

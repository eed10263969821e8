//! Depthwise convolution on the card: sums that walk down the rows at stride 1, and the weight gradient's chains. What is
//! left runs on the engines' direct kernels.

use bytemuck::{Pod, Zeroable};

use super::band::Taps;
use super::{Geometry, chains, chunk_rows};
use crate::Tensor;
use crate::cuda::module::Words;
use crate::cuda::{Module, basic};
use crate::product::cuda::{int, zero};

/// The kernels.
pub static KERNELS: Module = Module::new("conv/conv/depthwise", include_str!("kernel.cu"));

/// Taps of a kernel's row that a thread of `chains` sums, as in `kernel.cu`.
const ABREAST: usize = 5;

/// As in `kernel.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardTaps {
    src: [i32; 2],
    dst: [i32; 2],
    origin: [i32; 2],
    stride: [i32; 2],
    kernel: [i32; 2],
    dilation: [i32; 2],
    n: i32,
    c: i32,
}

impl CardTaps {
    fn new(t: &Taps, n: usize) -> Self {
        Self {
            src: t.src_size.map(int),
            dst: t.dst_size.map(int),
            origin: t.origin.map(|o| o as i32),
            stride: t.stride.map(int),
            kernel: t.kernel.map(int),
            dilation: t.dilation.map(int),
            n: int(n),
            c: int(t.c),
        }
    }
}

/// A kernel that walks down the rows, and how many rows of outputs a thread of it sums.
fn rows(g: &Geometry) -> Option<(&'static str, usize)> {
    let kernel = match g.kernel {
        [3, 3] => ("rows_3x3", 4),
        [5, 5] => ("rows_5x5", 4),
        [1, 3] => ("rows_1x3", 1),
        [1, 5] => ("rows_1x5", 1),
        _ => return None,
    };
    (g.depthwise() && g.conv.stride == [1, 1]).then_some(kernel)
}

/// Whether there are kernels for the forward and the input gradient.
pub fn takes(g: &Geometry) -> bool {
    rows(g).is_some()
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    walk(g, &Taps::of(g), false, [x, w], bias, y);
}

/// dx (+ bias).
pub fn input_gradient(g: &Geometry, dy: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &mut Tensor) {
    walk(g, &Taps::of_input_gradient(g), true, [dy, w], bias, dx);
}

fn walk(g: &Geometry, t: &Taps, reversed: bool, [src, w]: [&Tensor; 2], bias: Option<&Tensor>, dst: &mut Tensor) {
    let (name, high) = rows(g).expect("a kernel that is taken");
    let ([height, width], step) = (t.dst_size, t.dilation[0]);
    let bands = height.div_ceil(high * step) * step;
    let k = KERNELS.kernel(name).over(int(g.n * bands * width * t.c) as usize, 256);
    k.arg(Words(CardTaps::new(t, g.n))).arg(src).arg(w).arg(reversed).arg(bias).arg(dst).launch();
}

/// dw: the chunks and chains of the convolution's specification.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    let taps = Taps::of(g);
    let (high, chains, period) = (chunk_rows(g.out[1]), chains(g.c), taps.period());
    let chunks = g.n * g.out[0].div_ceil(high);
    let lines = chunks * taps.len();
    if lines == 0 {
        return zero(dw);
    }
    let mut sums = Tensor::uninit_on(x.device(), [lines * period]);
    let threads = chunks * g.kernel[0] * g.kernel[1].div_ceil(ABREAST) * period;
    let k = KERNELS.kernel("chains").over(int(threads) as usize, 128).arg(Words(CardTaps::new(&taps, g.n)));
    k.arg(x).arg(dy).arg(&mut sums).arg(high).arg(period).launch();
    if chains > 1 {
        let mut merged = Tensor::uninit_on(x.device(), [lines * g.c]);
        let k = KERNELS.kernel("merge_chains").over(lines * g.c, 256);
        k.arg(&sums).arg(&mut merged).arg(lines * g.c).arg(g.c).arg(chains).launch();
        sums = merged;
    }
    basic::sum_rows_to(&mut sums, chunks, taps.len() * g.c, dw);
}

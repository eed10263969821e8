//! Winograd's forms on the card: the transforms are kernels of their own, the products the engines of
//! [`crate::product::cuda`] over all points at once. Slabs of tiles bound the scratch and change no sum.

use bytemuck::{Pod, Zeroable};

use super::{Geometry, Tiles, plane, series};
use crate::Tensor;
use crate::cuda::module::{Address, Words};
use crate::cuda::{Module, basic};
use crate::product::cuda::{self, Batch};
use crate::product::scatter::CHUNK;

/// The transforms.
pub static KERNELS: Module = Module::new("conv/conv/winograd", include_str!("kernel.cu"));

/// Numbers of V and M (or Z) of a slab of tiles.
const ROOM: usize = 16 << 20;

/// A form's kernels.
#[derive(Debug)]
struct Names {
    input: &'static str,
    gradient: &'static str,
    output: &'static str,
    weights: &'static str,
    weight_gradient: &'static str,
}

macro_rules! names {
    ($form:literal) => {
        &Names {
            input: concat!($form, "_input"),
            gradient: concat!($form, "_gradient"),
            output: concat!($form, "_output"),
            weights: concat!($form, "_weights"),
            weight_gradient: concat!($form, "_weight_gradient"),
        }
    };
}

/// As in `kernel.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardTiles {
    size: [i32; 2],
    out: [i32; 2],
    origin: [i32; 2],
    down: i32,
    across: i32,
    channels: i32,
    first: i32,
    count: i32,
    points: i32,
}

/// A form and the tiles that it cuts a convolution into.
#[derive(Debug, Clone, Copy)]
struct Form {
    names: &'static Names,
    shape: CardTiles,
    c: usize,
    k: usize,
    taps: usize,
    points: usize,
    tiles: usize,
    outputs: usize,
}

impl Form {
    /// `m` outputs of a tile, down and across.
    fn new(
        s: &dyn Tiles,
        names: &'static Names,
        size: [usize; 2],
        out: [usize; 2],
        origin: [isize; 2],
        m: [usize; 2],
    ) -> Self {
        let ((c, k), (_, points)) = (s.channels(), s.points());
        let shape = CardTiles {
            size: size.map(cuda::int),
            out: out.map(cuda::int),
            origin: origin.map(|o| o as i32),
            down: cuda::int(out[0].div_ceil(m[0])),
            across: cuda::int(out[1].div_ceil(m[1])),
            channels: 0,
            first: 0,
            count: 0,
            points: cuda::int(points),
        };
        cuda::int(s.tiles());
        Self { names, shape, c, k, taps: s.taps(), points, tiles: s.tiles(), outputs: s.outputs() }
    }

    fn plane(s: plane::Tiling) -> Self {
        Self::new(&s, names!("plane"), s.size, s.out, s.origin, [plane::M; 2])
    }

    fn series(s: series::Tiling) -> Self {
        let names = match s.taps {
            3 => names!("series3"),
            4 => names!("series4"),
            5 | 6 => names!("series6"),
            _ => names!("series8"),
        };
        let mut form = None;
        series::with(s, |tiles| {
            form = Some(Self::new(tiles, names, [1, s.size], [1, s.out], [0, s.origin], [1, s.m]));
        });
        form.expect("called once")
    }

    fn forward(g: &Geometry) -> Self {
        if plane::takes(g) { Self::plane(plane::Tiling::forward(g)) } else { Self::series(series::Tiling::forward(g)) }
    }

    fn input_gradient(g: &Geometry) -> Self {
        if plane::takes(g) {
            Self::plane(plane::Tiling::input_gradient(g))
        } else {
            Self::series(series::Tiling::input_gradient(g))
        }
    }

    /// Tiles `first .. first + count`, with as many channels.
    fn part(&self, first: usize, count: usize, channels: usize) -> CardTiles {
        let [first, count, channels] = [first, count, channels].map(cuda::int);
        CardTiles { first, count, channels, ..self.shape }
    }

    /// Tiles of a slab.
    fn slab(&self) -> usize {
        (ROOM / (self.points * (self.c + self.k))).max(1)
    }

    /// V of some tiles.
    fn input(&self, x: &Tensor, first: usize, count: usize, v: &mut Tensor) {
        let k = KERNELS.kernel(self.names.input).over(count * self.c, 256);
        k.arg(Words(self.part(first, count, self.c))).arg(x).arg(v).launch();
    }

    /// y from x and the weights, which lie as c rows of k; or as k rows of c, flipped, for the input gradient.
    fn run(&self, x: &Tensor, w: &Tensor, transposed: bool, bias: Option<&Tensor>, y: &mut Tensor) {
        let Self { c, k, points, tiles, .. } = *self;
        let device = x.device();
        let mut u = Tensor::uninit_on(device, [points * c * k]);
        let launch = KERNELS.kernel(self.names.weights).over(c * k, 256).arg(w).arg(&mut u);
        launch.arg(c * k).arg(self.taps).arg(points).arg(transposed).launch();
        let strides = if transposed { [1, c] } else { [k, 1] };
        let slab = self.slab().min(tiles.max(1));
        let mut v = Tensor::uninit_on(device, [points * slab * c]);
        let mut m = Tensor::uninit_on(device, [points * slab * k]);
        for first in (0..tiles).step_by(slab) {
            let n = slab.min(tiles - first);
            self.input(x, first, n, &mut v);
            let batch = Batch::new(&[points], [&[n * c], &[c * k], &[n * k]]);
            cuda::matmuls(&v, &u, [n, c, k], strides, batch, &mut m);
            let launch = KERNELS.kernel(self.names.output).over(n * k, 256);
            launch.arg(Words(self.part(first, n, k))).arg(&m).arg(bias).arg(&mut *y).launch();
        }
    }

    /// dw from x and dy.
    fn sum_tiles(&self, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
        let Self { c, k, points, tiles, .. } = *self;
        let in_chunk = CHUNK / self.outputs;
        let (chunks, each) = (tiles.div_ceil(in_chunk), points * c * k);
        if chunks == 0 {
            return cuda::zero(dw);
        }
        // A slab is whole chunks.
        let slab = (self.slab() / in_chunk).clamp(1, chunks) * in_chunk;
        let device = x.device();
        let mut v = Tensor::uninit_on(device, [points * slab.min(tiles) * c]);
        let mut z = Tensor::uninit_on(device, [points * slab.min(tiles) * k]);
        let mut sums = Tensor::uninit_on(device, [chunks * each]);
        for first in (0..tiles).step_by(slab) {
            let n = slab.min(tiles - first);
            self.input(x, first, n, &mut v);
            let launch = KERNELS.kernel(self.names.gradient).over(n * k, 256);
            launch.arg(Words(self.part(first, n, k))).arg(dy).arg(&mut z).launch();
            let batch = Batch::new(&[points], [&[n * c], &[n * k], &[c * k]]);
            let to = Address(sums.address_mut() + (first / in_chunk * each * size_of::<f32>()) as u64);
            cuda::chunked_matmuls(&v, &z, [n, c, k], in_chunk, each, batch, to);
        }
        basic::sum_rows(&mut sums, chunks, each);
        let launch = KERNELS.kernel(self.names.weight_gradient).over(c * k, 256);
        launch.arg(&sums).arg(dw).arg(c * k).arg(self.taps).arg(points).launch();
    }
}

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) {
    Form::forward(g).run(x, w, false, bias, y);
}

/// dx (+ bias): the forward on flipped, transposed weights.
pub fn input_gradient(g: &Geometry, dy: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &mut Tensor) {
    Form::input_gradient(g).run(dy, w, true, bias, dx);
}

/// dw.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    Form::forward(g).sum_tiles(x, dy, dw);
}

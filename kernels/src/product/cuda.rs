//! The engines of products on the card: gathers, scatters, and sums of rows.
//!
//! Which kernel runs is decided by shapes alone; every one gives the same chains. A tile of 128 x 64 outputs reads
//! 12 KiB a strip for 131,072 multiply-adds, so it is bound by arithmetic; few outputs take smaller tiles, so that there are
//! blocks enough.

use bytemuck::{Pod, Zeroable};

use super::gather::{self, Axis, Gather};
use super::scatter::{CHUNK, Scatter};
use crate::Tensor;
use crate::cuda::module::{Address, Argument, Words};
use crate::cuda::{Module, basic, driver};

/// The kernels.
pub static KERNELS: Module = Module::new("product", include_str!("kernel.cu"));

/// As in `kernel.cu`: most phases of a dimension in one launch, most dimensions of a batch.
const PHASES: usize = 4;
const BATCH: usize = 4;
/// Blocks from which on large tiles keep a card busy.
const MANY: usize = 128;
/// Channels of a group up to which a thread computes an output alone.
const DIRECT: usize = 4;

/// A kernel's tile of outputs.
#[derive(Debug, Clone, Copy)]
struct Tile<const N: usize> {
    rows: usize,
    columns: usize,
    threads: u32,
    names: [&'static str; N],
}

/// By width; names: plain, vector, transposed, both. The last is for few outputs.
const GATHERS: [Tile<4>; 4] = [
    Tile {
        rows: 128,
        columns: 16,
        threads: 256,
        names: ["gather_narrow", "gather_narrow_vector", "gather_narrow_transposed", "gather_narrow_vector_transposed"],
    },
    Tile {
        rows: 128,
        columns: 32,
        threads: 256,
        names: ["gather_middle", "gather_middle_vector", "gather_middle_transposed", "gather_middle_vector_transposed"],
    },
    Tile {
        rows: 128,
        columns: 64,
        threads: 256,
        names: ["gather_wide", "gather_wide_vector", "gather_wide_transposed", "gather_wide_vector_transposed"],
    },
    Tile {
        rows: 32,
        columns: 32,
        threads: 128,
        names: ["gather_small", "gather_small_vector", "gather_small_transposed", "gather_small_vector_transposed"],
    },
];

/// By width; names: plain, vector.
const SCATTERS: [Tile<2>; 3] = [
    Tile { rows: 32, columns: 16, threads: 128, names: ["scatter_small", "scatter_small_vector"] },
    Tile { rows: 64, columns: 32, threads: 256, names: ["scatter_middle", "scatter_middle_vector"] },
    Tile { rows: 128, columns: 64, threads: 256, names: ["scatter_wide", "scatter_wide_vector"] },
];

/// `n` as the kernels' `int`.
pub(crate) fn int(n: usize) -> i32 {
    i32::try_from(n).unwrap_or_else(|_| {
        driver::raise(format!("a product: {n} is beyond the 2^31 that its kernels count to; use a smaller batch"))
    })
}

/// Products side by side: how many in each dimension (the last varies fastest), and how far apart their left operands,
/// right operands and results lie.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Batch {
    strides: [[i64; BATCH]; 3],
    sizes: [i32; BATCH],
}

impl Batch {
    /// Of up to four dimensions.
    pub fn new(sizes: &[usize], strides: [&[usize]; 3]) -> Self {
        let mut b = Self { strides: [[0; BATCH]; 3], sizes: [1; BATCH] };
        for (d, &n) in sizes.iter().enumerate() {
            b.sizes[d] = int(n);
            for (to, from) in b.strides.iter_mut().zip(strides) {
                to[d] = from[d] as i64;
            }
        }
        b
    }

    fn len(&self) -> usize {
        self.sizes.iter().map(|&n| n as usize).product()
    }

    /// Whether every operand starts at a multiple of 4 numbers.
    fn aligned(&self) -> bool {
        self.strides.iter().flatten().all(|s| s % 4 == 0)
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardAxis {
    size: i32,
    grid: i32,
    step: i32,
    taps: i32,
    first: i32,
    dilation: i32,
    weight: i32,
    weight_step: i32,
    dst_size: i32,
    dst_start: i32,
    dst_step: i32,
}

impl From<&Axis> for CardAxis {
    fn from(a: &Axis) -> Self {
        Self {
            size: int(a.size),
            grid: int(a.grid),
            step: int(a.step),
            taps: int(a.taps),
            first: a.first as i32,
            dilation: int(a.dilation),
            weight: int(a.weight),
            weight_step: a.weight_step as i32,
            dst_size: int(a.dst_size),
            dst_start: int(a.dst_start),
            dst_step: int(a.dst_step),
        }
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardGather {
    weight_tap: i64,
    batch: Batch,
    rows: [CardAxis; PHASES],
    columns: [CardAxis; PHASES],
    row_phases: i32,
    column_phases: i32,
    n: i32,
    c: i32,
    out: i32,
    src_channels: i32,
    dst_channels: i32,
    weight_step: i32,
    row_tiles: i32,
    column_tiles: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Window {
    size: i32,
    grid: i32,
    stride: i32,
    dilation: i32,
    padding: i32,
    kernel: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct CardScatter {
    sums: i64,
    batch: Batch,
    row: Window,
    column: Window,
    rows: i32,
    chunk: i32,
    chunks: i32,
    groups: i32,
    c: i32,
    out: i32,
    src_channels: i32,
    dy_channels: i32,
    row_tiles: i32,
    column_tiles: i32,
}

/// Runs [`Gather`] for all phases of its two dimensions (rows, columns).
pub fn gather(
    g: &Gather,
    phases: [&[Axis]; 2],
    src: &Tensor,
    weights: &Tensor,
    bias: Option<&Tensor>,
    dst: &mut Tensor,
) {
    let batch = Batch::new(&[g.groups], [&[g.c], &[g.strides.group], &[g.out]]);
    let at = [src.address(), weights.address(), bias.map_or(0, Tensor::address), dst.address_mut()].map(Address);
    for rows in phases[0].chunks(PHASES) {
        for columns in phases[1].chunks(PHASES) {
            gather_phases(g, [rows, columns], batch, at);
        }
    }
}

fn gather_phases(g: &Gather, [rows, columns]: [&[Axis]; 2], batch: Batch, [src, weights, bias, dst]: [Address; 4]) {
    // The first phase has the most positions.
    let positions = g.n * rows[0].grid * columns[0].grid;
    // Weights that are contiguous along k are found by their tap's number: an input gradient takes taps from the last to the
    // first. (Of a single output channel both strides are 1.) The others are read on and on, taps ascending.
    let transposed = g.strides.k == 1;
    let taps = rows[0].taps * columns[0].taps;
    assert!(transposed || g.strides.out == 1 && (taps == 1 || g.strides.tap == g.c * g.strides.k));
    let all = |axes: &[Axis]| std::array::from_fn(|i| CardAxis::from(&axes[i.min(axes.len() - 1)]));
    let mut shape = CardGather {
        weight_tap: g.strides.tap as i64,
        batch,
        rows: all(rows),
        columns: all(columns),
        row_phases: int(rows.len()),
        column_phases: int(columns.len()),
        n: int(g.n),
        c: int(g.c),
        out: int(g.out),
        src_channels: int(g.groups * g.c),
        dst_channels: int(g.groups * g.out),
        weight_step: int(if transposed { g.strides.out } else { g.strides.k }),
        row_tiles: 0,
        column_tiles: 0,
    };
    let phases = rows.len() * columns.len();
    if g.groups > 1 && g.out <= DIRECT {
        let blocks = (positions * g.groups * g.out).div_ceil(256);
        shape.row_tiles = int(blocks);
        let k = KERNELS.kernel("gather_direct").grid([blocks * phases, 1, 1], 256);
        let k = k.arg(Words(shape)).arg(src).arg(weights).arg(bias).arg(dst);
        return k.arg(g.strides.k).arg(g.strides.out).arg(g.strides.group).launch();
    }
    let tiles = |t: &Tile<4>| [positions.div_ceil(t.rows), g.out.div_ceil(t.columns)];
    let blocks = |t: &Tile<4>| tiles(t)[0] * tiles(t)[1] * phases * batch.len();
    let [narrow, middle, wide, small] = &GATHERS;
    let by_width = if g.out <= narrow.columns {
        narrow
    } else if g.out <= middle.columns {
        middle
    } else {
        wide
    };
    let tile = if blocks(by_width) < MANY { small } else { by_width };
    let vector = g.c.is_multiple_of(4) && batch.strides[0].iter().all(|s| s % 4 == 0);
    let [row_tiles, column_tiles] = tiles(tile);
    (shape.row_tiles, shape.column_tiles) = (int(row_tiles), int(column_tiles));
    let name = tile.names[usize::from(vector) + 2 * usize::from(transposed)];
    let k = KERNELS.kernel(name).grid([blocks(tile), 1, 1], tile.threads);
    k.arg(Words(shape)).arg(src).arg(weights).arg(bias).arg(dst).launch();
}

/// `c[m, n] = a[m, k] * b[k, n]` (+ bias over n), k ascending: the plain matrix product.
pub fn matmul(a: &Tensor, b: &Tensor, bias: Option<&Tensor>, mkn: [usize; 3], b_strides: [usize; 2], c: &mut Tensor) {
    let (g, [rows, columns]) = gather::product(mkn, b_strides);
    gather(&g, [&[rows], &[columns]], a, b, bias, c);
}

/// Matrix products side by side, of which each is [`matmul`]'s.
pub fn matmuls(a: &Tensor, b: &Tensor, mkn: [usize; 3], b_strides: [usize; 2], batch: Batch, c: &mut Tensor) {
    let (g, [rows, columns]) = gather::product(mkn, b_strides);
    gather_phases(&g, [&[rows], &[columns]], batch, [a.address(), b.address(), 0, c.address_mut()].map(Address));
}

/// Runs [`Scatter`]: chunks, then the fixed tree over them.
pub fn scatter(s: &Scatter, src: &Tensor, dy: &Tensor, dw: &mut Tensor) {
    let batch = Batch::new(&[s.groups], [&[s.c], &[s.out], &[s.out]]);
    let (rows, len) = (s.n * s.grid[0] * s.grid[1], dw.len());
    let at = [src.address(), dy.address()].map(Address);
    with_parts(rows, CHUNK, len, dw, |sums| chunks(s, CHUNK, len, batch, at, sums));
}

/// Matrix products `dw [k, n] = src [m, k]' * dy [m, n]` side by side, one chain over all m rows each.
pub fn transposed_matmuls(src: &Tensor, dy: &Tensor, [m, k, n]: [usize; 3], batch: Batch, dw: &mut Tensor) {
    let at = [src.address(), dy.address()].map(Address);
    if m == 0 { zero(dw) } else { chunks(&Scatter::rows(m, k, n), m, k * n, batch, at, dw) }
}

/// The same with a chain for every `chunk` rows, whose results lie `apart` numbers from chunk to chunk.
pub fn chunked_matmuls(
    src: &Tensor,
    dy: &Tensor,
    [m, k, n]: [usize; 3],
    chunk: usize,
    apart: usize,
    batch: Batch,
    dw: Address,
) {
    chunks(&Scatter::rows(m, k, n), chunk, apart, batch, [src.address(), dy.address()].map(Address), dw);
}

/// Sums of the rows of `numbers`, as many as `sums` is wide: chunks of 4,096 with plain additions, then the fixed tree.
pub fn row_sums(numbers: &Tensor, sums: &mut Tensor) {
    let width = sums.len();
    let rows = numbers.len() / width.max(1);
    with_parts(rows, CHUNK, width, sums, |parts| {
        let blocks = rows.div_ceil(CHUNK) * width.div_ceil(32);
        let k = KERNELS.kernel("row_sums").grid([blocks, 1, 1], 256);
        k.arg(numbers).arg(parts).arg(rows).arg(width).arg(CHUNK).launch();
    });
}

/// Lets `fill` write the sums of all chunks, `len` numbers each, and merges them into `to`.
fn with_parts(rows: usize, chunk: usize, len: usize, to: &mut Tensor, fill: impl FnOnce(&mut Tensor)) {
    match rows.div_ceil(chunk) {
        0 => zero(to),
        1 => fill(to),
        chunks => {
            let mut parts = Tensor::uninit_on(to.device(), [chunks, len]);
            fill(&mut parts);
            basic::sum_rows_to(&mut parts, chunks, len, to);
        }
    }
}

/// The sums of every chunk of `chunk` rows, `apart` numbers from chunk to chunk.
fn chunks(s: &Scatter, chunk: usize, apart: usize, batch: Batch, [src, dy]: [Address; 2], sums: impl Argument) {
    let rows = s.n * s.grid[0] * s.grid[1];
    let height = s.kernel[0] * s.kernel[1] * s.c;
    let chunks = rows.div_ceil(chunk);
    let window = |d: usize| Window {
        size: int(s.size[d]),
        grid: int(s.grid[d]),
        stride: int(s.stride[d]),
        dilation: int(s.dilation[d]),
        padding: int(s.padding[d]),
        kernel: int(s.kernel[d]),
    };
    let mut shape = CardScatter {
        sums: apart as i64,
        batch,
        row: window(0),
        column: window(1),
        rows: int(rows),
        chunk: int(chunk),
        chunks: int(chunks),
        groups: int(s.groups),
        c: int(s.c),
        out: int(s.out),
        src_channels: int(s.groups * s.c),
        dy_channels: int(s.groups * s.out),
        row_tiles: 0,
        column_tiles: 0,
    };
    if s.groups > 1 && s.out <= DIRECT {
        let blocks = (height * s.groups * s.out).div_ceil(128);
        shape.row_tiles = int(blocks);
        let k = KERNELS.kernel("scatter_direct").grid([blocks * chunks, 1, 1], 128);
        return k.arg(Words(shape)).arg(src).arg(dy).arg(sums).launch();
    }
    let tiles = |t: &Tile<2>| [height.div_ceil(t.rows), s.out.div_ceil(t.columns)];
    let blocks = |t: &Tile<2>| tiles(t)[0] * tiles(t)[1] * chunks * batch.len();
    let [small, middle, wide] = &SCATTERS;
    let tile = if s.out > middle.columns && blocks(wide) >= MANY {
        wide
    } else if s.out > small.columns && blocks(middle) >= MANY {
        middle
    } else {
        small
    };
    let [row_tiles, column_tiles] = tiles(tile);
    (shape.row_tiles, shape.column_tiles) = (int(row_tiles), int(column_tiles));
    let vector = s.c.is_multiple_of(4) && s.out.is_multiple_of(4) && batch.aligned();
    let k = KERNELS.kernel(tile.names[usize::from(vector)]).grid([blocks(tile), 1, 1], tile.threads);
    k.arg(Words(shape)).arg(src).arg(dy).arg(sums).launch();
}

/// +0 everywhere: a sum over nothing.
pub(crate) fn zero(t: &mut Tensor) {
    driver::card().fill(t.address_mut(), 0, t.len());
}

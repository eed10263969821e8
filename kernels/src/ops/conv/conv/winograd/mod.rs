//! Convolutions by Winograd's minimal filtering: [`plane`] for 3x3 kernels, [`series`] for kernels of one row.
//!
//! Both cut the destination into tiles. A transform B' takes the source places that a tile reads to a few *points*, G takes
//! the weights to the same points, and A' takes the products back to the tile's outputs:
//!
//! - forward: `y = A' m`, `m = sum over channels of (B' d) (G g)`: for each point one fma chain from +0, channels ascending;
//!   bias is added last;
//! - input gradient: the same on flipped, transposed weights;
//! - weight gradient: `dw = G' u`, `u = sum over tiles of (B' d) (A dy)`: for each point chunks of 4,096 / (outputs of a tile)
//!   tiles, (image, row, column) ascending, one fma chain each from +0, then the fixed tree over chunks.
//!
//! Source places and gradients outside the image are +0. The transforms' additions and their order are in the two modules.
//! Here is what they share: the products, which run on the register tiles of [`crate::product`].

pub(in crate::ops) mod cuda;
mod plane;
pub(super) mod reference;
mod series;

use std::ops::Range;

use super::Geometry;
use crate::pool::{self, Ptr};
use crate::product::scatter::CHUNK;
use crate::product::{Panels, Table, tile};
use crate::{Tensor, tree};

/// Channels, source and destination, from which on transforms cost less than they save.
const CHANNELS: usize = 32;
/// Numbers of V and M of a block of tiles: they stay in a core's cache between the stages.
const BLOCK: usize = 256 << 10;
/// Sums of a weight-gradient task, which stay in cache from block to block.
const SUMS: usize = 160 << 10;

/// Whether a Winograd form is this convolution's specification: stride 1, undilated, ungrouped, at least 32 channels on both
/// sides, and a kernel and an output that one of the forms takes.
pub(super) fn applies(g: &Geometry) -> bool {
    let plain = g.conv.stride == [1, 1] && g.conv.dilation == [1, 1] && g.conv.groups == 1;
    plain && g.c >= CHANNELS && g.k >= CHANNELS && (plane::takes(g) || series::takes(g))
}

/// Tiles of one convolution, and the transforms of their points. Points lie in groups that are computed together.
trait Tiles: Sync {
    /// Source and destination channels.
    fn channels(&self) -> (usize, usize);
    /// Positions of the kernel.
    fn taps(&self) -> usize;
    /// Points of a group, and of all groups; the last group may have fewer.
    fn points(&self) -> (usize, usize);
    /// Tiles of all images.
    fn tiles(&self) -> usize;
    /// Outputs of a tile.
    fn outputs(&self) -> usize;
    /// V `[point][tile][c]` of some tiles and groups of points; `vs` from point to point.
    fn input(&self, x: &[f32], tiles: Range<usize>, groups: Range<usize>, vs: usize, v: &mut [f32]);
    /// The outputs of some tiles, which are theirs alone, from M `[point][tile][k]`, into y of `len` numbers.
    fn output(&self, m: &[f32], tiles: Range<usize>, ms: usize, bias: Option<&[f32]>, y: Ptr, len: usize);
    /// Z `[point][tile][wide]` of some tiles and one group of points, for some channels, tails +0.
    fn gradient(&self, dy: &[f32], tiles: Range<usize>, group: usize, lines: Lines, zs: usize, z: &mut [f32]);
    /// A row of U: one source channel's weights (line 0 starts at `from`, a tap's line `tap` numbers on) to all points.
    fn weights(&self, w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr);
    /// The same row of dw, from a row of sums.
    fn weight_gradient(&self, u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize);
}

/// Destination channels `first .. first + channels`, as lines of `wide` numbers.
#[derive(Debug, Clone, Copy)]
struct Lines {
    first: usize,
    channels: usize,
    wide: usize,
}

/// A row of U or its sums: it starts at `at`, is `wide` long, and a point's lies `point` numbers after the one before.
#[derive(Debug, Clone, Copy)]
struct Row {
    at: usize,
    point: usize,
    wide: usize,
}

/// y = x * w (+ bias).
pub(super) fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    with_forward(g, |s| run(s, x, w, bias, y));
}

/// dx (+ bias): the forward on flipped, transposed weights.
pub(super) fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    let mut turned = Tensor::uninit([w.len()]);
    let (c, k) = (g.c, g.k);
    let last = g.kernel[0] * g.kernel[1] - 1;
    pool::chunks_mut(turned.data_mut(), k * c, |tap, to| {
        let from = &w[(last - tap) * c * k..][..c * k];
        for (o, row) in to.chunks_exact_mut(c).enumerate() {
            row.iter_mut().enumerate().for_each(|(i, v)| *v = from[i * k + o]);
        }
    });
    let mut f = |s: &dyn Tiles| run(s, dy, turned.data(), bias, dx);
    if plane::takes(g) {
        f(&plane::Tiling::input_gradient(g));
    } else {
        series::with(series::Tiling::input_gradient(g), f);
    }
}

/// dw.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    with_forward(g, |s| sum_tiles(s, x, dy, dw));
}

/// Calls `f` with the forward's tiles.
fn with_forward(g: &Geometry, f: impl FnOnce(&dyn Tiles)) {
    if plane::takes(g) { f(&plane::Tiling::forward(g)) } else { series::with(series::Tiling::forward(g), f) }
}

/// A stride from point to point that does not let their streams share a cache set.
fn spaced(n: usize) -> usize {
    n + 16
}

fn run(s: &dyn Tiles, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let ((c, k), (group, points), tiles) = (s.channels(), s.points(), s.tiles());
    let panels = Panels { channels: k, lanes: tile::lanes(), registers: tile::gather_registers(k) };
    let u = transform_weights(s, panels, w);
    let block = (BLOCK / (points * (c + k))).clamp(24, 96);
    let (vs, ms) = (spaced(block * c), spaced(block * k));
    let (out, outputs) = (Ptr(y.as_mut_ptr()), y.len());
    pool::run(tiles.div_ceil(block), |item| {
        let block = item * block..((item + 1) * block).min(tiles);
        let n = block.len();
        let (mut v, mut m) = (Tensor::uninit([points * vs]), Tensor::uninit([points * ms]));
        s.input(x, block.clone(), 0..points.div_ceil(group), vs, v.data_mut());
        let mut rows = Table::<*const f32>::new(n);
        let mut sums = Table::<*mut f32>::new(n);
        let (from, to) = (v.data().as_ptr(), m.data_mut().as_mut_ptr());
        for t in 0..n {
            rows.push(from.wrapping_add(t * c));
            sums.push(to.wrapping_add(t * k));
        }
        let (rows, sums, run) = (rows.as_slice(), sums.as_slice(), [(0, c)]);
        for f in 0..points {
            for p in 0..panels.len() {
                let panel = panels.get(p);
                let weights = u.data()[(f * panels.width() + panels.offset(p)) * c..].as_ptr();
                let table = tile::gather_table(panel.registers);
                let count = n.div_ceil(table.len());
                for i in 0..count {
                    let (a, b) = (i * n / count, (i + 1) * n / count);
                    // SAFETY: b - a rows of point f (the shift) with c numbers each; sums of point f, `panel.channels` of
                    // them; the panel's weights. The level's instructions exist.
                    unsafe {
                        table[b - a - 1](
                            rows[a..].as_ptr(),
                            &run,
                            f * vs,
                            weights,
                            sums[a..].as_ptr(),
                            f * ms + panel.first,
                            panel.channels,
                            std::ptr::null(),
                            weights.wrapping_add(c * panel.registers * panels.lanes),
                        );
                    }
                }
            }
        }
        s.output(m.data(), block, ms, bias, out, outputs);
    });
}

/// U as `[point][panel][c][registers * lanes]`, tails +0.
fn transform_weights(s: &dyn Tiles, panels: Panels, w: &[f32]) -> Tensor {
    const ROWS: usize = 16;
    let ((c, k), (_, points)) = (s.channels(), s.points());
    let mut u = Tensor::uninit([points * panels.width() * c]);
    let to = Ptr(u.data_mut().as_mut_ptr());
    let parts = c.div_ceil(ROWS);
    assert_eq!(w.len(), s.taps() * c * k);
    pool::run(panels.len() * parts, |item| {
        let (panel, c0) = (panels.get(item / parts), item % parts * ROWS);
        let wide = panel.registers * panels.lanes;
        for i in c0..(c0 + ROWS).min(c) {
            let row = Row { at: panels.offset(item / parts) * c + i * wide, point: panels.width() * c, wide };
            s.weights(w, i * k + panel.first, c * k, panel.channels, &row, to);
        }
    });
    u
}

/// dw from sums over all tiles.
fn sum_tiles(s: &dyn Tiles, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let ((c, k), (group, points), tiles) = (s.channels(), s.points(), s.tiles());
    let panels = Panels { channels: k, lanes: tile::lanes(), registers: tile::scatter_registers(k) };
    let (width, in_chunk) = (panels.width(), CHUNK / s.outputs());
    let chunks = tiles.div_ceil(in_chunk);
    let each = points * c * width;
    // A task takes a chunk and some units: pairs of a group of points and a panel.
    let units = points.div_ceil(group) * panels.len();
    let split = 8usize.div_ceil(chunks).max(each.div_ceil(SUMS)).min(units);
    let most = panels.lanes * panels.registers;
    let block = (BLOCK / 4 / (group * (c + most))).clamp(24, 96).min(in_chunk);
    let mut partial = Tensor::uninit([chunks * each]);
    let sums = Ptr(partial.data_mut().as_mut_ptr());
    pool::run(chunks * split, |item| {
        let (chunk, part) = (item / split, item % split);
        let mine = part * units / split..(part + 1) * units / split;
        // Sums lie as [point][panel][c][registers * lanes].
        let at = |f: usize, p: usize| chunk * each + (f * width + panels.offset(p)) * c;
        let points_of = |q: usize| q * group..((q + 1) * group).min(points);
        for unit in mine.clone() {
            let p = unit % panels.len();
            for f in points_of(unit / panels.len()) {
                // SAFETY: this task's own sums, inside the buffer.
                unsafe { sums.slice(at(f, p), c * panels.get(p).registers * panels.lanes) }.fill(0.0);
            }
        }
        let (vs, zs) = (spaced(block * c), spaced(block * most));
        let (mut v, mut z) = (Tensor::uninit([group * vs]), Tensor::uninit([group * zs]));
        let (mut first, end) = (chunk * in_chunk, ((chunk + 1) * in_chunk).min(tiles));
        while first < end {
            let n = block.min(end - first);
            let mut held = usize::MAX;
            for unit in mine.clone() {
                let (q, p) = (unit / panels.len(), unit % panels.len());
                if q != held {
                    s.input(x, first..first + n, q..q + 1, vs, v.data_mut());
                    held = q;
                }
                let panel = panels.get(p);
                let wide = panel.registers * panels.lanes;
                let lines = Lines { first: panel.first, channels: panel.channels, wide };
                s.gradient(dy, first..first + n, q, lines, zs, z.data_mut());
                let table = tile::scatter_table(panel.registers);
                let cuts = c.div_ceil(table.len());
                for (i, f) in points_of(q).enumerate() {
                    let (from, line) = (v.data()[i * vs..].as_ptr(), z.data()[i * zs..].as_ptr());
                    for cut in 0..cuts {
                        let (a, b) = (cut * c / cuts, (cut + 1) * c / cuts);
                        // SAFETY: n tiles of c numbers from point i of V, n lines of `wide` of Z, b - a rows of this task's
                        // sums. The level's instructions exist.
                        unsafe {
                            table[b - a - 1](&[(a, n)], from, c, line, sums.at(at(f, p) + a * wide), wide, false)
                        };
                    }
                }
            }
            first += n;
        }
    });
    let pieces = (each / 8192).clamp(1, 64);
    pool::run(pieces, |p| {
        let (a, b) = (p * each / pieces, (p + 1) * each / pieces);
        tree::pairwise(chunks, |i, j| {
            // SAFETY: elements a..b of two different chunks; pieces are disjoint, and inside the buffer.
            let (x, y) = unsafe { (sums.slice(i * each + a, b - a), sums.slice(j * each + a, b - a)) };
            x.iter_mut().zip(y).for_each(|(x, y)| *x += *y);
        });
    });
    assert_eq!(dw.len(), s.taps() * c * k);
    let to = Ptr(dw.as_mut_ptr());
    pool::run(c, |i| {
        for p in 0..panels.len() {
            let panel = panels.get(p);
            let wide = panel.registers * panels.lanes;
            let row = Row { at: panels.offset(p) * c + i * wide, point: width * c, wide };
            s.weight_gradient(partial.data(), &row, panel.channels, to, i * k + panel.first, c * k);
        }
    });
}

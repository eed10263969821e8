//! Weight gradients: sums over the rows (n, a, b) of all images.
//!
//! Order: chunks of [`CHUNK`] rows in (n, a, b) order, one fma chain each from +0, then the fixed tree over chunks. A tap
//! outside the source is a term `fma(+0, dy, acc)` like any other.

use super::gather::copy_columns;
use super::tile::{self, Run};
use super::{Panel, Panels, Table};
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// Rows in one chain. A constant of the specification.
pub const CHUNK: usize = 4096;

/// Floats of source and dy that a task works on at a time, so that they stay in cache.
const BLOCK: usize = 64 << 10;
/// Tasks wanted at least; outputs are split where there are fewer chunks.
const TASKS: usize = 8;
/// Multiply-adds from which on a sum is work for all threads.
const MUCH: usize = 1 << 20;

/// A weight gradient: `dw[kh][kw][c][o] = sum over (n, a, b) of src[n, a*sh + kh*dh - top, b*sw + kw*dw - left, g*C + c] *
/// dy[n, a, b, o]`, where output channel o belongs to group g = o / (K / groups).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scatter {
    /// Images.
    pub n: usize,
    /// Source height and width.
    pub size: [usize; 2],
    /// Source channels a group.
    pub c: usize,
    /// Output channels a group.
    pub out: usize,
    /// Groups.
    pub groups: usize,
    /// Output height and width.
    pub grid: [usize; 2],
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Dilation.
    pub dilation: [usize; 2],
    /// Rows of padding above, columns left.
    pub padding: [usize; 2],
}

impl Scatter {
    /// Of a matrix product: `dw [c, out]` from rows of `c` and of `out` numbers.
    pub fn rows(rows: usize, c: usize, out: usize) -> Self {
        Self::groups(1, rows, 1, c, out)
    }

    /// Of products side by side: `dw [c, groups * out]` from `n` images of `rows` rows of `groups * c` and `groups * out`
    /// numbers.
    pub fn groups(n: usize, rows: usize, groups: usize, c: usize, out: usize) -> Self {
        Self {
            n,
            size: [1, rows],
            c,
            out,
            groups,
            grid: [1, rows],
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: [0, 0],
        }
    }
}

/// How the source is laid out for the tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    /// As it lies: 1x1, stride 1, no padding, so that every number is used once a panel.
    Raw,
    /// (kw, c) is one run of the padded row, few enough to be one tile: stems.
    Folded,
    /// Blocks of up to 16 channels, `[block][kernel row][column][16]`: a line a pixel, no set conflicts.
    Blocked,
}

/// A piece of one output row.
#[derive(Debug, Clone, Copy)]
struct Piece {
    image: usize,
    row: usize,
    first: usize,
    len: usize,
}

/// Channels of a block.
const WIDE: usize = 16;

impl Scatter {
    /// Fills `dw` `[kh, kw, c, groups * out]` from the source `[n, size.., groups * c]` and the gradient of the output
    /// `[n, grid.., groups * out]`.
    pub fn run(&self, src: &[f32], dy: &[f32], dw: &mut [f32]) {
        let [kh, kw] = self.kernel;
        let rows = self.n * self.grid[0] * self.grid[1];
        assert_eq!(dw.len(), kh * kw * self.c * self.groups * self.out);
        if rows == 0 || dw.is_empty() {
            return dw.fill(0.0);
        }
        let panels = Panels { channels: self.out, lanes: tile::lanes(), registers: tile::scatter_registers(self.out) };
        let tall = tile::scatter_table(panels.registers).len().min(WIDE);
        let plain = kh * kw == 1 && self.stride == [1, 1] && self.padding == [0, 0] && self.grid == self.size;
        let layout = if plain {
            Layout::Raw
        } else if self.groups == 1 && self.dilation[1] == 1 && kw * self.c <= tall {
            Layout::Folded
        } else {
            Layout::Blocked
        };
        // A unit: one group's panel and one tap; its accumulators are [c][registers * lanes]. Folded, a tap is a kernel row.
        let (taps, depth) = if layout == Layout::Folded { (kh, kw * self.c) } else { (kh * kw, self.c) };
        let units = self.groups * panels.len() * taps;
        let width = self.groups * taps * depth * panels.width();
        let chunks = rows.div_ceil(CHUNK);
        let much = rows * width >= MUCH;
        let split = if much { TASKS.div_ceil(chunks).min(units) } else { 1 };
        // One chain a number and whole panels: the tiles write dw itself.
        let direct = layout == Layout::Raw && chunks == 1 && self.out.is_multiple_of(panels.lanes);
        let row = self.groups * self.out;
        let plan = Plan { src, dy, layout, taps, depth, panels, tall, width, direct: direct.then_some(row) };
        if direct {
            let to = Ptr(dw.as_mut_ptr());
            return pool::run_if(split > 1, split, |part| {
                self.chunk(&plan, 0..rows, part * units / split..(part + 1) * units / split, to.at(0));
            });
        }
        let mut partial = Tensor::uninit([chunks * width]);
        let parts = Ptr(partial.data_mut().as_mut_ptr());
        pool::run(chunks * split, |task| {
            let (chunk, part) = (task / split, task % split);
            let units = part * units / split..(part + 1) * units / split;
            self.chunk(&plan, chunk * CHUNK..((chunk + 1) * CHUNK).min(rows), units, parts.at(chunk * width));
        });
        // The fixed tree over chunks, cut across elements; then panels -> [kh][kw][c][K].
        let pieces = if chunks > 1 { (width / 8192).clamp(1, 64) } else { 0 };
        pool::run(pieces, |p| {
            let (a, b) = (p * width / pieces, (p + 1) * width / pieces);
            tree::pairwise(chunks, |i, j| {
                // SAFETY: elements a..b of two different chunks; pieces are disjoint, and inside the buffer.
                let (x, y) = unsafe { (parts.slice(i * width + a, b - a), parts.slice(j * width + a, b - a)) };
                add(x, y);
            });
        });
        let sums = &partial.data()[..width];
        for unit in 0..units {
            let (g, panel, tap) = plan.unit(unit);
            let from = &sums[plan.accumulators(unit)..];
            let wide = panel.registers * panels.lanes;
            for c in 0..depth {
                let to = (tap * depth + c) * self.groups * self.out + g * self.out + panel.first;
                dw[to..to + panel.channels].copy_from_slice(&from[c * wide..][..panel.channels]);
            }
        }
    }

    /// Rows `rows` of the sum for some units, into the chunk's accumulators, which are this task's alone.
    fn chunk(&self, plan: &Plan<'_>, rows: std::ops::Range<usize>, units: std::ops::Range<usize>, acc: *mut f32) {
        let [gh, gw] = self.grid;
        let lanes = plan.panels.lanes * plan.panels.registers;
        let a_row = match plan.layout {
            Layout::Raw => 0,
            _ => self.kernel[0] * self.stride[1] * self.groups * self.c.next_multiple_of(WIDE),
        };
        let block = (BLOCK / (a_row + lanes)).max(64);
        let mut pieces = Table::<Piece>::new(block.min(rows.len()) / gw + 2);
        let mut at = rows.start;
        while at < rows.end {
            let end = rows.end.min(at + block);
            pieces.clear();
            let mut r = at;
            while r < end {
                let (image, row, first) = (r / (gh * gw), r / gw % gh, r % gw);
                let len = (gw - first).min(end - r);
                pieces.push(Piece { image, row, first, len });
                r += len;
            }
            self.block(plan, at..end, at == rows.start, pieces.as_slice(), units.clone(), acc);
            at = end;
        }
    }

    /// Adds a block of pieces to the accumulators of the units, which begin with it if it is the `first` of its chunk.
    fn block(
        &self,
        plan: &Plan<'_>,
        rows: std::ops::Range<usize>,
        first: bool,
        pieces: &[Piece],
        units: std::ops::Range<usize>,
        acc: *mut f32,
    ) {
        let (start, rows) = (rows.start, rows.len());
        let channels = self.groups * self.c;
        let packed = (plan.layout != Layout::Raw).then(|| self.pack_source(plan, pieces));
        let (mut segments, mut dy, mut held) = (Table::<Run>::new(pieces.len()), None, usize::MAX);
        for unit in units {
            let (g, panel, tap) = plan.unit(unit);
            let wide = panel.registers * plan.panels.lanes;
            if held != unit / plan.taps {
                let channel = g * self.out + panel.first;
                dy = Some(self.pack_dy(plan, start, rows, channel, panel.channels, wide));
                held = unit / plan.taps;
            }
            let dy = dy.as_ref().expect("packed above").data().as_ptr();
            let tiles = tile::scatter_table(panel.registers);
            let cuts = plan.depth.div_ceil(plan.tall);
            for cut in 0..cuts {
                let (c0, c1) = (cut * plan.depth / cuts, (cut + 1) * plan.depth / cuts);
                segments.clear();
                let (x, step) =
                    self.locate(plan, packed.as_ref(), pieces, start, g, tap, (cut, c0, channels), &mut segments);
                let (to, acc_step) = match plan.direct {
                    Some(row) => (g * self.out + panel.first, row),
                    None => (plan.accumulators(unit), wide),
                };
                // SAFETY: the segments lie in x with c1 - c0 numbers a pixel, dy has a row of `wide` a pixel, and the
                // accumulators of this unit are `depth` rows of `wide`. The level's instructions exist.
                unsafe {
                    let to = acc.add(to + c0 * acc_step);
                    tiles[c1 - c0 - 1](segments.as_slice(), x, step, dy, to, acc_step, first);
                }
            }
        }
    }

    /// Where the source numbers of a unit's cut lie: the base, the step from pixel to pixel, and a segment a piece.
    #[allow(clippy::too_many_arguments)]
    fn locate(
        &self,
        plan: &Plan<'_>,
        packed: Option<&Tensor>,
        pieces: &[Piece],
        start: usize,
        g: usize,
        tap: usize,
        (cut, c0, channels): (usize, usize, usize),
        segments: &mut Table<Run>,
    ) -> (*const f32, usize) {
        let (sw, kw) = (self.stride[1], self.kernel[1]);
        let Some(packed) = packed.map(Tensor::data) else {
            segments.push((0, pieces.iter().map(|p| p.len).sum()));
            return (plan.src[start * channels + g * self.c + c0..].as_ptr(), channels);
        };
        let folded = plan.layout == Layout::Folded;
        let line = if folded { self.c } else { WIDE };
        let (kernel_row, shift) = if folded { (tap, c0) } else { (tap / kw, tap % kw * self.dilation[1] * WIDE) };
        let blocks = if folded { 1 } else { plan.depth.div_ceil(plan.tall) };
        let mut piece_start = 0;
        for p in pieces {
            let cols = self.columns(p.len);
            let block = (g * blocks + if folded { 0 } else { cut }) * self.kernel[0] + kernel_row;
            segments.push((piece_start + block * cols * line + shift, p.len));
            piece_start += self.groups * blocks * self.kernel[0] * cols * line;
        }
        (packed.as_ptr(), sw * line)
    }

    /// Source columns that `len` neighbouring outputs read.
    fn columns(&self, len: usize) -> usize {
        (len - 1) * self.stride[1] + (self.kernel[1] - 1) * self.dilation[1] + 1
    }

    /// The source of each piece, +0 outside: folded `[kernel row][column][c]`, blocked `[block][kernel row][column][16]`.
    fn pack_source(&self, plan: &Plan<'_>, pieces: &[Piece]) -> Tensor {
        let channels = self.groups * self.c;
        let folded = plan.layout == Layout::Folded;
        let blocks = if folded { 1 } else { plan.depth.div_ceil(plan.tall) };
        let line = if folded { self.c } else { WIDE };
        let of = |p: &Piece| self.groups * blocks * self.kernel[0] * self.columns(p.len) * line;
        let total: usize = pieces.iter().map(of).sum();
        // A folded tile may look a few numbers past its last column's.
        let mut packed = Tensor::uninit([total + WIDE]);
        let longest = pieces.iter().map(|p| self.columns(p.len)).max().unwrap_or(0);
        let mut padded = Tensor::uninit([longest * channels]);
        let mut rest = &mut packed.data_mut()[..total];
        for p in pieces {
            let cols = self.columns(p.len);
            let (here, after) = rest.split_at_mut(of(p));
            for kr in 0..self.kernel[0] {
                let y = (p.row * self.stride[0] + kr * self.dilation[0]) as isize - self.padding[0] as isize;
                let inside = y >= 0 && (y as usize) < self.size[0];
                let from = inside.then(|| {
                    let row = (p.image * self.size[0] + y as usize) * self.size[1] * channels;
                    &plan.src[row..row + self.size[1] * channels]
                });
                let left = (p.first * self.stride[1]) as isize - self.padding[1] as isize;
                if folded {
                    copy_columns(from, left, channels, &mut here[kr * cols * line..][..cols * line]);
                    continue;
                }
                let row = &mut padded.data_mut()[..cols * channels];
                copy_columns(from, left, channels, row);
                for g in 0..self.groups {
                    for b in 0..blocks {
                        let (c0, c1) = (b * plan.depth / blocks, (b + 1) * plan.depth / blocks);
                        let to = &mut here[((g * blocks + b) * self.kernel[0] + kr) * cols * line..][..cols * line];
                        pack_lines(row, channels, g * self.c + c0, c1 - c0, to, line);
                    }
                }
            }
            rest = after;
        }
        packed
    }

    /// Channels `first..` of dy's rows, as lines of `wide`, tails filled with +0.
    fn pack_dy(
        &self,
        plan: &Plan<'_>,
        start: usize,
        rows: usize,
        first: usize,
        channels: usize,
        wide: usize,
    ) -> Tensor {
        let k = self.groups * self.out;
        let mut t = Tensor::uninit([rows * wide]);
        pack_lines(&plan.dy[start * k..(start + rows) * k], k, first, channels, t.data_mut(), wide);
        t
    }
}

/// What all tasks share.
struct Plan<'a> {
    src: &'a [f32],
    dy: &'a [f32],
    layout: Layout,
    taps: usize,
    depth: usize,
    panels: Panels,
    /// Most rows of a tile.
    tall: usize,
    /// Accumulators of a chunk.
    width: usize,
    /// The accumulators are dw's own numbers, rows so far apart; there is one tap.
    direct: Option<usize>,
}

impl Plan<'_> {
    /// Unit number -> (group, panel, tap).
    fn unit(&self, unit: usize) -> (usize, Panel, usize) {
        let (group_panel, tap) = (unit / self.taps, unit % self.taps);
        (group_panel / self.panels.len(), self.panels.get(group_panel % self.panels.len()), tap)
    }

    /// Where a unit's accumulators start; for the number of units, where they end.
    fn accumulators(&self, unit: usize) -> usize {
        let (group_panel, tap) = (unit / self.taps, unit % self.taps);
        let (g, p) = (group_panel / self.panels.len(), group_panel % self.panels.len());
        let before = (g * self.panels.width() + self.panels.offset(p)) * self.taps * self.depth;
        if before >= self.width {
            return self.width;
        }
        before + tap * self.depth * self.panels.get(p).registers * self.panels.lanes
    }
}

dispatch! {
    /// Channels `first..first + n` of rows of `channels`, as lines of `line` numbers, tails filled with +0.
    fn pack_lines(rows: &[f32], channels: usize, first: usize, n: usize, to: &mut [f32], line: usize) = pack_lines_body;
    /// x += y.
    fn add(x: &mut [f32], y: &[f32]) = add_body;
}

#[inline(always)]
fn pack_lines_body<S: Simd>(rows: &[f32], channels: usize, first: usize, n: usize, to: &mut [f32], line: usize) {
    for (from, to) in rows.chunks_exact(channels).zip(to.chunks_exact_mut(line)) {
        let mut c = 0;
        // SAFETY: `first + n` channels lie in a row and `line >= n` in a line; masked lanes are not touched.
        unsafe {
            while c < line {
                let have = (n - c.min(n)).min(S::L);
                let v = if have == 0 { S::zero() } else { S::load_n(from.as_ptr().add(first + c), have) };
                S::store_n(to.as_mut_ptr().add(c), v, (line - c).min(S::L));
                c += S::L;
            }
        }
    }
}

#[inline(always)]
fn add_body<S: Simd>(x: &mut [f32], y: &[f32]) {
    for (a, b) in x.iter_mut().zip(y) {
        *a += *b;
    }
}

//! Outputs gathered from taps: the forward of every product, and the input gradient of convolutions.

use super::tile::{self, Run};
use super::turn::turn;
use super::{Panels, Table};
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch};

/// Floats of padded source that a task keeps in its core's cache.
const TASK: usize = 128 << 10;
/// Weights from which on all threads pack them.
const PACK: usize = 1 << 16;

/// One dimension of a gather: the output positions 0, 1, .. that are computed, and the taps, in the order of the sum. Tap j
/// of output position i reads source position `i * step + first + j * dilation` and takes weight `weight + j * weight_step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Length of the source.
    pub size: usize,
    /// Output positions.
    pub grid: usize,
    /// Source step from output position to output position.
    pub step: usize,
    /// Taps.
    pub taps: usize,
    /// Source position of the first tap at output position 0; may lie outside.
    pub first: isize,
    /// Source step from tap to tap.
    pub dilation: usize,
    /// Number of the first tap's weights; the numbers of both dimensions add up.
    pub weight: usize,
    /// From tap to tap.
    pub weight_step: isize,
    /// Length of the destination.
    pub dst_size: usize,
    /// Destination of output position 0.
    pub dst_start: usize,
    /// Destination step from output position to output position.
    pub dst_step: usize,
}

impl Axis {
    /// `n` positions, each its own output: a dimension of rows that a matrix takes part in one by one.
    pub fn rows(n: usize) -> Self {
        Self {
            size: n,
            grid: n,
            step: 1,
            taps: 1,
            first: 0,
            dilation: 1,
            weight: 0,
            weight_step: 0,
            dst_size: n,
            dst_start: 0,
            dst_step: 1,
        }
    }
}

/// A tap: where it reads, relative to `output position * step`, and which weights it takes.
#[derive(Debug, Clone, Copy)]
struct Tap {
    dh: isize,
    dw: isize,
    weight: usize,
}

/// The taps of two dimensions, in the order of the sum.
fn taps([rows, columns]: &[Axis; 2]) -> Table<Tap> {
    let at = |a: &Axis, j: usize| (a.first + (j * a.dilation) as isize, a.weight as isize + j as isize * a.weight_step);
    let mut taps = Table::new(rows.taps * columns.taps);
    for i in 0..rows.taps {
        for j in 0..columns.taps {
            let ((dh, down), (dw, right)) = (at(rows, i), at(columns, j));
            taps.push(Tap { dh, dw, weight: (down + right) as usize });
        }
    }
    taps
}

/// Where weight (tap, group, k channel, output channel) lies: sums of number * stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightStrides {
    /// From tap to tap.
    pub tap: usize,
    /// From group to group.
    pub group: usize,
    /// From source channel to source channel.
    pub k: usize,
    /// From output channel to output channel.
    pub out: usize,
}

/// A gather: `dst[n, a, b, g * out + o] = bias + sum over taps, then c, of src[n, a*sh + dh, b*sw + dw, g * c + ..] * w`,
/// one fma chain in the order of the taps (rows, then columns); a tap outside the source reads +0 and is a term like any
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// Images.
    pub n: usize,
    /// Source channels a group.
    pub c: usize,
    /// Output channels a group.
    pub out: usize,
    /// Groups.
    pub groups: usize,
    /// Strides of the weights.
    pub strides: WeightStrides,
}

impl Gather {
    /// Writes the positions of two dimensions (rows, columns) in `dst` `[n, dst sizes.., groups * out]`; others are left
    /// alone. `src` is `[n, sizes.., groups * c]`; `bias` one number an output channel.
    pub fn run(&self, axes: [Axis; 2], src: &[f32], weights: &[f32], bias: Option<&[f32]>, dst: &mut [f32]) {
        let taps = taps(&axes);
        let source = Source { data: src, size: axes.map(|a| a.size), channels: self.groups * self.c };
        let (size, step) = (source.size, axes.map(|a| a.step));
        let [gh, gw] = axes.map(|a| a.grid);
        let taps = taps.as_slice();
        let k = taps.len() * self.c;
        let cs = self.groups * self.c;
        if self.n * gh * gw * self.out == 0 {
            return;
        }
        assert_eq!(src.len(), self.n * size[0] * size[1] * cs);
        assert_eq!(dst.len(), self.n * axes[0].dst_size * axes[1].dst_size * self.groups * self.out);
        let panels = Panels { channels: self.out, lanes: tile::lanes(), registers: tile::gather_registers(self.out) };
        let packed = self.pack(taps, weights, panels, k);

        // The source as the taps see it: rows top.. and columns left.. relative to position * step.
        let edge = |f: fn(&Tap) -> isize| {
            let (low, high) = taps.iter().map(f).fold((isize::MAX, isize::MIN), |(l, h), v| (l.min(v), h.max(v)));
            if low > high { (0, 0) } else { (low, high) }
        };
        let ((top, bottom), (left, right)) = (edge(|t| t.dh), edge(|t| t.dw));
        let rows_of = |grid_rows: usize| (grid_rows - 1) * step[0] + (bottom - top) as usize + 1;
        let cols = (gw - 1) * step[1] + (right - left) as usize + 1;
        // Nothing outside the source is read: take it as it lies.
        let inside = top >= 0 && left >= 0 && top as usize + rows_of(gh) <= size[0] && left as usize + cols <= size[1];
        let width = if inside { size[1] } else { cols };

        let mut runs = Table::<Run>::new(taps.len());
        for t in taps {
            let offset = ((t.dh - top) as usize * width + (t.dw - left) as usize) * cs;
            match runs.last_mut() {
                Some((start, len)) if *start + *len == offset && self.groups == 1 => *len += self.c,
                _ => runs.push((offset, self.c)),
            }
        }
        let runs = runs.as_slice();

        // A task: several whole images, or a band of rows of one, so that its source stays in cache; their number is a
        // multiple of 4 where that costs nothing, so that threads end together.
        let image = rows_of(gh) * width * cs;
        let (images, band) = if image >= TASK {
            (1, (TASK / (width * cs * step[0])).clamp(1, gh))
        } else {
            let tasks = self.n.div_ceil((TASK / image.max(1)).clamp(1, self.n)).next_multiple_of(4).min(self.n);
            (self.n.div_ceil(tasks), gh)
        };
        // Few images and much work: cut them further, or threads stand idle.
        let much = self.n * gh * gw * k * self.out * self.groups >= 1 << 20;
        let wanted = if much { 8usize.div_ceil(self.n).min(gh) } else { 1 };
        let band = band.min(gh.div_ceil(wanted));
        let bands = gh.div_ceil(band);
        let out = Ptr(dst.as_mut_ptr());
        let channels = self.groups * self.out;
        pool::run(self.n.div_ceil(images) * bands, |task| {
            let (i0, a0) = (task / bands * images, task % bands * band);
            let (ni, na) = (images.min(self.n - i0), band.min(gh - a0));
            let rows = rows_of(na);
            let first_row = (a0 * step[0]) as isize + top;
            let copy = (!inside).then(|| source.pad(i0, ni, first_row, rows, left, cols));
            let (base, image_step) = match &copy {
                Some(c) => (c.data().as_ptr(), rows * width * cs),
                None => {
                    let start = (i0 * size[0] + first_row as usize) * size[1] + left as usize;
                    (src[start * cs..].as_ptr(), size[0] * size[1] * cs)
                }
            };
            let pixels = ni * na * gw;
            let mut sources = Table::<*const f32>::new(pixels);
            let mut targets = Table::<*mut f32>::new(pixels);
            for i in 0..ni {
                for a in 0..na {
                    let row = base.wrapping_add(i * image_step + a * step[0] * width * cs);
                    let y = axes[0].dst_start + (a0 + a) * axes[0].dst_step;
                    let to = ((i0 + i) * axes[0].dst_size + y) * axes[1].dst_size + axes[1].dst_start;
                    for b in 0..gw {
                        sources.push(row.wrapping_add(b * step[1] * cs));
                        targets.push(out.at((to + b * axes[1].dst_step) * channels));
                    }
                }
            }
            let (sources, targets) = (sources.as_slice(), targets.as_slice());
            // While this task computes, the next one's source comes nearer (cold reads cost a tenth).
            let mut near = src.as_ptr().wrapping_add((i0 + ni) * size[0] * size[1] * cs);
            let bias = bias.map_or(std::ptr::null(), <[f32]>::as_ptr);
            for g in 0..self.groups {
                for p in 0..panels.len() {
                    let panel = panels.get(p);
                    let w = packed.data()[(g * panels.width() + panels.offset(p)) * k..].as_ptr();
                    let tiles = tile::gather_table(panel.registers);
                    // Tiles differ by at most one row: no ragged tail.
                    let count = pixels.div_ceil(tiles.len());
                    for t in 0..count {
                        let (p0, p1) = (t * pixels / count, (t + 1) * pixels / count);
                        let first = g * self.out + panel.first;
                        // SAFETY: p1 - p0 pointers of each table; every run lies in the (padded) source of its pixel by
                        // the choice of rows, columns and top / left; w is panel p of group g; targets are this task's
                        // own positions, and `first + channels` stays within a position. The level's instructions exist.
                        unsafe {
                            tiles[p1 - p0 - 1](
                                sources[p0..].as_ptr(),
                                runs,
                                g * self.c,
                                w,
                                targets[p0..].as_ptr(),
                                first,
                                panel.channels,
                                bias,
                                near,
                            );
                        }
                        near = near.wrapping_add(4 * k);
                    }
                }
            }
        });
    }

    /// Weights as panels: `[group][panel][k][registers * lanes]`, tails filled with +0.
    fn pack(&self, taps: &[Tap], weights: &[f32], panels: Panels, k: usize) -> Tensor {
        let mut packed = Tensor::uninit([(self.groups * panels.width() * k).max(1)]);
        let to = Ptr(packed.data_mut().as_mut_ptr());
        let s = self.strides;
        let worth = self.groups * panels.width() * k >= PACK;
        pool::run_if(worth, self.groups * panels.len(), |item| {
            let (g, p) = (item / panels.len(), item % panels.len());
            let panel = panels.get(p);
            let wide = panel.registers * panels.lanes;
            // SAFETY: the panels' parts are disjoint and lie in `packed`.
            let o = unsafe { to.slice((g * panels.width() + panels.offset(p)) * k, wide * k) };
            for (t, part) in taps.iter().zip(o.chunks_exact_mut((self.c * wide).max(1))) {
                let from = &weights[t.weight * s.tap + g * s.group + panel.first * s.out..];
                if s.out == 1 {
                    copy_lines(from, s.k, panel.channels, part, wide);
                    continue;
                }
                if s.k == 1 && s.out >= self.c {
                    // An output channel's weights lie in a row and go into a column.
                    turn(from, s.out, [panel.channels, self.c], part, wide);
                } else {
                    for (c, row) in part.chunks_exact_mut(wide).enumerate() {
                        for (o, v) in row[..panel.channels].iter_mut().enumerate() {
                            *v = from[c * s.k + o * s.out];
                        }
                    }
                }
                if panel.channels < wide {
                    part.chunks_exact_mut(wide).for_each(|row| row[panel.channels..].fill(0.0));
                }
            }
        });
        packed
    }
}

/// What taps read.
#[derive(Clone, Copy)]
struct Source<'a> {
    data: &'a [f32],
    size: [usize; 2],
    channels: usize,
}

impl Source<'_> {
    /// Rows `first_row..` and columns `left..` of images i0.., +0 outside: `[ni][rows][cols][channels]`.
    fn pad(&self, i0: usize, ni: usize, first_row: isize, rows: usize, left: isize, cols: usize) -> Tensor {
        let ([h, w], cs) = (self.size, self.channels);
        let mut t = Tensor::uninit([ni * rows * cols * cs]);
        for (r, row) in t.data_mut().chunks_exact_mut(cols * cs).enumerate() {
            let (i, y) = (i0 + r / rows, first_row + (r % rows) as isize);
            let from = (y >= 0 && (y as usize) < h).then(|| &self.data[(i * h + y as usize) * w * cs..][..w * cs]);
            copy_columns(from, left, cs, row);
        }
        t
    }
}

dispatch! {
    /// `n` numbers from every `step`th on, as lines of `line` numbers, tails filled with +0: as many lines as `to` has.
    fn copy_lines(from: &[f32], step: usize, n: usize, to: &mut [f32], line: usize) = copy_lines_body;
}

#[inline(always)]
fn copy_lines_body<S: Simd>(from: &[f32], step: usize, n: usize, to: &mut [f32], line: usize) {
    for (i, to) in to.chunks_exact_mut(line).enumerate() {
        let (from, mut c) = (&from[i * step..][..n], 0);
        // SAFETY: n numbers in `from`, `line` in `to`; masked lanes are not touched.
        unsafe {
            while c + S::L <= n {
                S::store(to.as_mut_ptr().add(c), S::load(from.as_ptr().add(c)));
                c += S::L;
            }
            while c < line {
                let have = n - c.min(n);
                let v = if have == 0 { S::zero() } else { S::load_n(from.as_ptr().add(c), have) };
                S::store_n(to.as_mut_ptr().add(c), v, (line - c).min(S::L));
                c += S::L;
            }
        }
    }
}

/// Copies columns `left..` of a source row into `to`, +0 outside the row (or where there is no row).
pub(crate) fn copy_columns(from: Option<&[f32]>, left: isize, channels: usize, to: &mut [f32]) {
    let Some(from) = from else { return to.fill(0.0) };
    let before = ((-left).max(0) as usize * channels).min(to.len());
    let skip = (left.max(0) as usize * channels).min(from.len());
    let n = (from.len() - skip).min(to.len() - before);
    to[..before].fill(0.0);
    to[before..before + n].copy_from_slice(&from[skip..skip + n]);
    to[before + n..].fill(0.0);
}

/// The gather that `c[m, n] = a[m, k] * b[k, n]` is, and its dimensions.
pub fn product([m, k, n]: [usize; 3], b_strides: [usize; 2]) -> (Gather, [Axis; 2]) {
    let strides = WeightStrides { tap: 0, group: 0, k: b_strides[0], out: b_strides[1] };
    (Gather { n: 1, c: k, out: n, groups: 1, strides }, [Axis::rows(m), Axis::rows(1)])
}

/// `c[m, n] = a[m, k] * b[k, n]` (+ bias over n), k ascending: the plain matrix product.
pub fn matmul(a: &[f32], b: &[f32], bias: Option<&[f32]>, mkn: [usize; 3], b_strides: [usize; 2], c: &mut [f32]) {
    let (gather, axes) = product(mkn, b_strides);
    gather.run(axes, a, b, bias, c);
}

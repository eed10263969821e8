//! Outputs gathered from taps: the forward of every product, and the input gradient of convolutions.

use super::tile::{self, Run};
use super::{Panels, Table};
use crate::Tensor;
use crate::pool::{self, Ptr};

/// Floats of padded source that a task keeps in its core's cache.
const TASK: usize = 128 << 10;

/// A tap: where it reads, relative to `output position * step`, and which weights it takes.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    /// Source rows down; may be negative.
    pub dh: i32,
    /// Source columns right; may be negative.
    pub dw: i32,
    /// Number of its weights.
    pub weight: i32,
}

/// Where weight (tap, group, k channel, output channel) lies: sums of number * stride.
#[derive(Debug, Clone, Copy)]
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
/// one fma chain in the order of `taps`; a tap outside the source reads +0 and is a term like any other.
pub struct Gather<'a> {
    /// Source `[n, h, w, groups * c]`.
    pub src: &'a [f32],
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
    /// Output positions computed, down and right.
    pub grid: [usize; 2],
    /// Source step from output position to output position.
    pub step: [usize; 2],
    /// Taps, in the order of the sum.
    pub taps: &'a [Tap],
    /// Weights.
    pub weights: &'a [f32],
    /// Their strides.
    pub strides: WeightStrides,
    /// One number an output channel.
    pub bias: Option<&'a [f32]>,
    /// Height and width of the destination.
    pub dst_size: [usize; 2],
    /// Destination position of output position (0, 0), and the step from one to the next.
    pub dst_start: [usize; 2],
    /// See `dst_start`.
    pub dst_step: [usize; 2],
}

impl Gather<'_> {
    /// Writes the grid's positions of `dst` `[n, dst_size.., groups * out]`; others are left alone.
    pub fn run(&self, dst: &mut [f32]) {
        let [gh, gw] = self.grid;
        let k = self.taps.len() * self.c;
        let cs = self.groups * self.c;
        if self.n * gh * gw * self.out == 0 {
            return;
        }
        assert_eq!(self.src.len(), self.n * self.size[0] * self.size[1] * cs);
        assert_eq!(dst.len(), self.n * self.dst_size[0] * self.dst_size[1] * self.groups * self.out);
        let panels = Panels { channels: self.out, lanes: tile::lanes(), registers: tile::gather_registers(self.out) };
        let packed = self.pack(panels, k);

        // The source as the taps see it: rows top.. and columns left.. relative to position * step.
        let edge = |f: fn(&Tap) -> i32| {
            let (low, high) = self.taps.iter().map(f).fold((i32::MAX, i32::MIN), |(l, h), v| (l.min(v), h.max(v)));
            if low > high { (0, 0) } else { (low as isize, high as isize) }
        };
        let ((top, bottom), (left, right)) = (edge(|t| t.dh), edge(|t| t.dw));
        let rows_of = |grid_rows: usize| (grid_rows - 1) * self.step[0] + (bottom - top) as usize + 1;
        let cols = (gw - 1) * self.step[1] + (right - left) as usize + 1;
        // Nothing outside the source is read: take it as it lies.
        let inside =
            top >= 0 && left >= 0 && top as usize + rows_of(gh) <= self.size[0] && left as usize + cols <= self.size[1];
        let width = if inside { self.size[1] } else { cols };

        let mut runs = Table::<Run>::new(self.taps.len());
        for t in self.taps {
            let offset = ((t.dh as isize - top) as usize * width + (t.dw as isize - left) as usize) * cs;
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
            (1, (TASK / (width * cs * self.step[0])).clamp(1, gh))
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
            let first_row = (a0 * self.step[0]) as isize + top;
            let copy = (!inside).then(|| self.pad(i0, ni, first_row, rows, left, cols));
            let (base, image_step) = match &copy {
                Some(c) => (c.data().as_ptr(), rows * width * cs),
                None => {
                    let start = (i0 * self.size[0] + first_row as usize) * self.size[1] + left as usize;
                    (self.src[start * cs..].as_ptr(), self.size[0] * self.size[1] * cs)
                }
            };
            let pixels = ni * na * gw;
            let mut sources = Table::<*const f32>::new(pixels);
            let mut targets = Table::<*mut f32>::new(pixels);
            for i in 0..ni {
                for a in 0..na {
                    let row = base.wrapping_add(i * image_step + a * self.step[0] * width * cs);
                    let y = self.dst_start[0] + (a0 + a) * self.dst_step[0];
                    let to = ((i0 + i) * self.dst_size[0] + y) * self.dst_size[1] + self.dst_start[1];
                    for b in 0..gw {
                        sources.push(row.wrapping_add(b * self.step[1] * cs));
                        targets.push(out.at((to + b * self.dst_step[1]) * channels));
                    }
                }
            }
            let (sources, targets) = (sources.as_slice(), targets.as_slice());
            // While this task computes, the next one's source comes nearer (cold reads cost a tenth).
            let mut near = self.src.as_ptr().wrapping_add((i0 + ni) * self.size[0] * self.size[1] * cs);
            let bias = self.bias.map_or(std::ptr::null(), <[f32]>::as_ptr);
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
    fn pack(&self, panels: Panels, k: usize) -> Tensor {
        let mut packed = Tensor::uninit([(self.groups * panels.width() * k).max(1)]);
        let to = Ptr(packed.data_mut().as_mut_ptr());
        let s = self.strides;
        pool::run(self.groups * panels.len(), |item| {
            let (g, p) = (item / panels.len(), item % panels.len());
            let panel = panels.get(p);
            let wide = panel.registers * panels.lanes;
            // SAFETY: the panels' parts are disjoint and lie in `packed`.
            let o = unsafe { to.slice((g * panels.width() + panels.offset(p)) * k, wide * k) };
            let mut rows = o.chunks_exact_mut(wide);
            for t in self.taps {
                let from = &self.weights[t.weight as usize * s.tap + g * s.group + panel.first * s.out..];
                for c in 0..self.c {
                    let row = rows.next().expect("k rows a panel");
                    if s.out == 1 {
                        row[..panel.channels].copy_from_slice(&from[c * s.k..][..panel.channels]);
                    } else {
                        for (o, v) in row[..panel.channels].iter_mut().enumerate() {
                            *v = from[c * s.k + o * s.out];
                        }
                    }
                    row[panel.channels..].fill(0.0);
                }
            }
        });
        packed
    }

    /// Rows `first_row..` and columns `left..` of images i0.., +0 outside: `[ni][rows][cols][channels]`.
    fn pad(&self, i0: usize, ni: usize, first_row: isize, rows: usize, left: isize, cols: usize) -> Tensor {
        let ([h, w], cs) = (self.size, self.groups * self.c);
        let mut t = Tensor::uninit([ni * rows * cols * cs]);
        for (r, row) in t.data_mut().chunks_exact_mut(cols * cs).enumerate() {
            let (i, y) = (i0 + r / rows, first_row + (r % rows) as isize);
            let from = (y >= 0 && (y as usize) < h).then(|| &self.src[(i * h + y as usize) * w * cs..][..w * cs]);
            copy_columns(from, left, cs, row);
        }
        t
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

/// `c[m, n] = a[m, k] * b[k, n]` (+ bias over n), k ascending: the plain matrix product.
pub fn matmul(a: &[f32], b: &[f32], bias: Option<&[f32]>, [m, k, n]: [usize; 3], b_strides: [usize; 2], c: &mut [f32]) {
    Gather {
        src: a,
        n: 1,
        size: [m, 1],
        c: k,
        out: n,
        groups: 1,
        grid: [m, 1],
        step: [1, 1],
        taps: &[Tap { dh: 0, dw: 0, weight: 0 }],
        weights: b,
        strides: WeightStrides { tap: 0, group: 0, k: b_strides[0], out: b_strides[1] },
        bias,
        dst_size: [m, 1],
        dst_start: [0, 0],
        dst_step: [1, 1],
    }
    .run(c);
}

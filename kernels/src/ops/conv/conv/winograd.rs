//! Winograd's F(2x2, 3x3): the specification of stride-1, undilated, ungrouped 3x3 convolutions with at least 32 channels on
//! both sides, for 2.25 times fewer multiplications.
//!
//! A tile is 2x2 outputs; it reads a 4x4 patch d of the source, places outside being +0. With B, G, A from Lavin and Gray
//! (2016), section 4.1, and every transform applied to columns first, then to rows:
//! - input: v = B'dB by (d0 - d2, d1 + d2, d2 - d1, d1 - d3);
//! - weights: u = GgG' by s = g0 + g2, (g0, (s + g1) / 2, (s - g1) / 2, g2);
//! - product: m = sum over channels of v u, one fma chain from +0, ascending, for each of the 16 places;
//! - output: y = A'mA by ((m0 + m1) + m2, (m1 - m2) - m3); bias is added last.
//!
//! The input gradient is the same on flipped, transposed weights. The weight gradient is, for each of the 16 places, the sum
//! over tiles of v z with z = A dy A' by (y0, y0 + y1, y0 - y1, 0 - y1), outputs outside being +0: chunks of 1,024 tiles, one
//! fma chain each, then the fixed tree; then dw = G'uG by h = (u1 + u2) / 2, (u0 + h, (u1 - u2) / 2, h + u3).

#![allow(clippy::needless_range_loop)] // rows r and columns q of small matrices, transposed on the way

use super::Geometry;
use crate::pool::{self, Ptr};
use crate::product::scatter::CHUNK;
use crate::product::{Panels, Table, tile};
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// Outputs of a tile, down and across; and its patch.
pub(super) const M: usize = 2;
const A: usize = 4;
/// Places of a patch.
const F: usize = A * A;
/// Tiles in one chain of the weight gradient. A constant of the specification.
pub(super) const TILES: usize = CHUNK / (M * M);
/// Channels from which on it is the specification.
const CHANNELS: usize = 32;

/// Whether Winograd's form is this convolution's specification.
pub(super) fn applies(g: &Geometry) -> bool {
    g.kernel == [3, 3]
        && g.conv.stride == [1, 1]
        && g.conv.dilation == [1, 1]
        && g.conv.groups == 1
        && g.c >= CHANNELS
        && g.k >= CHANNELS
        && g.out[0] >= M
        && g.out[1] >= M
}

/// Source, destination and the tiles between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    n: usize,
    /// Source height and width.
    pub size: [usize; 2],
    /// Destination height and width.
    pub out: [usize; 2],
    /// Source place of the first tap of the first output; negative where there is padding.
    pub origin: [isize; 2],
    /// Source channels.
    pub c: usize,
    /// Destination channels.
    pub k: usize,
}

impl Tiling {
    /// Of the forward.
    pub fn forward(g: &Geometry) -> Self {
        let origin = [-(g.conv.padding[0][0] as isize), -(g.conv.padding[1][0] as isize)];
        Self { n: g.n, size: g.size, out: g.out, origin, c: g.c, k: g.k }
    }

    /// Of the input gradient.
    pub fn input_gradient(g: &Geometry) -> Self {
        let origin = [g.conv.padding[0][0] as isize - 2, g.conv.padding[1][0] as isize - 2];
        Self { n: g.n, size: g.out, out: g.size, origin, c: g.k, k: g.c }
    }

    fn across(&self) -> usize {
        self.out[1].div_ceil(M)
    }

    /// Tiles of all images.
    pub fn tiles(&self) -> usize {
        self.n * self.out[0].div_ceil(M) * self.across()
    }

    /// (image, first output row, first output column) of a tile.
    pub fn place(&self, t: usize) -> (usize, usize, usize) {
        let (down, across) = (self.out[0].div_ceil(M), self.across());
        (t / (down * across), t / across % down * M, t % across * M)
    }

    /// Tiles that a task carries through all stages, so that they stay in its core's cache.
    fn block(&self) -> usize {
        ((256 << 10) / (F * (self.c + self.k))).clamp(24, 96)
    }
}

/// y = x * w (+ bias).
pub(super) fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    run(&Tiling::forward(g), x, w, bias, y);
}

/// dx (+ bias): the forward on flipped, transposed weights.
pub(super) fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    let mut turned = Tensor::uninit([w.len()]);
    let (c, k) = (g.c, g.k);
    pool::chunks_mut(turned.data_mut(), k * c, |tap, to| {
        let from = &w[(8 - tap) * c * k..][..c * k];
        for (o, row) in to.chunks_exact_mut(c).enumerate() {
            row.iter_mut().enumerate().for_each(|(i, v)| *v = from[i * k + o]);
        }
    });
    run(&Tiling::input_gradient(g), dy, turned.data(), bias, dx);
}

/// A stride from place to place that does not let the 16 streams share a cache set.
fn spaced(n: usize) -> usize {
    n + 16
}

fn run(s: &Tiling, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let panels = Panels { channels: s.k, lanes: tile::lanes(), registers: tile::gather_registers(s.k) };
    let (u, block, tiles) = (transform_weights(s, panels, w), s.block(), s.tiles());
    let (vs, ms) = (spaced(block * s.c), spaced(block * s.k));
    let out = Ptr(y.as_mut_ptr());
    let outputs = y.len();
    pool::run(tiles.div_ceil(block), |item| {
        let (first, last) = (item * block, ((item + 1) * block).min(tiles));
        let n = last - first;
        let (mut v, mut m) = (Tensor::uninit([F * vs]), Tensor::uninit([F * ms]));
        transform_input(s, x, first, n, vs, v.data_mut());
        let mut rows = Table::<*const f32>::new(n);
        let mut sums = Table::<*mut f32>::new(n);
        let (from, to) = (v.data().as_ptr(), m.data_mut().as_mut_ptr());
        for t in 0..n {
            rows.push(from.wrapping_add(t * s.c));
            sums.push(to.wrapping_add(t * s.k));
        }
        let (rows, sums, run) = (rows.as_slice(), sums.as_slice(), [(0, s.c)]);
        for f in 0..F {
            for p in 0..panels.len() {
                let panel = panels.get(p);
                let weights = u.data()[(f * panels.width() + panels.offset(p)) * s.c..].as_ptr();
                let table = tile::gather_table(panel.registers);
                let count = n.div_ceil(table.len());
                for i in 0..count {
                    let (a, b) = (i * n / count, (i + 1) * n / count);
                    // SAFETY: b - a rows of place f (the shift) with c numbers each; sums of place f, `panel.channels` of
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
                            weights.wrapping_add(s.c * panel.registers * panels.lanes),
                        );
                    }
                }
            }
        }
        transform_output(s, m.data(), first, n, ms, bias, out, outputs);
    });
}

/// U as `[place][panel][c][registers * lanes]`, tails +0.
fn transform_weights(s: &Tiling, panels: Panels, w: &[f32]) -> Tensor {
    const ROWS: usize = 16;
    let mut u = Tensor::uninit([F * panels.width() * s.c]);
    let to = Ptr(u.data_mut().as_mut_ptr());
    let parts = s.c.div_ceil(ROWS);
    pool::run(panels.len() * parts, |item| {
        let (panel, c0) = (panels.get(item / parts), item % parts * ROWS);
        let wide = panel.registers * panels.lanes;
        for c in c0..(c0 + ROWS).min(s.c) {
            let base = panels.offset(item / parts) * s.c + c * wide;
            weights_row(w, s.c * s.k, c * s.k + panel.first, panel.channels, to, base, panels.width() * s.c, wide);
        }
    });
    u
}

/// dw from sums over all tiles.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let s = Tiling::forward(g);
    let panels = Panels { channels: s.k, lanes: tile::lanes(), registers: tile::scatter_registers(s.k) };
    let (tiles, block, width) = (s.tiles(), s.block().min(TILES), panels.width());
    let chunks = tiles.div_ceil(TILES);
    let split = panels.len().min(8usize.div_ceil(chunks));
    let each = F * s.c * width;
    let mut partial = Tensor::uninit([chunks * each]);
    let sums = Ptr(partial.data_mut().as_mut_ptr());
    pool::run(chunks * split, |item| {
        let (chunk, part) = (item / split, item % split);
        let mine = part * panels.len() / split..(part + 1) * panels.len() / split;
        // Sums lie as [place][panel][c][registers * lanes].
        let at = |f: usize, p: usize| chunk * each + (f * width + panels.offset(p)) * s.c;
        for f in 0..F {
            for p in mine.clone() {
                let n = s.c * panels.get(p).registers * panels.lanes;
                // SAFETY: this task's own sums, inside the buffer.
                unsafe { sums.slice(at(f, p), n) }.fill(0.0);
            }
        }
        let end = ((chunk + 1) * TILES).min(tiles);
        let mut first = chunk * TILES;
        let vs = spaced(block * s.c);
        let mut v = Tensor::uninit([F * vs]);
        while first < end {
            let n = block.min(end - first);
            transform_input(&s, x, first, n, vs, v.data_mut());
            for p in mine.clone() {
                let panel = panels.get(p);
                let wide = panel.registers * panels.lanes;
                let zs = spaced(block * wide);
                let mut z = Tensor::uninit([F * zs]);
                transform_gradient(&s, dy, (first, n), (panel.first, panel.channels, wide), zs, z.data_mut());
                let table = tile::scatter_table(panel.registers);
                let cuts = s.c.div_ceil(table.len());
                for f in 0..F {
                    for i in 0..cuts {
                        let (a, b) = (i * s.c / cuts, (i + 1) * s.c / cuts);
                        let (from, to) = (v.data()[f * vs..].as_ptr(), sums.at(at(f, p) + a * wide));
                        // SAFETY: n tiles of c numbers from place f of V, n rows of `wide` of z, b - a rows of this task's
                        // sums. The level's instructions exist.
                        unsafe { table[b - a - 1](&[(a, n)], from, s.c, z.data()[f * zs..].as_ptr(), to) };
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
    let to = Ptr(dw.as_mut_ptr());
    pool::run(s.c, |c| {
        for p in 0..panels.len() {
            let panel = panels.get(p);
            let wide = panel.registers * panels.lanes;
            let base = panels.offset(p) * s.c + c * wide;
            gradient_row(partial.data(), base, width * s.c, panel.channels, to, s.c * s.k, c * s.k + panel.first);
        }
    });
}

dispatch! {
    /// V `[place][tile][c]` of `n` tiles.
    fn transform_input(s: &Tiling, x: &[f32], first: usize, n: usize, vs: usize, v: &mut [f32]) = input_body;
    /// The outputs of `n` tiles, which are theirs alone, into y of `outputs` numbers.
    fn transform_output(s: &Tiling, m: &[f32], first: usize, n: usize, ms: usize, bias: Option<&[f32]>, y: Ptr, outputs: usize) = output_body;
    /// z `[place][tile][wide]` of `n` tiles from tile `first`, for channels `channels.0 ..` (their number, and the width).
    fn transform_gradient(s: &Tiling, dy: &[f32], tiles: (usize, usize), channels: (usize, usize, usize), zs: usize, z: &mut [f32]) = gradient_body;
    /// A row of U: `n` outputs from weight `at` (taps `tap` apart) to `base` (places `place` apart), tails +0 up to `wide`.
    fn weights_row(w: &[f32], tap: usize, at: usize, n: usize, u: Ptr, base: usize, place: usize, wide: usize) = weights_body;
    /// A row of dw from a row of sums.
    fn gradient_row(u: &[f32], base: usize, place: usize, n: usize, dw: Ptr, tap: usize, at: usize) = dw_body;
}

#[inline(always)]
unsafe fn input4<S: Simd>(d: [S::V; 4]) -> [S::V; 4] {
    // SAFETY: the caller is compiled for S.
    unsafe { [S::sub(d[0], d[2]), S::add(d[1], d[2]), S::sub(d[2], d[1]), S::sub(d[1], d[3])] }
}

#[inline(always)]
unsafe fn output4<S: Simd>(m: [S::V; 4]) -> [S::V; 2] {
    // SAFETY: the caller is compiled for S.
    unsafe { [S::add(S::add(m[0], m[1]), m[2]), S::sub(S::sub(m[1], m[2]), m[3])] }
}

#[inline(always)]
unsafe fn gradient2<S: Simd>(y: [S::V; 2]) -> [S::V; 4] {
    // SAFETY: the caller is compiled for S.
    unsafe { [y[0], S::add(y[0], y[1]), S::sub(y[0], y[1]), S::sub(S::zero(), y[1])] }
}

#[inline(always)]
unsafe fn weights3<S: Simd>(g: [S::V; 3]) -> [S::V; 4] {
    // SAFETY: the caller is compiled for S.
    unsafe {
        let (half, s) = (S::set(0.5), S::add(g[0], g[2]));
        [g[0], S::mul(half, S::add(s, g[1])), S::mul(half, S::sub(s, g[1])), g[2]]
    }
}

#[inline(always)]
unsafe fn dw4<S: Simd>(u: [S::V; 4]) -> [S::V; 3] {
    // SAFETY: the caller is compiled for S.
    unsafe {
        let half = S::set(0.5);
        let h = S::mul(half, S::add(u[1], u[2]));
        [S::add(u[0], h), S::mul(half, S::sub(u[1], u[2])), S::add(h, u[3])]
    }
}

#[inline(always)]
fn input_body<S: Simd>(s: &Tiling, x: &[f32], first: usize, n: usize, vs: usize, v: &mut [f32]) {
    assert!(v.len() >= F * vs && vs >= n * s.c && x.len() == s.n * s.size[0] * s.size[1] * s.c);
    let ([h, w], c) = (s.size, s.c);
    for i in 0..n {
        let (image, a, b) = s.place(first + i);
        let (r0, q0) = (a as isize + s.origin[0], b as isize + s.origin[1]);
        // Where each patch place lies in x; outside stays usize::MAX.
        let mut at = [[usize::MAX; A]; A];
        for (r, row) in at.iter_mut().enumerate() {
            for (q, at) in row.iter_mut().enumerate() {
                let (y, z) = (r0 + r as isize, q0 + q as isize);
                if y >= 0 && z >= 0 && (y as usize) < h && (z as usize) < w {
                    *at = ((image * h + y as usize) * w + z as usize) * c;
                }
            }
        }
        let mut j = 0;
        while j < c {
            let lanes = (c - j).min(S::L);
            // SAFETY: places inside lie in x with c channels; V has F places of n * c numbers (asserted above).
            unsafe {
                let mut t = [[S::zero(); A]; A];
                for q in 0..A {
                    let mut column = [S::zero(); A];
                    for r in 0..A {
                        if at[r][q] != usize::MAX {
                            column[r] = S::load_n(x.as_ptr().add(at[r][q] + j), lanes);
                        }
                    }
                    let o = input4::<S>(column);
                    for r in 0..A {
                        t[r][q] = o[r];
                    }
                }
                for (r, row) in t.into_iter().enumerate() {
                    for (q, o) in input4::<S>(row).into_iter().enumerate() {
                        S::store_n(v.as_mut_ptr().add((r * A + q) * vs + i * c + j), o, lanes);
                    }
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn output_body<S: Simd>(
    s: &Tiling,
    m: &[f32],
    first: usize,
    n: usize,
    ms: usize,
    bias: Option<&[f32]>,
    y: Ptr,
    outputs: usize,
) {
    let ([h, w], k) = (s.out, s.k);
    assert!(m.len() >= F * ms && ms >= n * k && outputs == s.n * h * w * k && bias.is_none_or(|b| b.len() == k));
    for i in 0..n {
        let (image, a, b) = s.place(first + i);
        let mut j = 0;
        while j < k {
            let lanes = (k - j).min(S::L);
            // SAFETY: M has F places of n * k numbers; the tile's outputs inside (checked) lie in y and are its own.
            unsafe {
                let mut t = [[S::zero(); A]; M];
                for q in 0..A {
                    let column =
                        std::array::from_fn(|r| S::load_n(m.as_ptr().add((r * A + q) * ms + i * k + j), lanes));
                    let o = output4::<S>(column);
                    for r in 0..M {
                        t[r][q] = o[r];
                    }
                }
                for (r, row) in t.into_iter().enumerate() {
                    for (q, mut o) in output4::<S>(row).into_iter().enumerate() {
                        if a + r < h && b + q < w {
                            if let Some(bias) = bias {
                                o = S::add(o, S::load_n(bias.as_ptr().add(j), lanes));
                            }
                            S::store_n(y.at(((image * h + a + r) * w + b + q) * k + j), o, lanes);
                        }
                    }
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(
    s: &Tiling,
    dy: &[f32],
    (first, n): (usize, usize),
    (channel, channels, wide): (usize, usize, usize),
    zs: usize,
    z: &mut [f32],
) {
    let ([h, w], k) = (s.out, s.k);
    assert!(z.len() >= F * zs && zs >= n * wide && dy.len() == s.n * h * w * k && channel + channels <= k);
    for i in 0..n {
        let (image, a, b) = s.place(first + i);
        let mut j = 0;
        while j < wide {
            let lanes = (channels - j.min(channels)).min(S::L);
            // SAFETY: outputs inside (checked) lie in dy, with `lanes` channels; z has F places of n rows of `wide`, a
            // multiple of S::L.
            unsafe {
                let mut t = [[S::zero(); M]; A];
                for q in 0..M {
                    let mut column = [S::zero(); M];
                    for (r, v) in column.iter_mut().enumerate() {
                        if a + r < h && b + q < w && lanes > 0 {
                            *v = S::load_n(dy.as_ptr().add(((image * h + a + r) * w + b + q) * k + channel + j), lanes);
                        }
                    }
                    let o = gradient2::<S>(column);
                    for r in 0..A {
                        t[r][q] = o[r];
                    }
                }
                for (r, row) in t.into_iter().enumerate() {
                    for (q, o) in gradient2::<S>(row).into_iter().enumerate() {
                        S::store(z.as_mut_ptr().add((r * A + q) * zs + i * wide + j), o);
                    }
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn weights_body<S: Simd>(w: &[f32], tap: usize, at: usize, n: usize, u: Ptr, base: usize, place: usize, wide: usize) {
    assert!(w.len() >= 8 * tap + at + n);
    let mut j = 0;
    while j < wide {
        let lanes = (n - j.min(n)).min(S::L);
        // SAFETY: nine taps of `n` weights (asserted); the caller's row of `wide` numbers, a multiple of S::L, a place.
        unsafe {
            let load =
                |t: usize| if lanes == 0 { S::zero() } else { S::load_n(w.as_ptr().add(t * tap + at + j), lanes) };
            let mut t = [[S::zero(); 3]; A];
            for q in 0..3 {
                let o = weights3::<S>([load(q), load(3 + q), load(6 + q)]);
                for r in 0..A {
                    t[r][q] = o[r];
                }
            }
            for (r, row) in t.into_iter().enumerate() {
                for (q, o) in weights3::<S>(row).into_iter().enumerate() {
                    S::store(u.at(base + (r * A + q) * place + j), o);
                }
            }
        }
        j += S::L;
    }
}

#[inline(always)]
fn dw_body<S: Simd>(u: &[f32], base: usize, place: usize, n: usize, dw: Ptr, tap: usize, at: usize) {
    assert!(u.len() >= 15 * place + base + n);
    let mut j = 0;
    while j < n {
        let lanes = (n - j).min(S::L);
        // SAFETY: 16 places of at least `n` sums (asserted); the caller's row of `n` weights a tap.
        unsafe {
            let mut t = [[S::zero(); A]; 3];
            for q in 0..A {
                let column = std::array::from_fn(|r| S::load_n(u.as_ptr().add((r * A + q) * place + base + j), lanes));
                let o = dw4::<S>(column);
                for r in 0..3 {
                    t[r][q] = o[r];
                }
            }
            for (r, row) in t.into_iter().enumerate() {
                for (q, o) in dw4::<S>(row).into_iter().enumerate() {
                    S::store_n(dw.at((r * 3 + q) * tap + at + j), o, lanes);
                }
            }
        }
        j += S::L;
    }
}

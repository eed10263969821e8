//! F(2x2, 3x3) for 3x3 kernels: 2.25 times fewer multiplications.
//!
//! A tile is 2x2 outputs; it reads a 4x4 patch d of the source. With B, G, A from Lavin and Gray (2016), section 4.1, and
//! every transform applied to columns first, then to rows:
//! - input: v = B'dB by (d0 - d2, d1 + d2, d2 - d1, d1 - d3);
//! - weights: u = GgG' by s = g0 + g2, (g0, (s + g1) / 2, (s - g1) / 2, g2);
//! - output: y = A'mA by ((m0 + m1) + m2, (m1 - m2) - m3);
//! - gradient: z = A dy A' by (y0, y0 + y1, y0 - y1, 0 - y1);
//! - weight gradient: dw = G'uG by h = (u1 + u2) / 2, (u0 + h, (u1 - u2) / 2, h + u3).
//!
//! Points are the 16 places of the patch; a group of them is a row.

#![allow(clippy::needless_range_loop)] // rows r and columns q of small matrices, transposed on the way

use std::ops::Range;

use super::{Geometry, Lines, Row, Tiles};
use crate::dispatch;
use crate::pool::Ptr;
use crate::simd::Simd;

/// Outputs of a tile, down and across; and its patch.
pub const M: usize = 2;
const A: usize = 4;
/// Places of a patch.
const F: usize = A * A;
/// Whether this form takes the kernel and the output.
pub fn takes(g: &Geometry) -> bool {
    g.kernel == [3, 3] && g.out[0] >= M && g.out[1] >= M
}

/// Source, destination and the tiles between them.
#[derive(Debug, Clone, Copy)]
pub struct Tiling {
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

    /// (image, first output row, first output column) of a tile.
    pub fn place(&self, t: usize) -> (usize, usize, usize) {
        let (down, across) = (self.out[0].div_ceil(M), self.across());
        (t / (down * across), t / across % down * M, t % across * M)
    }
}

impl Tiles for Tiling {
    fn channels(&self) -> (usize, usize) {
        (self.c, self.k)
    }

    fn taps(&self) -> usize {
        9
    }

    fn points(&self) -> (usize, usize) {
        (A, F)
    }

    fn tiles(&self) -> usize {
        self.n * self.out[0].div_ceil(M) * self.across()
    }

    fn outputs(&self) -> usize {
        M * M
    }

    fn input(&self, x: &[f32], tiles: Range<usize>, groups: Range<usize>, vs: usize, v: &mut [f32]) {
        transform_input(self, x, tiles, groups, vs, v);
    }

    fn output(&self, m: &[f32], tiles: Range<usize>, ms: usize, bias: Option<&[f32]>, y: Ptr, len: usize) {
        transform_output(self, m, tiles, ms, bias, y, len);
    }

    fn gradient(&self, dy: &[f32], tiles: Range<usize>, group: usize, lines: Lines, zs: usize, z: &mut [f32]) {
        transform_gradient(self, dy, tiles, group, lines, zs, z);
    }

    fn weights(&self, w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr) {
        weights_row(w, from, tap, n, row, u);
    }

    fn weight_gradient(&self, u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) {
        gradient_row(u, row, n, dw, to, tap);
    }
}

dispatch! {
    fn transform_input(s: &Tiling, x: &[f32], tiles: Range<usize>, rows: Range<usize>, vs: usize, v: &mut [f32]) = input_body;
    fn transform_output(s: &Tiling, m: &[f32], tiles: Range<usize>, ms: usize, bias: Option<&[f32]>, y: Ptr, outputs: usize) = output_body;
    fn transform_gradient(s: &Tiling, dy: &[f32], tiles: Range<usize>, row: usize, lines: Lines, zs: usize, z: &mut [f32]) = gradient_body;
    fn weights_row(w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr) = weights_body;
    fn gradient_row(u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) = dw_body;
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
fn input_body<S: Simd>(s: &Tiling, x: &[f32], tiles: Range<usize>, rows: Range<usize>, vs: usize, v: &mut [f32]) {
    assert!(rows.end <= A && x.len() == s.n * s.size[0] * s.size[1] * s.c);
    assert!(v.len() >= rows.len() * A * vs && vs >= tiles.len() * s.c);
    let ([h, w], c) = (s.size, s.c);
    for (i, tile) in tiles.enumerate() {
        let (image, a, b) = s.place(tile);
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
                for r in rows.clone() {
                    for (q, o) in input4::<S>(t[r]).into_iter().enumerate() {
                        let point = (r - rows.start) * A + q;
                        S::store_n(v.as_mut_ptr().add(point * vs + i * c + j), o, lanes);
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
    tiles: Range<usize>,
    ms: usize,
    bias: Option<&[f32]>,
    y: Ptr,
    outputs: usize,
) {
    let ([h, w], k) = (s.out, s.k);
    assert!(
        m.len() >= F * ms && ms >= tiles.len() * k && outputs == s.n * h * w * k && bias.is_none_or(|b| b.len() == k)
    );
    for (i, tile) in tiles.enumerate() {
        let (image, a, b) = s.place(tile);
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
    tiles: Range<usize>,
    row: usize,
    Lines { first, channels, wide }: Lines,
    zs: usize,
    z: &mut [f32],
) {
    let ([h, w], k) = (s.out, s.k);
    assert!(row < A && dy.len() == s.n * h * w * k && first + channels <= k);
    assert!(z.len() >= A * zs && zs >= tiles.len() * wide);
    for (i, tile) in tiles.enumerate() {
        let (image, a, b) = s.place(tile);
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
                            *v = S::load_n(dy.as_ptr().add(((image * h + a + r) * w + b + q) * k + first + j), lanes);
                        }
                    }
                    let o = gradient2::<S>(column);
                    for r in 0..A {
                        t[r][q] = o[r];
                    }
                }
                for (q, o) in gradient2::<S>(t[row]).into_iter().enumerate() {
                    S::store(z.as_mut_ptr().add(q * zs + i * wide + j), o);
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn weights_body<S: Simd>(w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr) {
    let Row { at, point, wide } = *row;
    assert!(w.len() >= 8 * tap + from + n);
    let mut j = 0;
    while j < wide {
        let lanes = (n - j.min(n)).min(S::L);
        // SAFETY: nine taps of `n` weights (asserted); the caller's row of `wide` numbers, a multiple of S::L, a place.
        unsafe {
            let load =
                |t: usize| if lanes == 0 { S::zero() } else { S::load_n(w.as_ptr().add(t * tap + from + j), lanes) };
            let mut t = [[S::zero(); 3]; A];
            for q in 0..3 {
                let o = weights3::<S>([load(q), load(3 + q), load(6 + q)]);
                for r in 0..A {
                    t[r][q] = o[r];
                }
            }
            for (r, row) in t.into_iter().enumerate() {
                for (q, o) in weights3::<S>(row).into_iter().enumerate() {
                    S::store(u.at(at + (r * A + q) * point + j), o);
                }
            }
        }
        j += S::L;
    }
}

#[inline(always)]
fn dw_body<S: Simd>(u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) {
    let Row { at, point, .. } = *row;
    assert!(u.len() >= (F - 1) * point + at + n);
    let mut j = 0;
    while j < n {
        let lanes = (n - j).min(S::L);
        // SAFETY: 16 places of at least `n` sums (asserted); the caller's row of `n` weights a tap.
        unsafe {
            let mut t = [[S::zero(); A]; 3];
            for q in 0..A {
                let column = std::array::from_fn(|r| S::load_n(u.as_ptr().add((r * A + q) * point + at + j), lanes));
                let o = dw4::<S>(column);
                for r in 0..3 {
                    t[r][q] = o[r];
                }
            }
            for (r, row) in t.into_iter().enumerate() {
                for (q, o) in dw4::<S>(row).into_iter().enumerate() {
                    S::store_n(dw.at((r * 3 + q) * tap + to + j), o, lanes);
                }
            }
        }
        j += S::L;
    }
}

//! Nested filters for kernels of one row with 3 to 8 taps: series, and rows of images without padding above and below.
//!
//! | taps | levels, innermost first | outputs of a tile | points | fewer multiplications |
//! |---|---|---|---|---|
//! | 3 | 3 | 2 | 4 | 1.5 times |
//! | 4 | 2, 2 | 4 | 9 | 1.78 |
//! | 5 | 2, 3 | 4 | 11 | 1.82 |
//! | 6 | 2, 3 | 4 | 12 | 2 |
//! | 7 | 2, 2, 2 | 8 | 26 | 2.15 |
//! | 8 | 2, 2, 2 | 8 | 27 | 2.37 |
//!
//! A level is the filter F(2, 2) or F(2, 3), with points 0, 1, infinity or 0, 1, -1, infinity, whose numbers are blocks of
//! numbers for the levels inside it. Only the outermost may have 3 taps, so what is inside a level has as many outputs as
//! taps, P together, and reads 2 P - 1 places; P = 1 inside the innermost. Block i of the source is its places
//! `i P .. i P + 2 P - 1`, block i of the weights and of the outputs their places `i P .. i P + P`, and a level combines its
//! blocks element by element:
//!
//! | of blocks | 2 taps | 3 taps |
//! |---|---|---|
//! | input: v of d | d0 - d1, d1, d2 - d1 | d0 - d2, d1 + d2, d2 - d1, d1 - d3 |
//! | weights: u of g | g0, g0 + g1, g1 | s = g0 + g2: g0, (s + g1) / 2, (s - g1) / 2, g2 |
//! | output: y of m | m0 + m1, m1 + m2 | (m0 + m1) + m2, (m1 - m2) - m3 |
//! | gradient: z of dy | y0, y0 + y1, y1 | y0, y0 + y1, y0 - y1, 0 - y1 |
//! | weight gradient: dw of u | u0 + u1, u1 + u2 | h = (u1 + u2) / 2: u0 + h, (u1 - u2) / 2, h + u3 |
//!
//! Input, weights and gradient go from the outermost level to the innermost, output and weight gradient back. Points are
//! numbered with the outermost level's slowest; a group of them is one point of the outermost level.
//!
//! Where the levels have a tap more than the kernel (5 and 7 taps) that weight is +0, and the last point, which it alone
//! reaches, is left out: its m (and its u in the weight gradient) is +0.
//!
//! The points 0, 1, -1 and infinity need no large factors: what the transforms add to rounding errors, the shorter chains
//! take away (measured in `docs/performance.md`).

use std::marker::PhantomData;
use std::ops::Range;

use super::{Geometry, Lines, Row, Tiles};
use crate::dispatch;
use crate::pool::Ptr;
use crate::simd::Simd;

/// Levels of a kernel, innermost first, if it is one of these.
pub fn levels(taps: usize) -> Option<&'static [usize]> {
    Some(match taps {
        3 => &[3],
        4 => &[2, 2],
        5 | 6 => &[2, 3],
        7 | 8 => &[2, 2, 2],
        _ => return None,
    })
}

/// Calls `f` with the transforms of a tiling's kernel.
pub fn with(s: Tiling, f: impl FnOnce(&dyn Tiles)) {
    match s.taps {
        3 => f(&Nested::<Level<3, One>>(s, PhantomData)),
        4 => f(&Nested::<Level<2, Level<2, One>>>(s, PhantomData)),
        5 | 6 => f(&Nested::<Level<3, Level<2, One>>>(s, PhantomData)),
        _ => f(&Nested::<Level<2, Level<2, Level<2, One>>>>(s, PhantomData)),
    }
}

/// Whether this form takes the kernel and the output: at least two tiles long.
pub fn takes(g: &Geometry) -> bool {
    let row = g.kernel[0] == 1 && g.conv.padding[0] == [0, 0];
    row && levels(g.kernel[1]).is_some_and(|l| g.out[1] >= 2 << l.len())
}

/// Source, destination and the tiles between them.
#[derive(Debug, Clone, Copy)]
pub struct Tiling {
    /// Rows of all images.
    pub rows: usize,
    /// Taps of the kernel.
    pub taps: usize,
    /// Outputs of a tile.
    pub m: usize,
    /// Source length.
    pub size: usize,
    /// Destination length.
    pub out: usize,
    /// Source place of the first tap of the first output; negative where there is padding.
    pub origin: isize,
    /// Source channels.
    pub c: usize,
    /// Destination channels.
    pub k: usize,
}

impl Tiling {
    /// Of the forward.
    pub fn forward(g: &Geometry) -> Self {
        let taps = g.kernel[1];
        let m = 1 << levels(taps).map_or(0, <[usize]>::len);
        let origin = -(g.conv.padding[1][0] as isize);
        Self { rows: g.n * g.size[0], taps, m, size: g.size[1], out: g.out[1], origin, c: g.c, k: g.k }
    }

    /// Of the input gradient.
    pub fn input_gradient(g: &Geometry) -> Self {
        let s = Self::forward(g);
        let origin = g.conv.padding[1][0] as isize + 1 - s.taps as isize;
        Self { size: s.out, out: s.size, origin, c: s.k, k: s.c, ..s }
    }

    fn across(&self) -> usize {
        self.out.div_ceil(self.m)
    }

    /// Tiles of all rows.
    pub fn count(&self) -> usize {
        self.rows * self.across()
    }

    /// (row, first output) of a tile.
    pub fn place(&self, t: usize) -> (usize, usize) {
        (t / self.across(), t % self.across() * self.m)
    }
}

/// A tiling with its transforms.
struct Nested<N>(Tiling, PhantomData<N>);

impl<N: Nest> Nested<N> {
    /// Points that are computed: without the last if no tap of the kernel reaches it.
    fn computed(&self) -> usize {
        N::POINTS - usize::from(self.0.taps < N::TAPS)
    }
}

impl<N: Nest> Tiles for Nested<N> {
    fn channels(&self) -> (usize, usize) {
        (self.0.c, self.0.k)
    }

    fn taps(&self) -> usize {
        self.0.taps
    }

    fn points(&self) -> (usize, usize) {
        (N::POINTS / N::GROUPS, self.computed())
    }

    fn tiles(&self) -> usize {
        self.0.count()
    }

    fn outputs(&self) -> usize {
        N::M
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
        weights_row(self, w, from, tap, n, row, u);
    }

    fn weight_gradient(&self, u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) {
        gradient_row(self, u, row, n, dw, to, tap);
    }
}

/// Most places of a tile's source, and most points.
const SOURCE: usize = 15;
const POINTS: usize = 27;
/// Places by which reading runs ahead of the tile in hand.
const AHEAD: usize = 8;

/// Levels, the outermost first. Sizes, and the transforms of registers.
///
/// # Safety
/// Every method may be called only where the instruction set of S is enabled, with slices of the sizes named.
trait Nest: Sync {
    /// Outputs of a tile.
    const M: usize;
    /// Taps.
    const TAPS: usize;
    /// Places that a tile reads.
    const SOURCE: usize = Self::M + Self::TAPS - 1;
    /// Points.
    const POINTS: usize;
    /// Points of the outermost level.
    const GROUPS: usize;

    /// v (one group) of d `[SOURCE]`.
    unsafe fn input<S: Simd>(group: usize, d: &[S::V], v: &mut [S::V]);
    /// z (one group) of y `[M]`.
    unsafe fn gradient<S: Simd>(group: usize, y: &[S::V], z: &mut [S::V]);
    /// u (one group) of g `[TAPS]`.
    unsafe fn weights<S: Simd>(group: usize, g: &[S::V], u: &mut [S::V]);
    /// y `[M]` of m `[POINTS]`.
    unsafe fn output<S: Simd>(m: &[S::V], y: &mut [S::V]);
    /// dw `[TAPS]` of u `[POINTS]`.
    unsafe fn weight_gradient<S: Simd>(u: &[S::V], dw: &mut [S::V]);
}

/// What is inside the innermost level: one number.
struct One;

impl Nest for One {
    const M: usize = 1;
    const TAPS: usize = 1;
    const POINTS: usize = 1;
    const GROUPS: usize = 1;

    #[inline(always)]
    unsafe fn input<S: Simd>(_: usize, d: &[S::V], v: &mut [S::V]) {
        v[0] = d[0];
    }

    #[inline(always)]
    unsafe fn gradient<S: Simd>(_: usize, y: &[S::V], z: &mut [S::V]) {
        z[0] = y[0];
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(_: usize, g: &[S::V], u: &mut [S::V]) {
        u[0] = g[0];
    }

    #[inline(always)]
    unsafe fn output<S: Simd>(m: &[S::V], y: &mut [S::V]) {
        y[0] = m[0];
    }

    #[inline(always)]
    unsafe fn weight_gradient<S: Simd>(u: &[S::V], dw: &mut [S::V]) {
        dw[0] = u[0];
    }
}

/// A level of T taps (2 or 3) around the levels I.
struct Level<const T: usize, I>(PhantomData<I>);

impl<const T: usize, I: Nest> Nest for Level<T, I> {
    const M: usize = 2 * I::M;
    const TAPS: usize = T * I::TAPS;
    const POINTS: usize = (T + 1) * I::POINTS;
    const GROUPS: usize = T + 1;

    #[inline(always)]
    unsafe fn input<S: Simd>(group: usize, d: &[S::V], v: &mut [S::V]) {
        // SAFETY: the trait's contract, handed through.
        unsafe {
            let mut block = [S::zero(); SOURCE];
            for i in 0..I::SOURCE {
                let d = |n: usize| d[n * I::M + i];
                block[i] = match (T, group) {
                    (2, 0) => S::sub(d(0), d(1)),
                    (2, 1) => d(1),
                    (2, _) => S::sub(d(2), d(1)),
                    (_, 0) => S::sub(d(0), d(2)),
                    (_, 1) => S::add(d(1), d(2)),
                    (_, 2) => S::sub(d(2), d(1)),
                    _ => S::sub(d(1), d(3)),
                };
            }
            for (i, v) in v.chunks_exact_mut(I::POINTS / I::GROUPS).enumerate() {
                I::input::<S>(i, &block, v);
            }
        }
    }

    #[inline(always)]
    unsafe fn gradient<S: Simd>(group: usize, y: &[S::V], z: &mut [S::V]) {
        // SAFETY: the trait's contract, handed through.
        unsafe {
            let mut block = [S::zero(); SOURCE];
            for i in 0..I::M {
                let y = |n: usize| y[n * I::M + i];
                block[i] = match (T, group) {
                    (_, 0) => y(0),
                    (_, 1) => S::add(y(0), y(1)),
                    (2, _) => y(1),
                    (_, 2) => S::sub(y(0), y(1)),
                    _ => S::sub(S::zero(), y(1)),
                };
            }
            for (i, z) in z.chunks_exact_mut(I::POINTS / I::GROUPS).enumerate() {
                I::gradient::<S>(i, &block, z);
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(group: usize, g: &[S::V], u: &mut [S::V]) {
        // SAFETY: the trait's contract, handed through.
        unsafe {
            let mut block = [S::zero(); SOURCE];
            for i in 0..I::TAPS {
                let g = |n: usize| g[n * I::TAPS + i];
                let half = |v| S::mul(S::set(0.5), v);
                block[i] = match (T, group) {
                    (_, 0) => g(0),
                    (2, 1) => S::add(g(0), g(1)),
                    (2, _) => g(1),
                    (_, 1) => half(S::add(S::add(g(0), g(2)), g(1))),
                    (_, 2) => half(S::sub(S::add(g(0), g(2)), g(1))),
                    _ => g(2),
                };
            }
            for (i, u) in u.chunks_exact_mut(I::POINTS / I::GROUPS).enumerate() {
                I::weights::<S>(i, &block, u);
            }
        }
    }

    #[inline(always)]
    unsafe fn output<S: Simd>(m: &[S::V], y: &mut [S::V]) {
        // SAFETY: the trait's contract, handed through.
        unsafe {
            let mut blocks = [[S::zero(); SOURCE]; 4];
            for (j, block) in blocks.iter_mut().enumerate().take(T + 1) {
                I::output::<S>(&m[j * I::POINTS..], block);
            }
            let [m0, m1, m2, m3] = blocks;
            for i in 0..I::M {
                [y[i], y[I::M + i]] = match T {
                    2 => [S::add(m0[i], m1[i]), S::add(m1[i], m2[i])],
                    _ => [S::add(S::add(m0[i], m1[i]), m2[i]), S::sub(S::sub(m1[i], m2[i]), m3[i])],
                };
            }
        }
    }

    #[inline(always)]
    unsafe fn weight_gradient<S: Simd>(u: &[S::V], dw: &mut [S::V]) {
        // SAFETY: the trait's contract, handed through.
        unsafe {
            let mut blocks = [[S::zero(); SOURCE]; 4];
            for (j, block) in blocks.iter_mut().enumerate().take(T + 1) {
                I::weight_gradient::<S>(&u[j * I::POINTS..], block);
            }
            let [u0, u1, u2, u3] = blocks;
            let half = |v| S::mul(S::set(0.5), v);
            for i in 0..I::TAPS {
                if T == 2 {
                    [dw[i], dw[I::TAPS + i]] = [S::add(u0[i], u1[i]), S::add(u1[i], u2[i])];
                } else {
                    let h = half(S::add(u1[i], u2[i]));
                    dw[i] = S::add(u0[i], h);
                    dw[I::TAPS + i] = half(S::sub(u1[i], u2[i]));
                    dw[2 * I::TAPS + i] = S::add(h, u3[i]);
                }
            }
        }
    }
}

dispatch! {
    fn transform_input[N: Nest](nest: &Nested<N>, x: &[f32], tiles: Range<usize>, groups: Range<usize>, vs: usize, v: &mut [f32]) = input_body;
    fn transform_output[N: Nest](nest: &Nested<N>, m: &[f32], tiles: Range<usize>, ms: usize, bias: Option<&[f32]>, y: Ptr, len: usize) = output_body;
    fn transform_gradient[N: Nest](nest: &Nested<N>, dy: &[f32], tiles: Range<usize>, group: usize, lines: Lines, zs: usize, z: &mut [f32]) = gradient_body;
    fn weights_row[N: Nest](nest: &Nested<N>, w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr) = weights_body;
    fn gradient_row[N: Nest](nest: &Nested<N>, u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) = dw_body;
}

#[inline(always)]
fn input_body<S: Simd, N: Nest>(
    nest: &Nested<N>,
    x: &[f32],
    tiles: Range<usize>,
    groups: Range<usize>,
    vs: usize,
    v: &mut [f32],
) {
    let s = &nest.0;
    let (c, group) = (s.c, N::POINTS / N::GROUPS);
    let points = (groups.end * group).min(nest.computed()) - groups.start * group;
    assert!(groups.end <= N::GROUPS && x.len() == s.rows * s.size * c && tiles.end <= s.count());
    assert!(v.len() >= points * vs && vs >= tiles.len() * c);
    for (i, tile) in tiles.enumerate() {
        let (row, first) = s.place(tile);
        let start = first as isize + s.origin;
        let from = x.as_ptr().wrapping_add(row * s.size * c).wrapping_offset(start * c as isize);
        // Places low .. high of the tile lie inside.
        let (low, high) = ((-start).max(0) as usize, (s.size as isize - start).max(0) as usize);
        let mut j = 0;
        while j < c {
            let lanes = (c - j).min(S::L);
            // SAFETY: places inside lie in x with c channels; V has `points` points of n * c numbers (asserted above).
            unsafe {
                for p in 0..N::M {
                    S::prefetch(from.wrapping_add((N::SOURCE - N::M + AHEAD + p) * c + j));
                }
                let mut d = [S::zero(); SOURCE];
                for (p, d) in d.iter_mut().enumerate().take(N::SOURCE) {
                    if p >= low && p < high {
                        *d = S::load_n(from.wrapping_add(p * c + j), lanes);
                    }
                }
                for q in 0..N::GROUPS {
                    if !groups.contains(&q) {
                        continue;
                    }
                    let mut o = [S::zero(); POINTS];
                    N::input::<S>(q, &d, &mut o[..group]);
                    let base = (q - groups.start) * group;
                    for (f, o) in o.into_iter().enumerate().take(group) {
                        if base + f < points {
                            S::store_n(v.as_mut_ptr().add((base + f) * vs + i * c + j), o, lanes);
                        }
                    }
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
fn output_body<S: Simd, N: Nest>(
    nest: &Nested<N>,
    m: &[f32],
    tiles: Range<usize>,
    ms: usize,
    bias: Option<&[f32]>,
    y: Ptr,
    len: usize,
) {
    let s = &nest.0;
    let (k, points) = (s.k, nest.computed());
    assert!(len == s.rows * s.out * k && tiles.end <= s.count() && bias.is_none_or(|b| b.len() == k));
    assert!(m.len() >= points * ms && ms >= tiles.len() * k);
    for (i, tile) in tiles.enumerate() {
        let (row, first) = s.place(tile);
        let mut j = 0;
        while j < k {
            let lanes = (k - j).min(S::L);
            // SAFETY: M has `points` points of n * k numbers; the tile's outputs inside (checked) lie in y and are its own.
            unsafe {
                let (mut sums, mut o) = ([S::zero(); POINTS], [S::zero(); SOURCE]);
                for (f, sum) in sums.iter_mut().enumerate().take(N::POINTS) {
                    if f < points {
                        *sum = S::load_n(m.as_ptr().add(f * ms + i * k + j), lanes);
                    }
                }
                N::output::<S>(&sums, &mut o);
                for (p, mut o) in o.into_iter().enumerate().take(N::M) {
                    if first + p < s.out {
                        if let Some(bias) = bias {
                            o = S::add(o, S::load_n(bias.as_ptr().add(j), lanes));
                        }
                        S::store_n(y.at((row * s.out + first + p) * k + j), o, lanes);
                    }
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
fn gradient_body<S: Simd, N: Nest>(
    nest: &Nested<N>,
    dy: &[f32],
    tiles: Range<usize>,
    group: usize,
    Lines { first: channel, channels, wide }: Lines,
    zs: usize,
    z: &mut [f32],
) {
    let s = &nest.0;
    let (k, points) = (s.k, N::POINTS / N::GROUPS);
    assert!(group < N::GROUPS && dy.len() == s.rows * s.out * k && tiles.end <= s.count() && channel + channels <= k);
    assert!(z.len() >= points * zs && zs >= tiles.len() * wide);
    for (i, tile) in tiles.enumerate() {
        let (row, first) = s.place(tile);
        let mut j = 0;
        while j < wide {
            let lanes = (channels - j.min(channels)).min(S::L);
            // SAFETY: outputs inside (checked) lie in dy, with `lanes` channels; z has the group's points of n lines of
            // `wide`, a multiple of S::L.
            unsafe {
                for p in 0..N::M {
                    let next = (row * s.out + first + AHEAD + p) * k + channel + j;
                    S::prefetch(dy.as_ptr().wrapping_add(next));
                }
                let (mut g, mut o) = ([S::zero(); SOURCE], [S::zero(); POINTS]);
                for (p, g) in g.iter_mut().enumerate().take(N::M) {
                    if first + p < s.out && lanes > 0 {
                        *g = S::load_n(dy.as_ptr().add((row * s.out + first + p) * k + channel + j), lanes);
                    }
                }
                N::gradient::<S>(group, &g, &mut o[..points]);
                for (f, o) in o.into_iter().enumerate().take(points) {
                    S::store(z.as_mut_ptr().add(f * zs + i * wide + j), o);
                }
            }
            j += S::L;
        }
    }
}

#[inline(always)]
fn weights_body<S: Simd, N: Nest>(nest: &Nested<N>, w: &[f32], from: usize, tap: usize, n: usize, row: &Row, u: Ptr) {
    let s = &nest.0;
    let (points, group) = (nest.computed(), N::POINTS / N::GROUPS);
    assert!(w.len() >= (s.taps - 1) * tap + from + n && s.taps <= N::TAPS);
    let mut j = 0;
    while j < row.wide {
        let lanes = (n - j.min(n)).min(S::L);
        // SAFETY: a line of `n` weights a tap (asserted); the caller's row of `wide` numbers, a multiple of S::L, a point.
        unsafe {
            let (mut g, mut o) = ([S::zero(); SOURCE], [S::zero(); POINTS]);
            for (t, g) in g.iter_mut().enumerate().take(s.taps) {
                if lanes > 0 {
                    *g = S::load_n(w.as_ptr().add(t * tap + from + j), lanes);
                }
            }
            for (q, o) in o.chunks_exact_mut(group).enumerate().take(N::GROUPS) {
                N::weights::<S>(q, &g, o);
            }
            for (f, o) in o.into_iter().enumerate().take(points) {
                S::store(u.at(row.at + f * row.point + j), o);
            }
        }
        j += S::L;
    }
}

#[inline(always)]
fn dw_body<S: Simd, N: Nest>(nest: &Nested<N>, u: &[f32], row: &Row, n: usize, dw: Ptr, to: usize, tap: usize) {
    let s = &nest.0;
    let points = nest.computed();
    assert!(u.len() >= (points - 1) * row.point + row.at + n);
    let mut j = 0;
    while j < n {
        let lanes = (n - j).min(S::L);
        // SAFETY: at least `n` sums a point (asserted); the caller's row of `n` weights a tap.
        unsafe {
            let (mut sums, mut o) = ([S::zero(); POINTS], [S::zero(); SOURCE]);
            for (f, sum) in sums.iter_mut().enumerate().take(points) {
                *sum = S::load_n(u.as_ptr().add(row.at + f * row.point + j), lanes);
            }
            N::weight_gradient::<S>(&sums, &mut o);
            for (t, o) in o.into_iter().enumerate().take(s.taps) {
                S::store_n(dw.at(to + t * tap + j), o, lanes);
            }
        }
        j += S::L;
    }
}

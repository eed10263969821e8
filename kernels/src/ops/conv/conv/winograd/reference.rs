//! Defines the bits of Winograd's forms: one scalar at a time, in the specified order.

use super::{Geometry, plane, series};
use crate::host::Real;
use crate::ops::conv::conv::reference::merge;
use crate::product::scatter::CHUNK;

/// What the forms differ in: their tiles, and the transforms of one tile.
trait Form<T: Real> {
    /// Source and destination channels.
    fn channels(&self) -> (usize, usize);
    /// Tiles of all images.
    fn tiles(&self) -> usize;
    /// Positions of tile `t`'s outputs in the destination, in the order of `output`; none for those outside.
    fn outputs(&self, t: usize) -> Vec<Option<usize>>;
    /// Positions of the source places that tile `t` reads; none for those outside.
    fn places(&self, t: usize) -> Vec<Option<usize>>;
    /// B'd, G g, A'm, A y, G'u.
    fn input(&self, d: &[T]) -> Vec<T>;
    fn weights(&self, g: &[T]) -> Vec<T>;
    fn output(&self, m: &[T]) -> Vec<T>;
    fn gradient(&self, y: &[T]) -> Vec<T>;
    fn weight_gradient(&self, u: &[T]) -> Vec<T>;
}

/// y; `weight(tap, source channel, output)`.
pub fn forward<T: Real>(
    g: &Geometry,
    x: &[T],
    weight: impl Fn(usize, usize, usize) -> T,
    bias: Option<&[T]>,
) -> Vec<T> {
    let len = g.n * g.out[0] * g.out[1];
    if plane::takes(g) {
        outputs(&plane::Tiling::forward(g), len, 9, x, weight, bias)
    } else {
        outputs(&series::Tiling::forward(g), len, g.kernel[1], x, weight, bias)
    }
}

/// dx; the weights are flipped and transposed.
pub fn input_gradient<T: Real>(
    g: &Geometry,
    dy: &[T],
    weight: impl Fn(usize, usize, usize) -> T,
    bias: Option<&[T]>,
) -> Vec<T> {
    let len = g.n * g.size[0] * g.size[1];
    if plane::takes(g) {
        outputs(&plane::Tiling::input_gradient(g), len, 9, dy, weight, bias)
    } else {
        outputs(&series::Tiling::input_gradient(g), len, g.kernel[1], dy, weight, bias)
    }
}

/// dw `[tap][c][k]`.
pub fn weight_gradient<T: Real>(g: &Geometry, x: &[T], dy: &[T]) -> Vec<T> {
    let taps = g.kernel[0] * g.kernel[1];
    if plane::takes(g) {
        sums(&plane::Tiling::forward(g), taps, x, dy)
    } else {
        sums(&series::Tiling::forward(g), taps, x, dy)
    }
}

/// Numbers of channel `c` at some positions, +0 outside.
fn read<T: Real>(from: &[T], positions: &[Option<usize>], channels: usize, c: usize) -> Vec<T> {
    positions.iter().map(|p| p.map_or(T::default(), |p| from[p * channels + c])).collect()
}

fn outputs<T: Real>(
    s: &impl Form<T>,
    len: usize,
    taps: usize,
    x: &[T],
    weight: impl Fn(usize, usize, usize) -> T,
    bias: Option<&[T]>,
) -> Vec<T> {
    let (channels, k) = s.channels();
    let u: Vec<Vec<T>> =
        (0..channels * k).map(|i| s.weights(&(0..taps).map(|t| weight(t, i / k, i % k)).collect::<Vec<_>>())).collect();
    let mut y = vec![T::default(); len * k];
    for t in 0..s.tiles() {
        let places = s.places(t);
        let v: Vec<Vec<T>> = (0..channels).map(|c| s.input(&read(x, &places, channels, c))).collect();
        let to = s.outputs(t);
        for o in 0..k {
            let sum = |f: usize| (0..channels).fold(T::default(), |acc, c| T::fma(v[c][f], u[c * k + o][f], acc));
            let m: Vec<T> = (0..v[0].len()).map(sum).collect();
            for (v, to) in s.output(&m).into_iter().zip(&to) {
                if let Some(to) = to {
                    y[to * k + o] = bias.map_or(v, |bias| v + bias[o]);
                }
            }
        }
    }
    y
}

fn sums<T: Real>(s: &impl Form<T>, taps: usize, x: &[T], dy: &[T]) -> Vec<T> {
    let (channels, k) = s.channels();
    let (n, in_chunk) = (channels * k, CHUNK / s.outputs(0).len());
    let mut chunks: Vec<Vec<T>> = (0..s.tiles().div_ceil(in_chunk))
        .map(|chunk| {
            let mut acc = Vec::new();
            for t in chunk * in_chunk..((chunk + 1) * in_chunk).min(s.tiles()) {
                let (places, outputs) = (s.places(t), s.outputs(t));
                let z: Vec<Vec<T>> = (0..k).map(|o| s.gradient(&read(dy, &outputs, k, o))).collect();
                for c in 0..channels {
                    let v = s.input(&read(x, &places, channels, c));
                    acc.resize(v.len() * n, T::default());
                    for (o, z) in z.iter().enumerate() {
                        for f in 0..v.len() {
                            let e = &mut acc[f * n + c * k + o];
                            *e = T::fma(v[f], z[f], *e);
                        }
                    }
                }
            }
            acc
        })
        .collect();
    let u = merge(&mut chunks);
    let mut dw = vec![T::default(); taps * n];
    for i in 0..n {
        let points: Vec<T> = (0..u.len() / n).map(|f| u[f * n + i]).collect();
        for (t, v) in s.weight_gradient(&points).into_iter().enumerate().take(taps) {
            dw[t * n + i] = v;
        }
    }
    dw
}

fn half<T: Real>(x: T) -> T {
    T::of(0.5) * x
}

/// The filters of 2 and 3 taps.
fn input<T: Real>(taps: usize, d: &[T]) -> Vec<T> {
    match (taps, d) {
        (2, &[d0, d1, d2]) => vec![d0 - d1, d1, d2 - d1],
        (3, &[d0, d1, d2, d3]) => vec![d0 - d2, d1 + d2, d2 - d1, d1 - d3],
        _ => unreachable!("a filter of 2 or 3 taps"),
    }
}

fn weights<T: Real>(taps: usize, g: &[T]) -> Vec<T> {
    match (taps, g) {
        (2, &[g0, g1]) => vec![g0, g0 + g1, g1],
        (3, &[g0, g1, g2]) => vec![g0, half((g0 + g2) + g1), half((g0 + g2) - g1), g2],
        _ => unreachable!("a filter of 2 or 3 taps"),
    }
}

fn output<T: Real>(taps: usize, m: &[T]) -> Vec<T> {
    match (taps, m) {
        (2, &[m0, m1, m2]) => vec![m0 + m1, m1 + m2],
        (3, &[m0, m1, m2, m3]) => vec![(m0 + m1) + m2, (m1 - m2) - m3],
        _ => unreachable!("a filter of 2 or 3 taps"),
    }
}

fn gradient<T: Real>(taps: usize, y: &[T]) -> Vec<T> {
    match (taps, y) {
        (2, &[y0, y1]) => vec![y0, y0 + y1, y1],
        (3, &[y0, y1]) => vec![y0, y0 + y1, y0 - y1, T::default() - y1],
        _ => unreachable!("a filter of 2 or 3 taps"),
    }
}

fn weight_gradient_of<T: Real>(taps: usize, u: &[T]) -> Vec<T> {
    match (taps, u) {
        (2, &[u0, u1, u2]) => vec![u0 + u1, u1 + u2],
        (3, &[u0, u1, u2, u3]) => vec![u0 + half(u1 + u2), half(u1 - u2), half(u1 + u2) + u3],
        _ => unreachable!("a filter of 2 or 3 taps"),
    }
}

/// Applies a transform to the columns of a square matrix, then to its rows.
fn twice<T: Real>(d: &[T], f: impl Fn(&[T]) -> Vec<T>) -> Vec<T> {
    let a = d.len().isqrt();
    let columns: Vec<Vec<T>> = (0..a).map(|q| f(&(0..a).map(|r| d[r * a + q]).collect::<Vec<_>>())).collect();
    (0..columns[0].len()).flat_map(|r| f(&columns.iter().map(|c| c[r]).collect::<Vec<_>>())).collect()
}

impl<T: Real> Form<T> for plane::Tiling {
    fn channels(&self) -> (usize, usize) {
        (self.c, self.k)
    }

    fn tiles(&self) -> usize {
        super::Tiles::tiles(self)
    }

    fn outputs(&self, t: usize) -> Vec<Option<usize>> {
        let (image, a, b) = self.place(t);
        let [h, w] = self.out;
        let at = |i: usize| (a + i / 2 < h && b + i % 2 < w).then(|| (image * h + a + i / 2) * w + b + i % 2);
        (0..4).map(at).collect()
    }

    fn places(&self, t: usize) -> Vec<Option<usize>> {
        let (image, a, b) = self.place(t);
        let [h, w] = self.size;
        let at = |i: usize| {
            let (y, x) = ((a + i / 4) as isize + self.origin[0], (b + i % 4) as isize + self.origin[1]);
            let inside = y >= 0 && x >= 0 && (y as usize) < h && (x as usize) < w;
            inside.then(|| (image * h + y as usize) * w + x as usize)
        };
        (0..16).map(at).collect()
    }

    fn input(&self, d: &[T]) -> Vec<T> {
        twice(d, |d| input(3, d))
    }

    fn weights(&self, g: &[T]) -> Vec<T> {
        twice(g, |g| weights(3, g))
    }

    fn output(&self, m: &[T]) -> Vec<T> {
        twice(m, |m| output(3, m))
    }

    fn gradient(&self, y: &[T]) -> Vec<T> {
        twice(y, |y| gradient(3, y))
    }

    fn weight_gradient(&self, u: &[T]) -> Vec<T> {
        twice(u, |u| weight_gradient_of(3, u))
    }
}

/// A transform from the outermost level to the innermost; a block has `size(inner levels)` numbers.
fn inwards<T: Real>(
    levels: &[usize],
    x: &[T],
    size: fn(usize) -> usize,
    blocks: impl Fn(usize) -> usize + Copy,
    f: impl Fn(usize, &[T]) -> Vec<T> + Copy,
) -> Vec<T> {
    let Some((&taps, inner)) = levels.split_last() else { return x.to_vec() };
    let (size_of, step) = (size(inner.len()), 1 << inner.len());
    // [element of a block][point of this level]
    let points: Vec<Vec<T>> =
        (0..size_of).map(|i| f(taps, &(0..blocks(taps)).map(|b| x[b * step + i]).collect::<Vec<_>>())).collect();
    (0..=taps).flat_map(|j| inwards(inner, &points.iter().map(|p| p[j]).collect::<Vec<_>>(), size, blocks, f)).collect()
}

/// A transform from the innermost level to the outermost.
fn outwards<T: Real>(levels: &[usize], points: &[T], f: impl Fn(usize, &[T]) -> Vec<T> + Copy) -> Vec<T> {
    let Some((&taps, inner)) = levels.split_last() else { return points.to_vec() };
    let blocks: Vec<Vec<T>> =
        points.chunks(points.len() / (taps + 1)).map(|points| outwards(inner, points, f)).collect();
    // [element of a block][block of the result]
    let result: Vec<Vec<T>> =
        (0..blocks[0].len()).map(|i| f(taps, &blocks.iter().map(|b| b[i]).collect::<Vec<_>>())).collect();
    (0..result[0].len()).flat_map(|b| result.iter().map(move |r| r[b])).collect()
}

impl series::Tiling {
    fn levels(&self) -> &'static [usize] {
        series::levels(self.taps).expect("a kernel that the form takes")
    }

    /// Whether the last point is left out.
    fn short(&self) -> bool {
        self.taps < self.levels().iter().product()
    }
}

impl<T: Real> Form<T> for series::Tiling {
    fn channels(&self) -> (usize, usize) {
        (self.c, self.k)
    }

    fn tiles(&self) -> usize {
        self.count()
    }

    fn outputs(&self, t: usize) -> Vec<Option<usize>> {
        let (row, first) = self.place(t);
        (first..first + self.m).map(|p| (p < self.out).then(|| row * self.out + p)).collect()
    }

    fn places(&self, t: usize) -> Vec<Option<usize>> {
        let (row, first) = self.place(t);
        let taps: usize = self.levels().iter().product();
        let at = |i: usize| {
            let p = (first + i) as isize + self.origin;
            (p >= 0 && (p as usize) < self.size).then(|| row * self.size + p as usize)
        };
        (0..self.m + taps - 1).map(at).collect()
    }

    fn input(&self, d: &[T]) -> Vec<T> {
        let mut v = inwards(self.levels(), d, |inner| (2 << inner) - 1, |taps| taps + 1, input);
        v.truncate(v.len() - usize::from(self.short()));
        v
    }

    fn weights(&self, g: &[T]) -> Vec<T> {
        let mut g = g.to_vec();
        g.resize(self.levels().iter().product(), T::default());
        inwards(self.levels(), &g, |inner| 1 << inner, |taps| taps, weights)
    }

    fn output(&self, m: &[T]) -> Vec<T> {
        let mut m = m.to_vec();
        m.resize(m.len() + usize::from(self.short()), T::default());
        outwards(self.levels(), &m, output)
    }

    fn gradient(&self, y: &[T]) -> Vec<T> {
        inwards(self.levels(), y, |inner| 1 << inner, |_| 2, gradient)
    }

    fn weight_gradient(&self, u: &[T]) -> Vec<T> {
        let mut u = u.to_vec();
        u.resize(u.len() + usize::from(self.short()), T::default());
        outwards(self.levels(), &u, weight_gradient_of)
    }
}

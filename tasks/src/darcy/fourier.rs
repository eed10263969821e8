//! Fourier, sine and cosine transforms in f64, many at a time.
//!
//! One transform a lane: the lanes never mix, and nothing is contracted or reordered, so the bits are the same at every
//! SIMD level. A complex transform of length N is Stockham's: for each factor p of N, in the order 4, 2, 3, 5, 7, one pass
//! of p-point transforms whose sums are written out in [`pass_odd`], [`pass_2`] and [`pass_4`], then a multiplication by the
//! roots of unity, which come from [`kernels::math`]. Sine and cosine transforms of n intervals are complex ones of 2 n
//! points, extended oddly or evenly; two real series travel as real and imaginary part, and leave roundings, of the size of
//! the larger one's, in each other.

use std::ops::{Add, Mul, Neg, Sub};

use kernels::simd::Simd;
use kernels::{dispatch, math};

/// Transforms side by side in one complex pass.
const LANES: usize = 8;
/// Real series side by side: rows of a [`Grid`] are as many numbers, and multiples of it.
const WIDTH: usize = 2 * LANES;

/// A square of (n + 1) x (n + 1) nodes; rows are filled up with zeros to `stride` numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Intervals a side.
    pub n: usize,
    /// Numbers a row.
    pub stride: usize,
}

impl Grid {
    pub fn new(n: usize) -> Self {
        Self { n, stride: (n + 1).next_multiple_of(WIDTH) }
    }

    /// Numbers of a field, filling included.
    pub fn len(self) -> usize {
        (self.n + 1) * self.stride
    }

    /// A field of zeros.
    pub fn zeros(self) -> Vec<f64> {
        vec![0.0; self.len()]
    }

    /// A field, node by node; `f` takes row and column.
    pub fn fill(self, field: &mut [f64], mut f: impl FnMut(usize, usize) -> f64) {
        for (i, row) in field.chunks_exact_mut(self.stride).enumerate() {
            for (j, v) in row[..=self.n].iter_mut().enumerate() {
                *v = f(i, j);
            }
        }
    }
}

/// One number of each of the transforms side by side.
#[derive(Debug, Clone, Copy)]
struct Lanes([f64; LANES]);

impl Lanes {
    const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    fn zip(self, o: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(o.0) {
            *a = f(*a, b);
        }
        Self(out)
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        self.zip(o, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        self.zip(o, |a, b| a - b)
    }
}

impl Mul<f64> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: f64) -> Self {
        self.zip(self, |a, _| a * o)
    }
}

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.zip(self, |a, _| -a)
    }
}

/// A complex number of each lane.
#[derive(Debug, Clone, Copy)]
struct Complex {
    re: Lanes,
    im: Lanes,
}

impl Complex {
    const ZERO: Self = Self { re: Lanes::ZERO, im: Lanes::ZERO };

    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        Self { re: self.re + o.re, im: self.im + o.im }
    }

    #[inline(always)]
    fn minus(self, o: Self) -> Self {
        Self { re: self.re - o.re, im: self.im - o.im }
    }

    #[inline(always)]
    fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    /// Times -i.
    #[inline(always)]
    fn turned(self) -> Self {
        Self { re: self.im, im: -self.re }
    }

    #[inline(always)]
    fn times(self, (c, s): (f64, f64)) -> Self {
        Self { re: self.re * c - self.im * s, im: self.re * s + self.im * c }
    }
}

/// What a transform of one length needs to know.
#[derive(Debug)]
pub(super) struct Fourier {
    factors: Vec<usize>,
    /// exp(-2 pi i k / N), cosine and sine.
    roots: Vec<(f64, f64)>,
}

/// Room for the transforms side by side.
#[derive(Debug)]
pub(super) struct Room {
    now: Vec<Complex>,
    next: Vec<Complex>,
}

/// How a series is extended to twice its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    /// `y[k] = 2 sum_{t=1}^{n-1} x[t] sin(pi t k / n)` for 0 < k < n; what stands at 0 and n is taken for 0, and stays.
    Sine,
    /// `y[k] = x[0] + (-1)^k x[n] + 2 sum_{t=1}^{n-1} x[t] cos(pi t k / n)` for 0 <= k <= n.
    Cosine,
}

impl Fourier {
    /// For grids of `n` intervals.
    ///
    /// # Panics
    /// If 2 n has a prime factor above 7.
    pub fn new(n: usize) -> Self {
        let (len, mut rest, mut factors) = (2 * n, 2 * n, Vec::new());
        for p in [4, 2, 3, 5, 7] {
            while rest % p == 0 {
                factors.push(p);
                rest /= p;
            }
        }
        assert!(n > 0 && rest == 1, "a grid of {n} intervals: 2, 3, 5 and 7 are its factors");
        let roots = (0..len)
            .map(|k| {
                let angle = 2.0 * std::f64::consts::PI * k as f64 / len as f64;
                (math::cos(angle), -math::sin(angle))
            })
            .collect();
        Self { factors, roots }
    }

    pub fn room(&self) -> Room {
        let empty = vec![Complex::ZERO; self.roots.len()];
        Room { now: empty.clone(), next: empty }
    }

    /// Transforms every column of `from`; column j becomes row j of `to`.
    pub fn columns_to_rows(&self, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) {
        columns_to_rows(self, grid, parity, from, to, room);
    }

    /// Transforms every row of `from`; row j becomes column j of `to`.
    pub fn rows_to_columns(&self, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) {
        rows_to_columns(self, grid, parity, from, to, room);
    }
}

dispatch! {
    fn columns_to_rows(f: &Fourier, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) =
        columns_to_rows_body;
    fn rows_to_columns(f: &Fourier, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) =
        rows_to_columns_body;
}

#[inline(always)]
fn columns_to_rows_body<S: Simd>(
    f: &Fourier,
    grid: Grid,
    parity: Parity,
    from: &[f64],
    to: &mut [f64],
    room: &mut Room,
) {
    let stride = grid.stride;
    for first in (0..=grid.n).step_by(WIDTH) {
        extend(grid, parity, room, |t| {
            let (mut re, mut im) = (Lanes::ZERO, Lanes::ZERO);
            let row = &from[t * stride + first..][..WIDTH];
            re.0.copy_from_slice(&row[..LANES]);
            im.0.copy_from_slice(&row[LANES..]);
            Complex { re, im }
        });
        transform(f, room);
        let rows = WIDTH.min(grid.n + 1 - first);
        let to = &mut to[first * stride..][..rows * stride];
        for k in span(grid, parity) {
            let (a, b) = series(parity, room.now[k]);
            for l in 0..rows {
                to[l * stride + k] = if l < LANES { a.0[l] } else { b.0[l - LANES] };
            }
        }
    }
}

#[inline(always)]
fn rows_to_columns_body<S: Simd>(
    f: &Fourier,
    grid: Grid,
    parity: Parity,
    from: &[f64],
    to: &mut [f64],
    room: &mut Room,
) {
    let stride = grid.stride;
    for first in (0..=grid.n).step_by(WIDTH) {
        let rows = WIDTH.min(grid.n + 1 - first);
        let from = &from[first * stride..][..rows * stride];
        extend(grid, parity, room, |t| {
            let (mut re, mut im) = (Lanes::ZERO, Lanes::ZERO);
            for l in 0..rows {
                let v = from[l * stride + t];
                if l < LANES { re.0[l] = v } else { im.0[l - LANES] = v }
            }
            Complex { re, im }
        });
        transform(f, room);
        for k in span(grid, parity) {
            let (a, b) = series(parity, room.now[k]);
            let row = &mut to[k * stride + first..][..WIDTH];
            row[..LANES].copy_from_slice(&a.0);
            row[LANES..].copy_from_slice(&b.0);
        }
    }
}

/// The places of a series that a transform reads and writes.
fn span(grid: Grid, parity: Parity) -> std::ops::Range<usize> {
    match parity {
        Parity::Sine => 1..grid.n,
        Parity::Cosine => 0..grid.n + 1,
    }
}

/// Fills the room with the extension of `x`.
#[inline(always)]
fn extend(grid: Grid, parity: Parity, room: &mut Room, x: impl Fn(usize) -> Complex) {
    let n = grid.n;
    match parity {
        Parity::Sine => {
            room.now[0] = Complex::ZERO;
            room.now[n] = Complex::ZERO;
        }
        Parity::Cosine => {
            room.now[0] = x(0);
            room.now[n] = x(n);
        }
    }
    for t in 1..n {
        let v = x(t);
        room.now[t] = v;
        room.now[2 * n - t] = if parity == Parity::Sine { Complex { re: -v.re, im: -v.im } } else { v };
    }
}

/// The two real series in a transformed number. An odd a + i b has the transform -2 i (Sa + i Sb) = 2 Sb - 2 i Sa.
#[inline(always)]
fn series(parity: Parity, z: Complex) -> (Lanes, Lanes) {
    match parity {
        Parity::Sine => (-z.im, z.re),
        Parity::Cosine => (z.re, z.im),
    }
}

/// The complex transform of what is in the room.
#[inline(always)]
fn transform(f: &Fourier, room: &mut Room) {
    let (mut n, mut s) = (f.roots.len(), 1);
    for &p in &f.factors {
        let (x, y) = (&room.now[..], &mut room.next[..]);
        match p {
            2 => pass_2(f, n, s, x, y),
            4 => pass_4(f, n, s, x, y),
            3 => pass_odd::<3>(f, n, s, x, y),
            5 => pass_odd::<5>(f, n, s, x, y),
            _ => pass_odd::<7>(f, n, s, x, y),
        }
        std::mem::swap(&mut room.now, &mut room.next);
        n /= p;
        s *= p;
    }
}

/// Two-point transforms: the sum, and the difference times a root.
#[inline(always)]
fn pass_2(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let m = n / 2;
    for q in 0..m {
        let w = f.roots[q * s];
        for k in 0..s {
            let (a, b) = (x[k + s * q], x[k + s * (q + m)]);
            y[k + s * 2 * q] = a.plus(b);
            y[k + s * (2 * q + 1)] = a.minus(b).times(w);
        }
    }
}

/// Four-point transforms as two and two.
#[inline(always)]
fn pass_4(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let m = n / 4;
    for q in 0..m {
        let w: [(f64, f64); 3] = std::array::from_fn(|t| f.roots[q * (t + 1) * s]);
        for k in 0..s {
            let a: [Complex; 4] = std::array::from_fn(|r| x[k + s * (q + m * r)]);
            let (even, odd) = (a[0].plus(a[2]), a[1].plus(a[3]));
            let (skew, turn) = (a[0].minus(a[2]), a[1].minus(a[3]).turned());
            let to = k + s * 4 * q;
            y[to] = even.plus(odd);
            y[to + s] = skew.plus(turn).times(w[0]);
            y[to + 2 * s] = even.minus(odd).times(w[1]);
            y[to + 3 * s] = skew.minus(turn).times(w[2]);
        }
    }
}

/// P-point transforms, P an odd prime. With h = (P - 1) / 2, the sums and differences of `a[r]` and `a[P - r]`, r = 1..=h:
/// output 0 is `a[0]` plus the sums, r ascending; outputs t and P - t are u -+ i v, u = `a[0]` + the sums times
/// cos(2 pi r t / P), v = the differences times sin(2 pi r t / P), both r ascending. Then outputs are multiplied by roots.
#[inline(always)]
fn pass_odd<const P: usize>(f: &Fourier, n: usize, s: usize, x: &[Complex], y: &mut [Complex]) {
    let (m, half, step) = (n / P, P / 2, f.roots.len() / P);
    let wheel: [(f64, f64); P] = std::array::from_fn(|r| f.roots[r * step]);
    for q in 0..m {
        let w: [(f64, f64); P] = std::array::from_fn(|t| f.roots[q * t * s]);
        for k in 0..s {
            let a: [Complex; P] = std::array::from_fn(|r| x[k + s * (q + m * r)]);
            let to = k + s * P * q;
            let (mut sums, mut differences) = ([Complex::ZERO; P], [Complex::ZERO; P]);
            let mut all = a[0];
            for r in 1..=half {
                sums[r] = a[r].plus(a[P - r]);
                differences[r] = a[r].minus(a[P - r]);
                all = all.plus(sums[r]);
            }
            y[to] = all;
            for t in 1..=half {
                let (c, s_minus) = wheel[t];
                let (mut u, mut v) = (a[0].plus(sums[1].scaled(c)), differences[1].scaled(-s_minus));
                for r in 2..=half {
                    let (c, s_minus) = wheel[r * t % P];
                    u = u.plus(sums[r].scaled(c));
                    v = v.plus(differences[r].scaled(-s_minus));
                }
                let v = v.turned();
                y[to + s * t] = u.plus(v).times(w[t]);
                y[to + s * (P - t)] = u.minus(v).times(w[P - t]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums as they are defined.
    fn defined(n: usize, parity: Parity, x: impl Fn(usize) -> f64, k: usize) -> f64 {
        let angle = |t: usize| std::f64::consts::PI * (t * k % (2 * n)) as f64 / n as f64;
        match parity {
            Parity::Sine => (1..n).map(|t| 2.0 * x(t) * math::sin(angle(t))).sum(),
            Parity::Cosine => {
                (0..=n).map(|t| if t == 0 || t == n { x(t) } else { 2.0 * x(t) } * math::cos(angle(t))).sum()
            }
        }
    }

    #[test]
    fn transforms_are_the_sums_that_define_them() {
        for n in [1, 2, 3, 6, 7, 10, 15, 20, 21, 42, 70] {
            let (grid, f) = (Grid::new(n), Fourier::new(n));
            for parity in [Parity::Sine, Parity::Cosine] {
                let mut from = grid.zeros();
                grid.fill(&mut from, |i, j| ((3 * i + 7 * j * j) % 11) as f64 - 4.0);
                let (mut rows, mut columns, mut room) = (grid.zeros(), grid.zeros(), f.room());
                f.columns_to_rows(grid, parity, &from, &mut rows, &mut room);
                f.rows_to_columns(grid, parity, &from, &mut columns, &mut room);
                for j in 0..=n {
                    for k in span(grid, parity) {
                        let down = defined(n, parity, |t| from[t * grid.stride + j], k);
                        let along = defined(n, parity, |t| from[j * grid.stride + t], k);
                        let tol = 1e-13 * (10 * n) as f64;
                        let got = rows[j * grid.stride + k];
                        assert!((got - down).abs() <= tol, "{parity:?} n {n}: column {j}, {k}: {got} {down}");
                        let got = columns[k * grid.stride + j];
                        assert!((got - along).abs() <= tol, "{parity:?} n {n}: row {j}, {k}: {got} {along}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a grid of 22 intervals")]
    fn other_lengths_are_refused() {
        Fourier::new(22);
    }
}

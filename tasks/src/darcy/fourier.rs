//! Sine and cosine transforms of the rows and columns of a grid, many at a time.
//!
//! Transforms of n intervals are complex ones ([`crate::fft`]) of 2 n points, extended oddly or evenly; two real series
//! travel as real and imaginary part, and leave roundings, of the size of the larger one's, in each other.

use kernels::dispatch;
use kernels::simd::Simd;

use crate::fft::{Complex, Fourier, LANES, Lanes, Room};

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

/// The transforms of the two sides of a grid.
#[derive(Debug)]
pub(super) struct Sides(Fourier);

/// How a series is extended to twice its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    /// `y[k] = 2 sum_{t=1}^{n-1} x[t] sin(pi t k / n)` for 0 < k < n; what stands at 0 and n is taken for 0, and stays.
    Sine,
    /// `y[k] = x[0] + (-1)^k x[n] + 2 sum_{t=1}^{n-1} x[t] cos(pi t k / n)` for 0 <= k <= n.
    Cosine,
}

impl Sides {
    /// For grids of `n` intervals.
    ///
    /// # Panics
    /// If 2 n has a prime factor above 7.
    pub fn new(n: usize) -> Self {
        assert!(n > 0, "a grid of no interval");
        Self(Fourier::new(2 * n))
    }

    pub fn room(&self) -> Room {
        self.0.room()
    }

    /// Transforms every column of `from`; column j becomes row j of `to`.
    pub fn columns_to_rows(&self, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) {
        columns_to_rows(&self.0, grid, parity, from, to, room);
    }

    /// Transforms every row of `from`; row j becomes column j of `to`.
    pub fn rows_to_columns(&self, grid: Grid, parity: Parity, from: &[f64], to: &mut [f64], room: &mut Room) {
        rows_to_columns(&self.0, grid, parity, from, to, room);
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
        f.transform(room);
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
        f.transform(room);
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

#[cfg(test)]
mod tests {
    use kernels::math;

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
            let (grid, f) = (Grid::new(n), Sides::new(n));
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
    #[should_panic(expected = "a transform of length 44")]
    fn other_lengths_are_refused() {
        Sides::new(22);
    }
}

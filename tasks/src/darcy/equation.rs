//! Darcy's equation, -div(a grad u) = f in the unit square, u = 0 on its border.
//!
//! The five-point scheme on (n + 1) x (n + 1) nodes; the coefficient of a face is the mean of its two nodes'. Multiplied by
//! 2 / n^2, the equation of an inner node c with its neighbours d in the order above, below, left, right is
//! `((1 + 2) + 3) + 4 = 2 f / n^2`, where each term is `(a_c + a_d) (u_c - u_d)`.
//!
//! It is solved by conjugate gradients, preconditioned by the same scheme with a = 1 (Poisson's equation), which is solved
//! exactly: a sine transform along the columns leaves one tridiagonal system a wave number, with the diagonal
//! `2 + 4 sin^2(pi k / 2 n)` beside off-diagonals -1; elimination, back substitution, and the transform back. A coefficient
//! between 3 and 12 bounds the condition number by 4, whatever n is and wherever the coefficient jumps, so each iteration
//! divides the error by 3 or more. The residual r is measured in the norm that belongs to this bound, `sqrt(r . z)` with z
//! Poisson's solution for r (the 2-norm would weigh the finest waves of a finer grid ever more).
//!
//! All in f64, `+ - * / sqrt` only, nothing contracted; scalar products are long sums ([`kernels::math::sum`]) over whole
//! rows of the [`Grid`], filling included. So the bits depend on n, a and f alone.

use kernels::simd::Simd;
use kernels::{dispatch, math};

use super::fourier::{Grid, Parity, Sides};
use crate::fft::Room;

/// Where iterating ends: the residual relative to the right side.
pub(super) const TOLERANCE: f64 = 1e-8;
/// Iterations after which something is wrong: [`TOLERANCE`] takes at most 17 of them at a contrast of 4.
pub(super) const LIMIT: usize = 50;

/// What solving on one grid needs to know.
#[derive(Debug)]
pub(super) struct Solver {
    pub grid: Grid,
    pub fourier: Sides,
    /// Inverse pivots of the tridiagonal systems: row j, wave number k.
    pivots: Vec<f64>,
}

/// Fields that solving works in.
#[derive(Debug)]
pub(super) struct Space {
    /// The solution, once solved.
    pub u: Vec<f64>,
    /// The right side 2 f / n^2 before, the residual after.
    pub r: Vec<f64>,
    z: Vec<f64>,
    p: Vec<f64>,
    q: Vec<f64>,
    pub waves: Vec<f64>,
    pub room: Room,
}

impl Solver {
    /// For grids of `n` intervals; 2, 3, 5 and 7 must be its prime factors.
    pub fn new(n: usize) -> Self {
        let grid = Grid::new(n);
        let mut pivots = grid.zeros();
        for k in 1..n {
            let s = math::sin(std::f64::consts::PI * k as f64 / (2 * n) as f64);
            let diagonal = 2.0 + 4.0 * (s * s);
            let mut inverse = 0.0;
            for j in 1..n {
                inverse = 1.0 / (diagonal - inverse);
                pivots[j * grid.stride + k] = inverse;
            }
        }
        Self { grid, fourier: Sides::new(n), pivots }
    }

    pub fn space(&self) -> Space {
        let zeros = || self.grid.zeros();
        let (u, r, z, p, q, waves) = (zeros(), zeros(), zeros(), zeros(), zeros(), zeros());
        Space { u, r, z, p, q, waves, room: self.fourier.room() }
    }

    /// Solves for coefficients `a` and the right side `space.r`, which is 2 f / n^2 at inner nodes and 0 elsewhere; gives the
    /// number of iterations, or `None` if they did not converge: the coefficients were not positive numbers.
    pub fn solve(&self, a: &[f64], space: &mut Space) -> Option<usize> {
        let Space { u, r, z, p, q, waves, room } = space;
        u.fill(0.0);
        self.poisson(r, z, waves, room);
        p.copy_from_slice(z);
        let mut rz = dot(r, z);
        let goal = TOLERANCE * TOLERANCE * rz;
        if goal == 0.0 {
            return Some(0);
        }
        for iteration in 1..=LIMIT {
            apply(self.grid, a, p, q);
            let alpha = rz / dot(p, q);
            add_scaled(u, alpha, p);
            add_scaled(r, -alpha, q);
            self.poisson(r, z, waves, room);
            let before = std::mem::replace(&mut rz, dot(r, z));
            if rz <= goal {
                return Some(iteration);
            }
            scale_and_add(p, rz / before, z);
        }
        None
    }

    /// Poisson's equation on the grid: the z whose scheme with a = 1 (not doubled) gives r.
    fn poisson(&self, r: &[f64], z: &mut [f64], waves: &mut [f64], room: &mut Room) {
        let Grid { n, stride } = self.grid;
        self.fourier.columns_to_rows(self.grid, Parity::Sine, r, waves, room);
        // What travels beside a series leaves a rounding in it; the border is zero, not nearly.
        waves[..stride].fill(0.0);
        waves[n * stride..].fill(0.0);
        tridiagonal(self.grid, &self.pivots, waves);
        self.fourier.rows_to_columns(self.grid, Parity::Sine, waves, z, room);
        for row in z.chunks_exact_mut(stride) {
            row[0] = 0.0;
            row[n..].fill(0.0);
        }
    }
}

dispatch! {
    /// The left side of the scheme; nothing is written on the border.
    fn apply(grid: Grid, a: &[f64], u: &[f64], out: &mut [f64]) = apply_body;
    /// Solves the systems of all wave numbers, and divides by 2 n what two transforms have multiplied by it.
    fn tridiagonal(grid: Grid, pivots: &[f64], w: &mut [f64]) = tridiagonal_body;
    fn dot(a: &[f64], b: &[f64]) -> f64 = dot_body;
    /// `x + s y`
    fn add_scaled(x: &mut [f64], s: f64, y: &[f64]) = add_scaled_body;
    /// `s x + y`
    fn scale_and_add(x: &mut [f64], s: f64, y: &[f64]) = scale_and_add_body;
}

#[inline(always)]
fn apply_body<S: Simd>(grid: Grid, a: &[f64], u: &[f64], out: &mut [f64]) {
    let (n, stride) = (grid.n, grid.stride);
    let inner = n - 1;
    for i in 1..n {
        let part = |row: usize, from: usize| row * stride + from..row * stride + from + inner;
        let (ac, uc) = (&a[part(i, 1)], &u[part(i, 1)]);
        let (a0, u0) = (&a[part(i - 1, 1)], &u[part(i - 1, 1)]);
        let (a1, u1) = (&a[part(i + 1, 1)], &u[part(i + 1, 1)]);
        let (a2, u2) = (&a[part(i, 0)], &u[part(i, 0)]);
        let (a3, u3) = (&a[part(i, 2)], &u[part(i, 2)]);
        let out = &mut out[part(i, 1)];
        for j in 0..inner {
            let (ac, uc) = (ac[j], uc[j]);
            let above = (ac + a0[j]) * (uc - u0[j]);
            let below = (ac + a1[j]) * (uc - u1[j]);
            let left = (ac + a2[j]) * (uc - u2[j]);
            let right = (ac + a3[j]) * (uc - u3[j]);
            out[j] = ((above + below) + left) + right;
        }
    }
}

#[inline(always)]
fn tridiagonal_body<S: Simd>(grid: Grid, pivots: &[f64], w: &mut [f64]) {
    let (n, stride) = (grid.n, grid.stride);
    for j in 1..n {
        let (before, row) = w.split_at_mut(j * stride);
        let before = &before[(j - 1) * stride..];
        let pivots = &pivots[j * stride..][..stride];
        for ((x, &b), &d) in row[..stride].iter_mut().zip(before).zip(pivots) {
            *x = (*x + b) * d;
        }
    }
    let scale = 1.0 / (2 * n) as f64;
    for j in (1..n).rev() {
        let (row, after) = w.split_at_mut((j + 1) * stride);
        let row = &mut row[j * stride..];
        let pivots = &pivots[j * stride..][..stride];
        for ((x, &b), &d) in row.iter_mut().zip(&after[..stride]).zip(pivots) {
            *x += b * d;
        }
        if j + 1 < n {
            after[..stride].iter_mut().for_each(|x| *x *= scale);
        }
    }
    w[stride..2 * stride].iter_mut().for_each(|x| *x *= scale);
}

#[inline(always)]
fn dot_body<S: Simd>(a: &[f64], b: &[f64]) -> f64 {
    math::sum::pairs(a, b, |x: f64, y: f64| x * y)
}

#[inline(always)]
fn add_scaled_body<S: Simd>(x: &mut [f64], s: f64, y: &[f64]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += s * y;
    }
}

#[inline(always)]
fn scale_and_add_body<S: Simd>(x: &mut [f64], s: f64, y: &[f64]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x = s * *x + y;
    }
}

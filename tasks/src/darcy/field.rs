//! The random diffusion coefficient: a Gaussian field, cut at zero.
//!
//! The field is the Karhunen-Loeve sum of the covariance tau^(2 alpha - 2) (-Laplace + tau^2)^-alpha with zero Neumann
//! border, alpha = 2, tau = 3, on the nodes of the grid: with x = i / n down and y = j / n across,
//!
//! `sum over k1, k2 = 0..=n, not both 0, of xi(k1, k2) c(k1, k2) phi_k1(x) phi_k2(y)`,
//!
//! `c = tau^(alpha-1) (pi^2 (k1^2 + k2^2) + tau^2)^(-alpha/2) = 3 / (pi^2 (k1^2 + k2^2) + 9)`, `phi_0 = 1`,
//! `phi_k(x) = sqrt 2 cos(pi k x)`. The xi are standard normal, one a pair of wave numbers, k2 fastest; that of the constant
//! mode is drawn and not used. This is the field of the published data (their code sums the same modes at the midpoints of
//! the cells). The scale, and with it tau^(alpha-1), has no part in the coefficient: 12 where the field is not below zero, 3
//! elsewhere.

use kernels::rng::Stream;

use super::equation::{Solver, Space};
use super::fourier::Parity;

/// The coefficient where the field is not below zero.
pub(super) const HIGH: f64 = 12.0;
/// The coefficient elsewhere.
pub(super) const LOW: f64 = 3.0;
const TAU: f64 = 3.0;

/// Draws a Gaussian field into `space.u`.
pub(super) fn gaussian(solver: &Solver, chance: &mut Stream, space: &mut Space) {
    let (grid, n) = (solver.grid, solver.grid.n);
    // A cosine transform doubles the modes between the first and the last.
    let root = 2f64.sqrt();
    let norm = |k: usize| match k {
        0 => 1.0,
        k if k == n => root,
        _ => root / 2.0,
    };
    let pi_squared = std::f64::consts::PI * std::f64::consts::PI;
    grid.fill(&mut space.u, |k1, k2| {
        let xi = chance.normal();
        let squares = (k1 * k1 + k2 * k2) as f64;
        if squares == 0.0 { 0.0 } else { xi * (TAU / (pi_squared * squares + TAU * TAU)) * (norm(k1) * norm(k2)) }
    });
    let Space { u, waves, room, .. } = space;
    solver.fourier.columns_to_rows(grid, Parity::Cosine, u, waves, room);
    solver.fourier.columns_to_rows(grid, Parity::Cosine, waves, u, room);
}

/// Draws a coefficient into `a`.
pub(super) fn coefficient(solver: &Solver, chance: &mut Stream, space: &mut Space, a: &mut [f64]) {
    gaussian(solver, chance, space);
    let stride = solver.grid.stride;
    solver.grid.fill(a, |i, j| if space.u[i * stride + j] >= 0.0 { HIGH } else { LOW });
}

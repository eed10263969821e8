//! A layer over a series, one number at a time: these lines define the bits of a step and of its gradient.

use crate::host::Real;
use crate::math::{self, single};
use crate::product::scatter::CHUNK;
use crate::tree;

pub use super::cpu::Sizes;

/// Weights `[I, 4H]`, `[H, 4H]` and biases of a layer.
#[derive(Clone, Copy)]
pub struct Layer<'a, T> {
    pub w: [&'a [T]; 2],
    pub b: [&'a [T]; 2],
}

/// All that a layer's forward computes: gates, c, tanh c, h of every step.
#[derive(Default)]
pub struct Trace<T> {
    pub gates: Vec<T>,
    pub cells: Vec<T>,
    pub tanhs: Vec<T>,
    pub states: Vec<T>,
}

/// Element `col` of `row` w, w `[row.len(), wide]`.
fn product<T: Real>(row: &[T], w: &[T], wide: usize, col: usize) -> T {
    row.iter().enumerate().fold(T::default(), |s, (k, v)| T::fma(*v, w[k * wide + col], s))
}

/// A layer forward.
pub fn forward<T: Real>(s: Sizes, x: &[T], [h0, c0]: [&[T]; 2], layer: Layer<'_, T>) -> Trace<T> {
    let (k, wide) = (s.h, 4 * s.h);
    let mut trace = Trace::<T>::default();
    let (mut h, mut c) = (h0.to_vec(), c0.to_vec());
    for t in 0..s.t {
        for n in 0..s.n {
            let input = &x[(t * s.n + n) * s.i..][..s.i];
            let state = h[n * k..][..k].to_vec();
            let gate = |col: usize| {
                let a = product(input, layer.w[0], wide, col) + layer.b[0][col];
                let a = a + (product(&state, layer.w[1], wide, col) + layer.b[1][col]);
                if col / k == 2 { a.map(single::tanh, math::tanh) } else { a.map(single::sigmoid, math::sigmoid) }
            };
            let gates: Vec<T> = (0..wide).map(gate).collect();
            for j in 0..k {
                let (i, f, g, o) = (gates[j], gates[k + j], gates[2 * k + j], gates[3 * k + j]);
                let cell = T::fma(f, c[n * k + j], i * g);
                let u = cell.map(single::tanh, math::tanh);
                (c[n * k + j], h[n * k + j]) = (cell, o * u);
                trace.tanhs.push(u);
            }
            trace.gates.extend(gates);
        }
        trace.cells.extend(&c);
        trace.states.extend(&h);
    }
    trace
}

/// Gradients of a layer.
pub struct Gradients<T> {
    pub x: Vec<T>,
    pub h0: Vec<T>,
    pub c0: Vec<T>,
    pub w_ih: Vec<T>,
    pub w_hh: Vec<T>,
    /// The same for both biases.
    pub b: Vec<T>,
}

/// The sum over rows that weight gradients specify.
fn over_rows<T: Real>(rows: usize, mut term: impl FnMut(usize, T) -> T) -> T {
    let chunk = |start: usize| (start..rows.min(start + CHUNK)).collect::<Vec<_>>();
    let mut leaves: Vec<T> =
        (0..rows).step_by(CHUNK).map(|r| chunk(r).into_iter().fold(T::default(), |s, r| term(r, s))).collect();
    tree::sum(&mut leaves)
}

/// A layer backward; `dy` is what each step's h gets from outside, `dh` and `dc` what the last step's h and c get besides.
#[allow(clippy::too_many_arguments)] // what the step is made of
pub fn backward<T: Real>(
    s: Sizes,
    x: &[T],
    [h0, c0]: [&[T]; 2],
    layer: Layer<'_, T>,
    trace: &Trace<T>,
    dy: Option<&[T]>,
    dh: &[T],
    dc: &[T],
) -> Gradients<T> {
    let (k, wide, m, rows) = (s.h, 4 * s.h, s.n * s.h, s.t * s.n);
    let one = T::of(1.0);
    let (mut dh, mut dc) = (dh.to_vec(), dc.to_vec());
    let mut da = vec![T::default(); rows * wide];
    let before = |start: &[T], all: &[T], i: usize| if i < m { start[i] } else { all[i - m] };
    for t in (0..s.t).rev() {
        for i in 0..m {
            let (n, j, at) = (i / k, i % k, t * m + i);
            let up = dy.map_or(dh[i], |dy| dy[at] + dh[i]);
            let gates = &trace.gates[(t * s.n + n) * wide..][..wide];
            let (gi, gf, gg, go) = (gates[j], gates[k + j], gates[2 * k + j], gates[3 * k + j]);
            let u = trace.tanhs[at];
            let e = T::fma(up * go, T::fma(-u, u, one), dc[i]);
            let a = &mut da[(t * s.n + n) * wide..][..wide];
            a[j] = (e * gg) * (gi * (one - gi));
            a[k + j] = (e * before(c0, &trace.cells, at)) * (gf * (one - gf));
            a[2 * k + j] = (e * gi) * T::fma(-gg, gg, one);
            a[3 * k + j] = (up * u) * (go * (one - go));
            dc[i] = e * gf;
        }
        let turned = |row: usize, w: &[T], j: usize| {
            (0..wide).fold(T::default(), |s, col| T::fma(da[row * wide + col], w[j * wide + col], s))
        };
        dh = (0..m).map(|i| turned(t * s.n + i / k, layer.w[1], i % k)).collect();
    }
    let dx = |i: usize| {
        let (row, j) = (i / s.i, i % s.i);
        (0..wide).fold(T::default(), |sum, col| T::fma(da[row * wide + col], layer.w[0][j * wide + col], sum))
    };
    let w_ih = |i: usize| over_rows(rows, |r, sum| T::fma(x[r * s.i + i / wide], da[r * wide + i % wide], sum));
    let w_hh = |i: usize| {
        over_rows(rows, |r, sum| T::fma(before(h0, &trace.states, r * k + i / wide), da[r * wide + i % wide], sum))
    };
    Gradients {
        x: (0..rows * s.i).map(dx).collect(),
        w_ih: (0..s.i * wide).map(w_ih).collect(),
        w_hh: (0..k * wide).map(w_hh).collect(),
        b: (0..wide).map(|col| over_rows(rows, |r, sum| sum + da[r * wide + col])).collect(),
        h0: dh,
        c0: dc,
    }
}

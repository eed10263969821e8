//! A layer over a series: the inputs' products for all steps at once, then step after step.

use crate::ops::conv::conv::bias_gradient;
use crate::pool::{self, Ptr};
use crate::product::gather::matmul;
use crate::product::scatter::Scatter;
use crate::simd::Simd;
use crate::{Tensor, dispatch, math};

/// Numbers of gates a task takes: some 20 microseconds of exponentials.
const TASK: usize = 1 << 13;

/// Sizes of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Steps.
    pub t: usize,
    /// Series.
    pub n: usize,
    /// Features of an input.
    pub i: usize,
    /// States.
    pub h: usize,
}

/// Weights of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// `[I, 4H]`.
    pub ih: &'a [f32],
    /// `[H, 4H]`.
    pub hh: &'a [f32],
}

/// What a layer's forward leaves for its backward, step after step.
pub struct Trace<'a> {
    /// Gates after their functions, `[T, N, 4H]`.
    pub gates: &'a mut [f32],
    /// c after each step, `[T, N, H]`.
    pub cells: &'a mut [f32],
    /// tanh of it.
    pub tanhs: &'a mut [f32],
    /// h after each step.
    pub states: &'a mut [f32],
}

/// Runs a layer forward over x `[T, N, I]`.
pub fn forward(s: Sizes, x: &[f32], [h0, c0]: [&[f32]; 2], w: Weights<'_>, b: [&[f32]; 2], trace: Trace<'_>) {
    let (m, wide) = (s.n * s.h, 4 * s.h);
    matmul(x, w.ih, Some(b[0]), [s.t * s.n, s.i, wide], [wide, 1], trace.gates);
    let mut recurrent = Tensor::uninit([s.n, wide]);
    for t in 0..s.t {
        let (before_h, h) = trace.states[..(t + 1) * m].split_at_mut(t * m);
        let (before_c, c) = trace.cells[..(t + 1) * m].split_at_mut(t * m);
        let h_old = if t == 0 { h0 } else { &before_h[(t - 1) * m..] };
        let c_old = if t == 0 { c0 } else { &before_c[(t - 1) * m..] };
        let r = recurrent.data_mut();
        matmul(h_old, w.hh, Some(b[1]), [s.n, s.h, wide], [wide, 1], r);
        let gates = &mut trace.gates[t * 4 * m..][..4 * m];
        let u = &mut trace.tanhs[t * m..][..m];
        let (gates, c, u, h) = (Ptr(gates.as_mut_ptr()), Ptr(c.as_mut_ptr()), Ptr(u.as_mut_ptr()), Ptr(h.as_mut_ptr()));
        let (rows, r) = ((TASK / wide).max(1), &*r);
        pool::run(s.n.div_ceil(rows), |task| {
            for n in task * rows..((task + 1) * rows).min(s.n) {
                let (at, gate) = (n * s.h, n * wide);
                // SAFETY: row n of this step's gates, c, tanh and h, which no other task touches and which the caller
                // borrowed mutably.
                let out = unsafe { [gates.slice(gate, wide), c.slice(at, s.h), u.slice(at, s.h), h.slice(at, s.h)] };
                row_forward(out, &r[gate..][..wide], &c_old[at..][..s.h]);
            }
        });
    }
}

/// What a layer's backward reads.
pub struct Saved<'a> {
    /// `[T, N, I]`.
    pub x: &'a [f32],
    /// State and cell before the first step.
    pub start: [&'a [f32]; 2],
    /// As [`Trace`] has it.
    pub gates: &'a [f32],
    /// See `gates`.
    pub cells: &'a [f32],
    /// See `gates`.
    pub tanhs: &'a [f32],
    /// See `gates`.
    pub states: &'a [f32],
}

/// Gradients of a layer's pre-activations `[T, N, 4H]`; `dh`, `dc` `[N, H]` come in as the last step's own and go out as
/// the first's. `dy` is what each step's h gets from outside, `[T, N, H]`.
pub fn backward(
    s: Sizes,
    saved: &Saved<'_>,
    w_hh: &[f32],
    dy: Option<&[f32]>,
    dh: &mut [f32],
    dc: &mut [f32],
) -> Tensor {
    let (m, wide) = (s.n * s.h, 4 * s.h);
    let mut da = Tensor::uninit([s.t, s.n, wide]);
    for t in (0..s.t).rev() {
        let c_old = if t == 0 { saved.start[1] } else { &saved.cells[(t - 1) * m..][..m] };
        let (gates, u) = (&saved.gates[t * 4 * m..][..4 * m], &saved.tanhs[t * m..][..m]);
        let a = &mut da.data_mut()[t * 4 * m..][..4 * m];
        let (to, grad_h, grad_c) = (Ptr(a.as_mut_ptr()), Ptr(dh.as_mut_ptr()), Ptr(dc.as_mut_ptr()));
        let rows = (TASK / wide).max(1);
        pool::run(s.n.div_ceil(rows), |task| {
            for n in task * rows..((task + 1) * rows).min(s.n) {
                let (at, gate) = (n * s.h, n * wide);
                // SAFETY: row n of this step's pre-activations and of both gradients, which no other task touches and
                // which are borrowed mutably by the caller, or owned.
                let [a, dh, dc] = unsafe { [to.slice(gate, wide), grad_h.slice(at, s.h), grad_c.slice(at, s.h)] };
                if let Some(dy) = dy {
                    add_left(&dy[t * m + at..][..s.h], dh);
                }
                row_backward([&gates[gate..][..wide], &u[at..][..s.h], &c_old[at..][..s.h]], dh, dc, a);
            }
        });
        matmul(a, w_hh, None, [s.n, wide, s.h], [1, wide], dh);
    }
    da
}

/// Gradient of x `[T, N, I]` from that of the pre-activations.
pub fn input_gradient(s: Sizes, da: &[f32], w_ih: &[f32], dx: &mut [f32]) {
    let wide = 4 * s.h;
    matmul(da, w_ih, None, [s.t * s.n, wide, s.i], [1, wide], dx);
}

/// Gradient of weights `[k, 4H]` that meet rows `src` `[T * N, k]`.
fn weight_gradient(s: Sizes, src: &[f32], k: usize, da: &[f32], dw: &mut [f32]) {
    Scatter::rows(s.t * s.n, k, 4 * s.h).run(src, da, dw);
}

/// Gradients of w_ih, w_hh and of each bias, as far as wanted, into `dx`, which starts with w_ih.
pub fn layer_gradients(s: Sizes, saved: &Saved<'_>, da: &[f32], wants: [bool; 4], dx: &mut [Option<Tensor>]) {
    let (m, wide) = (s.n * s.h, 4 * s.h);
    if wants[0] {
        let mut d = Tensor::uninit([s.i, wide]);
        weight_gradient(s, saved.x, s.i, da, d.data_mut());
        dx[0] = Some(d);
    }
    if wants[1] {
        // h before each step.
        let mut before = Tensor::uninit([s.t * m]);
        before.data_mut()[..m].copy_from_slice(saved.start[0]);
        before.data_mut()[m..].copy_from_slice(&saved.states[..(s.t - 1) * m]);
        let mut d = Tensor::uninit([s.h, wide]);
        weight_gradient(s, before.data(), s.h, da, d.data_mut());
        dx[1] = Some(d);
    }
    if wants[2] || wants[3] {
        let mut d = Tensor::uninit([wide]);
        bias_gradient(da, d.data_mut());
        for b in [2, 3] {
            dx[b] = wants[b].then(|| d.clone());
        }
    }
}

dispatch! {
    /// Gates (the inputs' share on entry), c, tanh c, h of one row.
    fn row_forward(out: [&mut [f32]; 4], r: &[f32], c_old: &[f32]) = forward_body;
    /// dh and dc of the row's h and c; dc becomes the old c's.
    fn row_backward(saved: [&[f32]; 3], dh: &[f32], dc: &mut [f32], da: &mut [f32]) = backward_body;
    /// b = a + b.
    fn add_left(a: &[f32], b: &mut [f32]) = add_body;
}

#[inline(always)]
fn add_body<S: Simd>(a: &[f32], b: &mut [f32]) {
    b.iter_mut().zip(a).for_each(|(b, a)| *b += *a);
}

#[inline(always)]
fn forward_body<S: Simd>([gates, c, u, h]: [&mut [f32]; 4], r: &[f32], c_old: &[f32]) {
    let k = c.len();
    for (a, r) in gates.iter_mut().zip(r) {
        *a += *r;
    }
    let (sigmoids, rest) = gates.split_at_mut(2 * k);
    let (tangents, outs) = rest.split_at_mut(k);
    sigmoids.iter_mut().for_each(|a| *a = math::single::sigmoid(*a));
    tangents.iter_mut().for_each(|a| *a = math::single::tanh(*a));
    outs.iter_mut().for_each(|a| *a = math::single::sigmoid(*a));
    let (i, f, g, o) = (&sigmoids[..k], &sigmoids[k..], &*tangents, &*outs);
    for j in 0..k {
        c[j] = math::fma(f[j], c_old[j], i[j] * g[j]);
    }
    u.iter_mut().zip(&*c).for_each(|(u, c)| *u = math::single::tanh(*c));
    for j in 0..k {
        h[j] = o[j] * u[j];
    }
}

#[inline(always)]
fn backward_body<S: Simd>([gates, u, c_old]: [&[f32]; 3], dh: &[f32], dc: &mut [f32], da: &mut [f32]) {
    let k = dc.len();
    let (i, f, g, o) = (&gates[..k], &gates[k..2 * k], &gates[2 * k..3 * k], &gates[3 * k..4 * k]);
    let (left, right) = da.split_at_mut(2 * k);
    let (da_i, da_f) = left.split_at_mut(k);
    let (da_g, da_o) = right.split_at_mut(k);
    let (u, c_old, dh) = (&u[..k], &c_old[..k], &dh[..k]);
    for j in 0..k {
        let e = math::fma(dh[j] * o[j], math::fma(-u[j], u[j], 1.0), dc[j]);
        da_i[j] = (e * g[j]) * (i[j] * (1.0 - i[j]));
        da_f[j] = (e * c_old[j]) * (f[j] * (1.0 - f[j]));
        da_g[j] = (e * i[j]) * math::fma(-g[j], g[j], 1.0);
        da_o[j] = (dh[j] * u[j]) * (o[j] * (1.0 - o[j]));
        dc[j] = e * f[j];
    }
}

//! A plain loop that the compiler vectorises at every level.

use super::{Numbers, RmsProp, State};
use crate::simd::Simd;
use crate::{dispatch, math::fma, pool};

/// Numbers a task.
const CHUNK: usize = 1 << 14;

/// One step.
pub fn step(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], state: State<'_, [f32]>) {
    let n = p.len();
    assert!(g.len() == n && state.square.len() == n, "one length");
    let share = |s: Option<&mut [f32]>| {
        s.map(|s| {
            assert_eq!(s.len(), n, "one length");
            pool::Ptr(s.as_mut_ptr())
        })
    };
    let square = pool::Ptr(state.square.as_mut_ptr());
    let (mean, buffer) = (share(state.mean), share(state.buffer));
    pool::chunks_mut(p, CHUNK, |i, p| {
        let (at, n) = (i * CHUNK, p.len());
        // SAFETY: chunk i of each array, all borrowed mutably for the whole call and as long as `p`.
        let own = |a: pool::Ptr| unsafe { a.slice(at, n) };
        let (square, g) = (own(square), &g[at..][..n]);
        match (mean.map(own), buffer.map(own)) {
            (None, None) => plain(rule, k, p, g, square),
            (Some(mean), None) => centered(rule, k, p, g, square, mean),
            (None, Some(buffer)) => moving(rule, k, p, g, square, buffer),
            (Some(mean), Some(buffer)) => both(rule, k, p, g, square, mean, buffer),
        }
    });
}

dispatch! {
    fn plain(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32]) = plain_body;
    fn centered(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32], a: &mut [f32]) = centered_body;
    fn moving(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32], b: &mut [f32]) = moving_body;
    fn both(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32], a: &mut [f32], b: &mut [f32]) = both_body;
}

/// g' and the new mean of squares.
#[inline(always)]
fn square(rule: &RmsProp, k: Numbers, p: f32, g: f32, v: &mut f32) -> f32 {
    let g = if rule.weight_decay == 0.0 { g } else { fma(k.wd, p, g) };
    *v = fma(k.c, g * g - *v, *v);
    g
}

/// The new mean, and the square of the deviation from it.
#[inline(always)]
fn variance(k: Numbers, g: f32, v: f32, a: &mut f32) -> f32 {
    *a = fma(k.c, g - *a, *a);
    let w = fma(-*a, *a, v);
    if w < 0.0 { 0.0 } else { w }
}

#[inline(always)]
fn plain_body<S: Simd>(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32]) {
    for ((p, &g), v) in p.iter_mut().zip(g).zip(v) {
        let g = square(rule, k, *p, g, v);
        *p = fma(-k.lr, g / (v.sqrt() + k.eps), *p);
    }
}

#[inline(always)]
fn centered_body<S: Simd>(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32], a: &mut [f32]) {
    for (((p, &g), v), a) in p.iter_mut().zip(g).zip(v).zip(a) {
        let g = square(rule, k, *p, g, v);
        *p = fma(-k.lr, g / (variance(k, g, *v, a).sqrt() + k.eps), *p);
    }
}

#[inline(always)]
fn moving_body<S: Simd>(rule: &RmsProp, k: Numbers, p: &mut [f32], g: &[f32], v: &mut [f32], b: &mut [f32]) {
    for (((p, &g), v), b) in p.iter_mut().zip(g).zip(v).zip(b) {
        let g = square(rule, k, *p, g, v);
        *b = fma(k.momentum, *b, g / (v.sqrt() + k.eps));
        *p = fma(-k.lr, *b, *p);
    }
}

#[inline(always)]
fn both_body<S: Simd>(
    rule: &RmsProp,
    k: Numbers,
    p: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    a: &mut [f32],
    b: &mut [f32],
) {
    for ((((p, &g), v), a), b) in p.iter_mut().zip(g).zip(v).zip(a).zip(b) {
        let g = square(rule, k, *p, g, v);
        *b = fma(k.momentum, *b, g / (variance(k, g, *v, a).sqrt() + k.eps));
        *p = fma(-k.lr, *b, *p);
    }
}

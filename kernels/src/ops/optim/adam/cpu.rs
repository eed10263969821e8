//! A plain loop that the compiler vectorises at every level.

use super::{Adam, Numbers};
use crate::simd::Simd;
use crate::{dispatch, math::fma, pool};

/// Numbers a task.
const CHUNK: usize = 1 << 14;

/// One step.
pub fn step(adam: &Adam, k: Numbers, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    assert!(p.len() == g.len() && p.len() == m.len() && p.len() == v.len(), "one length");
    let (ms, vs) = (pool::Ptr(m.as_mut_ptr()), pool::Ptr(v.as_mut_ptr()));
    pool::chunks_mut(p, CHUNK, |i, p| {
        // SAFETY: chunk i of `m` and of `v`, which are borrowed mutably for the whole call and as long as `p`.
        let (m, v) = unsafe { (ms.slice(i * CHUNK, p.len()), vs.slice(i * CHUNK, p.len())) };
        chunk(adam, k, p, &g[i * CHUNK..][..m.len()], m, v);
    });
}

dispatch! {
    fn chunk(adam: &Adam, k: Numbers, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) = chunk_body;
}

#[inline(always)]
fn chunk_body<S: Simd>(adam: &Adam, k: Numbers, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    // The conditions do not change inside the loop.
    let decay = adam.weight_decay != 0.0;
    let (decoupled, coupled) = (decay && adam.decoupled, decay && !adam.decoupled);
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let old = if decoupled { fma(-k.k, *p, *p) } else { *p };
        let g = if coupled { fma(k.wd, old, g) } else { g };
        *m = fma(k.c1, g - *m, *m);
        *v = fma(k.c2, g * g - *v, *v);
        *p = fma(-k.a, *m / fma(v.sqrt(), k.r, k.eps), old);
    }
}

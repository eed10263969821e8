//! Plain loops that the compiler vectorises at every level.

use super::Sgd;
use crate::simd::Simd;
use crate::{dispatch, math::fma, pool};

/// Numbers a task: 64 KiB of each array.
const CHUNK: usize = 1 << 14;

/// A step without momentum.
pub fn plain(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32]) {
    pool::chunks_mut(p, CHUNK, |i, p| plain_chunk(sgd, lr, p, &g[i * CHUNK..][..p.len()]));
}

/// A step with momentum.
pub fn with_momentum(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32], b: &mut [f32], first: bool) {
    assert_eq!(p.len(), b.len());
    let base = pool::Ptr(b.as_mut_ptr());
    pool::chunks_mut(p, CHUNK, |i, p| {
        // SAFETY: chunk i of `b`, which is borrowed mutably for the whole call and as long as `p`.
        let b = unsafe { base.slice(i * CHUNK, p.len()) };
        momentum_chunk(sgd, lr, p, &g[i * CHUNK..][..b.len()], b, first);
    });
}

dispatch! {
    fn plain_chunk(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32]) = plain_body;
    fn momentum_chunk(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32], b: &mut [f32], first: bool) = momentum_body;
}

#[inline(always)]
fn plain_body<S: Simd>(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32]) {
    let (lr, wd) = (-lr, sgd.weight_decay);
    if wd == 0.0 {
        p.iter_mut().zip(g).for_each(|(p, &g)| *p = fma(lr, g, *p));
    } else {
        p.iter_mut().zip(g).for_each(|(p, &g)| *p = fma(lr, fma(wd, *p, g), *p));
    }
}

#[inline(always)]
fn momentum_body<S: Simd>(sgd: &Sgd, lr: f32, p: &mut [f32], g: &[f32], b: &mut [f32], first: bool) {
    let (lr, wd, m) = (-lr, sgd.weight_decay, sgd.momentum);
    // The conditions do not change inside the loops, so each becomes loops of its own.
    let decay = wd != 0.0;
    let each = p.iter_mut().zip(g).zip(b);
    if first {
        for ((p, &g), b) in each {
            let g = if decay { fma(wd, *p, g) } else { g };
            *b = g;
            *p = fma(lr, if sgd.nesterov { fma(m, g, g) } else { g }, *p);
        }
    } else {
        for ((p, &g), b) in each {
            let g = if decay { fma(wd, *p, g) } else { g };
            *b = fma(m, *b, g);
            *p = fma(lr, if sgd.nesterov { fma(m, *b, g) } else { *b }, *p);
        }
    }
}

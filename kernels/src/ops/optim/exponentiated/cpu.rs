//! Rows on all threads; a factor is computed twice rather than kept.

use super::Exponentiated;
use crate::simd::Simd;
use crate::{dispatch, math, pool};

/// Numbers a task should at least touch.
const TASK: usize = 1 << 10;

/// One step.
pub fn step(rule: &Exponentiated<'_>, lr: f64, p: &mut [f32], g: &[f32]) {
    if p.is_empty() {
        return;
    }
    let period: usize = rule.rows.iter().sum();
    let chunk = (TASK / period).max(1) * period;
    pool::chunks_mut(p, chunk, |i, p| {
        let g = &g[i * chunk..][..p.len()];
        let mut start = 0;
        for &row in rule.rows.iter().cycle() {
            if start == p.len() {
                break;
            }
            one(lr, rule.floor, &mut p[start..start + row], &g[start..start + row]);
            start += row;
        }
    });
}

dispatch! {
    fn one(lr: f64, floor: f64, p: &mut [f32], g: &[f32]) = one_body;
}

#[inline(always)]
fn one_body<S: Simd>(lr: f64, floor: f64, p: &mut [f32], g: &[f32]) {
    let scaled = |p: f32, g: f32| {
        let u = f64::from(p) * math::exp(-(lr * f64::from(g)));
        if u < floor { floor } else { u }
    };
    let mut sum = 0.0;
    for (p, g) in p.iter().zip(g) {
        sum += scaled(*p, *g);
    }
    for (p, g) in p.iter_mut().zip(g) {
        *p = (scaled(*p, *g) / sum) as f32;
    }
}

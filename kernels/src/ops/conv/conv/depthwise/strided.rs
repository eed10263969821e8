//! The input gradient at strides other than 1: lanes run along the channels of a position.

use super::super::Geometry;
use crate::dispatch;
use crate::math::fma;
use crate::pool::{self, Ptr};
use crate::simd::Simd;

/// Rows an item handles.
const ROWS: usize = 8;

/// dx (+ bias): taps in ascending output position, those whose output position is whole.
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    let ([h, wd], [oh, ow], c, [kh, kw]) = (g.size, g.out, g.c, g.kernel);
    // Output position of a source position and a tap, if whole.
    let from = |d: usize, position: usize, tap: usize| {
        let p = (position + g.conv.padding[d][0]) as isize - (tap * g.conv.dilation[d]) as isize;
        let s = g.conv.stride[d] as isize;
        (p.rem_euclid(s) == 0).then(|| p.div_euclid(s))
    };
    let out = Ptr(dx.as_mut_ptr());
    pool::run((g.n * h).div_ceil(ROWS), |item| {
        for r in item * ROWS..((item + 1) * ROWS).min(g.n * h) {
            let (n, position) = (r / h, r % h);
            // SAFETY: each row belongs to one item.
            let row = unsafe { out.slice(r * wd * c, wd * c) };
            row.fill(0.0);
            for t in (0..kh * kw).rev() {
                let Some(a) = from(0, position, t / kw) else { continue };
                let inside = a >= 0 && (a as usize) < oh;
                let weights = &w[t * c..][..c];
                for (q, acc) in row.chunks_exact_mut(c).enumerate() {
                    let Some(b) = from(1, q, t % kw) else { continue };
                    if inside && b >= 0 && (b as usize) < ow {
                        accumulate(&dy[((n * oh + a as usize) * ow + b as usize) * c..][..c], weights, acc);
                    } else {
                        accumulate_zero(weights, acc);
                    }
                }
            }
            if let Some(bias) = bias {
                row.chunks_exact_mut(c).for_each(|p| p.iter_mut().zip(bias).for_each(|(y, b)| *y += *b));
            }
        }
    });
}

dispatch! {
    /// acc = fma(x, w, acc).
    fn accumulate(x: &[f32], w: &[f32], acc: &mut [f32]) = accumulate_body;
    /// acc = fma(+0, w, acc): a tap outside.
    fn accumulate_zero(w: &[f32], acc: &mut [f32]) = accumulate_zero_body;
}

#[inline(always)]
fn accumulate_body<S: Simd>(x: &[f32], w: &[f32], acc: &mut [f32]) {
    for ((a, x), w) in acc.iter_mut().zip(x).zip(w) {
        *a = fma(*x, *w, *a);
    }
}

#[inline(always)]
fn accumulate_zero_body<S: Simd>(w: &[f32], acc: &mut [f32]) {
    for (a, w) in acc.iter_mut().zip(w) {
        *a = fma(0.0, *w, *a);
    }
}

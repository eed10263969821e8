//! The fast convolution: gathers and scatters of [`crate::product`], the depthwise and pointwise loops, Winograd's
//! forms.

use super::{Geometry, depthwise, plan, pointwise, winograd};
use crate::pool::{self, Ptr};
use crate::product::scatter::CHUNK;
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// y = x * w (+ bias).
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    if g.depthwise() {
        return depthwise::forward(g, x, w, bias, y);
    }
    if winograd::applies(g) {
        return winograd::forward(g, x, w, bias, y);
    }
    if pointwise::applies(g) {
        return pointwise::forward(g, x, w, bias, y);
    }
    plan::forward(g).run(plan::forward_axes(g), x, w, bias, y);
}

/// dx: the forward kernel on flipped, transposed weights; with strides one gather a phase of the source position. The bias
/// (one number an input channel) is the transposed convolution's.
pub fn input_gradient(g: &Geometry, dy: &[f32], w: &[f32], bias: Option<&[f32]>, dx: &mut [f32]) {
    if g.depthwise() {
        return depthwise::input_gradient(g, dy, w, bias, dx);
    }
    if winograd::applies(g) {
        return winograd::input_gradient(g, dy, w, bias, dx);
    }
    if pointwise::applies(g) {
        return pointwise::input_gradient(g, dy, w, bias, dx);
    }
    let gather = plan::input_gradient(g);
    for rows in plan::phases(g, 0) {
        for columns in plan::phases(g, 1) {
            gather.run([rows, columns], dy, w, bias, dx);
        }
    }
}

/// dw.
pub fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    if g.depthwise() {
        return depthwise::weight_gradient(g, x, dy, dw);
    }
    if winograd::applies(g) {
        return winograd::weight_gradient(g, x, dy, dw);
    }
    if pointwise::applies(g) {
        return pointwise::weight_gradient(g, x, dy, dw);
    }
    plan::weight_gradient(g).run(x, dy, dw);
}

/// db: sums of dy's rows, chunks of 4,096 with plain additions from +0, then the fixed tree.
pub fn bias_gradient(dy: &[f32], db: &mut [f32]) {
    let k = db.len();
    let chunks = dy.len().div_ceil((CHUNK * k).max(1)).max(1);
    let mut sums = Tensor::uninit([chunks * k]);
    let to = Ptr(sums.data_mut().as_mut_ptr());
    pool::run(chunks, |i| {
        // SAFETY: every chunk has its own k sums.
        let acc = unsafe { to.slice(i * k, k) };
        sum_rows(&dy[i * CHUNK * k..((i + 1) * CHUNK * k).min(dy.len())], acc);
    });
    tree::sum_rows(sums.data_mut(), k);
    db.copy_from_slice(&sums.data()[..k]);
}

dispatch! {
    /// acc = sum of rows, from +0.
    fn sum_rows(rows: &[f32], acc: &mut [f32]) = sum_rows_body;
}

#[inline(always)]
fn sum_rows_body<S: Simd>(rows: &[f32], acc: &mut [f32]) {
    acc.fill(0.0);
    for row in rows.chunks_exact(acc.len()) {
        for (a, v) in acc.iter_mut().zip(row) {
            *a += *v;
        }
    }
}

//! The fast convolution: gathers and scatters of [`crate::product`], the depthwise loops, Winograd's forms.

use super::{Geometry, depthwise, winograd};
use crate::pool::{self, Ptr};
use crate::product::Table;
use crate::product::gather::{Gather, Tap, WeightStrides};
use crate::product::scatter::{CHUNK, Scatter};
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
    let [kh, kw] = g.kernel;
    let mut taps = Table::new(kh * kw);
    for t in 0..kh * kw {
        taps.push(Tap { dh: g.row(0, t / kw) as i32, dw: g.column(0, t % kw) as i32, weight: t as i32 });
    }
    Gather {
        src: x,
        n: g.n,
        size: g.size,
        c: g.group_c(),
        out: g.group_k(),
        groups: g.conv.groups,
        grid: g.out,
        step: g.conv.stride,
        taps: taps.as_slice(),
        weights: w,
        strides: WeightStrides { tap: g.group_c() * g.k, group: g.group_k(), k: g.k, out: 1 },
        bias,
        dst_size: g.out,
        dst_start: [0, 0],
        dst_step: [1, 1],
    }
    .run(y);
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
    let ([kh, kw], [sh, sw]) = (g.kernel, g.conv.stride);
    let mut taps = Table::new(kh * kw);
    for phase in 0..sh * sw {
        let (ph, pw) = (phase / sw, phase % sw);
        if ph >= g.size[0] || pw >= g.size[1] {
            continue;
        }
        taps.clear();
        for t in (0..kh * kw).rev() {
            let p = (ph + g.conv.padding[0][0]) as i32 - (t / kw * g.conv.dilation[0]) as i32;
            let q = (pw + g.conv.padding[1][0]) as i32 - (t % kw * g.conv.dilation[1]) as i32;
            if p.rem_euclid(sh as i32) == 0 && q.rem_euclid(sw as i32) == 0 {
                taps.push(Tap { dh: p.div_euclid(sh as i32), dw: q.div_euclid(sw as i32), weight: t as i32 });
            }
        }
        Gather {
            src: dy,
            n: g.n,
            size: g.out,
            c: g.group_k(),
            out: g.group_c(),
            groups: g.conv.groups,
            grid: [(g.size[0] - ph).div_ceil(sh), (g.size[1] - pw).div_ceil(sw)],
            step: [1, 1],
            taps: taps.as_slice(),
            weights: w,
            strides: WeightStrides { tap: g.group_c() * g.k, group: g.group_k(), k: 1, out: g.k },
            bias,
            dst_size: g.size,
            dst_start: [ph, pw],
            dst_step: [sh, sw],
        }
        .run(dx);
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
    Scatter {
        src: x,
        dy,
        n: g.n,
        size: g.size,
        c: g.group_c(),
        out: g.group_k(),
        groups: g.conv.groups,
        grid: g.out,
        kernel: g.kernel,
        stride: g.conv.stride,
        dilation: g.conv.dilation,
        padding: [g.conv.padding[0][0], g.conv.padding[1][0]],
    }
    .run(dw);
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

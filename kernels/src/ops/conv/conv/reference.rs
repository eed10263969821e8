//! Defines the bits of the convolution: one scalar at a time, in the specified order.

use super::{Conv, Geometry, depthwise, pointwise, winograd};
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::product::scatter::CHUNK;
use crate::tree;

/// x at (n, row, column, channel), +0 outside.
fn at<T: Real>(g: &Geometry, x: &[T], n: usize, row: isize, column: isize, c: usize) -> T {
    let [h, w] = g.size;
    if row < 0 || column < 0 || row as usize >= h || column as usize >= w {
        return T::default();
    }
    x[((n * h + row as usize) * w + column as usize) * g.c + c]
}

impl Reference for Conv {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, w) = (&inputs[0], &inputs[1]);
        let g = self.geometry(x.shape, w.shape).expect("checked");
        let shape =
            crate::Op::infer(self, &inputs.iter().map(|h| h.shape).collect::<Vec<_>>()).expect("checked").all()[0];
        let bias = self.bias.then(|| &inputs[2].data[..]);
        vec![Host::new(shape, forward(&g, &x.data, w, bias))]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let (x, w) = (&inputs[0], &inputs[1]);
        let dy = &dy[0].as_ref().expect("one output").data;
        let g = self.geometry(x.shape, w.shape).expect("checked");
        let mut grads = vec![Some(input_gradient(&g, dy, w, None)), Some(weight_gradient(&g, &x.data, dy, w))];
        if self.bias {
            grads.push(Some(bias_gradient(g.k, dy)));
        }
        grads
    }
}

/// y.
pub fn forward<T: Real>(g: &Geometry, x: &[T], w: &Host<T>, bias: Option<&[T]>) -> Vec<T> {
    if winograd::applies(g) {
        let weight = |t: usize, c: usize, o: usize| w.data[(t * g.c + c) * g.k + o];
        return winograd::reference::forward(g, x, weight, bias);
    }
    let ([kh, kw], [oh, ow], gc, gk) = (g.kernel, g.out, g.group_c(), g.group_k());
    let mut y = Vec::with_capacity(g.n * oh * ow * g.k);
    for i in 0..g.n * oh * ow {
        let (n, a, b) = (i / (oh * ow), i / ow % oh, i % ow);
        for o in 0..g.k {
            let mut acc = T::default();
            for t in 0..kh * kw {
                for c in 0..gc {
                    let v = at(g, x, n, g.row(a, t / kw), g.column(b, t % kw), o / gk * gc + c);
                    acc = T::fma(v, w.data[(t * gc + c) * g.k + o], acc);
                }
            }
            y.push(bias.map_or(acc, |b| acc + b[o]));
        }
    }
    y
}

/// Sums of dy's rows of k numbers.
pub fn bias_gradient<T: Real>(k: usize, dy: &[T]) -> Host<T> {
    let mut sums: Vec<Vec<T>> = dy
        .chunks(CHUNK * k)
        .map(|chunk| {
            let mut acc = vec![T::default(); k];
            chunk.chunks(k).for_each(|row| acc.iter_mut().zip(row).for_each(|(a, v)| *a += *v));
            acc
        })
        .collect();
    Host::new([k], merge(&mut sums))
}

/// dx, plus the bias that a transposed convolution has.
pub fn input_gradient<T: Real>(g: &Geometry, dy: &[T], w: &Host<T>, bias: Option<&[T]>) -> Host<T> {
    let [h, wd] = g.size;
    let shape = if w.shape.iter().count() == 3 { [g.n, wd, g.c].into() } else { [g.n, h, wd, g.c].into() };
    if winograd::applies(g) {
        let last = g.kernel[0] * g.kernel[1] - 1;
        let weight = |t: usize, o: usize, c: usize| w.data[((last - t) * g.c + c) * g.k + o];
        return Host { shape, data: winograd::reference::input_gradient(g, dy, weight, bias) };
    }
    let ([kh, kw], [oh, ow], gc, gk) = (g.kernel, g.out, g.group_c(), g.group_k());
    let [sh, sw] = g.conv.stride;
    // Output position of a source position and a tap, if whole.
    let from = |source: usize, pad: usize, tap: usize, dilation: usize, stride: usize| {
        let p = (source + pad) as isize - (tap * dilation) as isize;
        (p.rem_euclid(stride as isize) == 0).then(|| p.div_euclid(stride as isize))
    };
    let mut dx = Vec::with_capacity(g.n * h * wd * g.c);
    for i in 0..g.n * h * wd {
        let (n, r, q) = (i / (h * wd), i / wd % h, i % wd);
        for c in 0..g.c {
            let (group, ci) = (c / gc, c % gc);
            let mut acc = T::default();
            for t in (0..kh * kw).rev() {
                let (Some(a), Some(b)) = (
                    from(r, g.conv.padding[0][0], t / kw, g.conv.dilation[0], sh),
                    from(q, g.conv.padding[1][0], t % kw, g.conv.dilation[1], sw),
                ) else {
                    continue;
                };
                let inside = a >= 0 && b >= 0 && (a as usize) < oh && (b as usize) < ow;
                for o in group * gk..(group + 1) * gk {
                    let v = if inside { dy[((n * oh + a as usize) * ow + b as usize) * g.k + o] } else { T::default() };
                    acc = T::fma(v, w.data[(t * gc + ci) * g.k + o], acc);
                }
            }
            dx.push(bias.map_or(acc, |b| acc + b[c]));
        }
    }
    Host { shape, data: dx }
}

/// dw.
pub fn weight_gradient<T: Real>(g: &Geometry, x: &[T], dy: &[T], w: &Host<T>) -> Host<T> {
    if winograd::applies(g) {
        return Host::new(w.shape, winograd::reference::weight_gradient(g, x, dy));
    }
    if g.depthwise() {
        return Host::new(w.shape, depthwise_weight_gradient(g, x, dy));
    }
    if pointwise::applies(g) {
        return Host::new(w.shape, pointwise_weight_gradient(g, x, dy));
    }
    let ([kh, kw], [oh, ow], gc, gk) = (g.kernel, g.out, g.group_c(), g.group_k());
    let rows = g.n * oh * ow;
    let mut sums: Vec<Vec<T>> = (0..rows.div_ceil(CHUNK).max(1))
        .map(|chunk| {
            let mut acc = vec![T::default(); w.data.len()];
            for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(rows) {
                let (n, a, b) = (i / (oh * ow), i / ow % oh, i % ow);
                for t in 0..kh * kw {
                    for ci in 0..gc {
                        for o in 0..g.k {
                            let v = at(g, x, n, g.row(a, t / kw), g.column(b, t % kw), o / gk * gc + ci);
                            let e = &mut acc[(t * gc + ci) * g.k + o];
                            *e = T::fma(v, dy[i * g.k + o], *e);
                        }
                    }
                }
            }
            acc
        })
        .collect();
    Host::new(w.shape, merge(&mut sums))
}

/// dw of a depthwise convolution: several chains a channel.
fn depthwise_weight_gradient<T: Real>(g: &Geometry, x: &[T], dy: &[T]) -> Vec<T> {
    let ([kh, kw], [oh, ow], channels) = (g.kernel, g.out, g.c);
    let (rows, chains) = (depthwise::chunk_rows(ow), depthwise::chains(channels));
    let mut sums = Vec::new();
    for n in 0..g.n {
        for first in (0..oh).step_by(rows) {
            let mut chunk = Vec::with_capacity(kh * kw * channels);
            for (t, c) in (0..kh * kw).flat_map(|t| (0..channels).map(move |c| (t, c))) {
                let mut acc = vec![T::default(); chains];
                for b in 0..ow {
                    for a in first..(first + rows).min(oh) {
                        let v = at(g, x, n, g.row(a, t / kw), g.column(b, t % kw), c);
                        let e = &mut acc[b % chains];
                        *e = T::fma(v, dy[((n * oh + a) * ow + b) * channels + c], *e);
                    }
                }
                chunk.push(tree::sum(&mut acc));
            }
            sums.push(chunk);
        }
    }
    if sums.is_empty() { vec![T::default(); kh * kw * channels] } else { merge(&mut sums) }
}

/// dw of a pointwise convolution in narrow groups: several chains a weight.
fn pointwise_weight_gradient<T: Real>(g: &Geometry, x: &[T], dy: &[T]) -> Vec<T> {
    let ([oh, ow], q, rows, chains) = (g.out, g.group_c(), depthwise::chunk_rows(g.out[1]), depthwise::chains(g.c));
    let mut sums = Vec::new();
    for n in 0..g.n {
        for first in (0..oh).step_by(rows) {
            let (start, end) = ((n * oh + first) * ow, (n * oh + (first + rows).min(oh)) * ow);
            let of = |i: usize| {
                let (channel, out) = (i % g.k / q * q + i / g.k, i % g.k);
                let mut acc = vec![T::default(); chains];
                for p in start..end {
                    let e = &mut acc[(p - start) % chains];
                    *e = T::fma(x[p * g.c + channel], dy[p * g.k + out], *e);
                }
                tree::sum(&mut acc)
            };
            sums.push((0..q * g.k).map(of).collect());
        }
    }
    if sums.is_empty() { vec![T::default(); q * g.k] } else { merge(&mut sums) }
}

/// Rows of numbers, summed in the fixed tree.
pub(super) fn merge<T: Real>(rows: &mut [Vec<T>]) -> Vec<T> {
    tree::pairwise(rows.len(), |i, j| {
        let (a, b) = rows.split_at_mut(j);
        a[i].iter_mut().zip(&b[0]).for_each(|(x, y)| *x += *y);
    });
    rows.first().cloned().unwrap_or_default()
}

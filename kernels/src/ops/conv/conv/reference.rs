//! Defines the bits of the convolution: one scalar at a time, in the specified order.

use super::winograd::{self, M, TILES, Tiling};
use super::{Conv, Geometry};
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
        return tiles(&Tiling::forward(g), x, weight, bias);
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
    if winograd::applies(g) {
        let weight = |t: usize, o: usize, c: usize| w.data[((8 - t) * g.c + c) * g.k + o];
        let shape = [g.n, g.size[0], g.size[1], g.c];
        return Host::new(shape, tiles(&Tiling::input_gradient(g), dy, weight, bias));
    }
    let ([kh, kw], [oh, ow], gc, gk) = (g.kernel, g.out, g.group_c(), g.group_k());
    let ([h, wd], [sh, sw]) = (g.size, g.conv.stride);
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
    let shape = if w.shape.iter().count() == 3 { [g.n, wd, g.c].into() } else { [g.n, h, wd, g.c].into() };
    Host { shape, data: dx }
}

/// dw.
pub fn weight_gradient<T: Real>(g: &Geometry, x: &[T], dy: &[T], w: &Host<T>) -> Host<T> {
    if winograd::applies(g) {
        return Host::new(w.shape, tile_sums(&Tiling::forward(g), x, dy));
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

/// Rows of numbers, summed in the fixed tree.
fn merge<T: Real>(rows: &mut [Vec<T>]) -> Vec<T> {
    tree::pairwise(rows.len(), |i, j| {
        let (a, b) = rows.split_at_mut(j);
        a[i].iter_mut().zip(&b[0]).for_each(|(x, y)| *x += *y);
    });
    rows.first().cloned().unwrap_or_default()
}

/// Applies a transform to the columns of a matrix, then to its rows.
fn twice<T: Real, const A: usize, const B: usize>(d: [[T; A]; A], f: impl Fn([T; A]) -> [T; B]) -> [[T; B]; B] {
    let columns: [[T; B]; A] = std::array::from_fn(|q| f(std::array::from_fn(|r| d[r][q])));
    std::array::from_fn(|r| f(std::array::from_fn(|q| columns[q][r])))
}

fn half<T: Real>(x: T) -> T {
    T::of(0.5) * x
}

/// B'dB of tile `t`, channel `c`.
fn patch<T: Real>(s: &Tiling, x: &[T], t: usize, c: usize) -> [[T; 4]; 4] {
    let (image, a, b) = s.place(t);
    let at = |r: usize, q: usize| {
        let (y, z) = ((a + r) as isize + s.origin[0], (b + q) as isize + s.origin[1]);
        let inside = y >= 0 && z >= 0 && (y as usize) < s.size[0] && (z as usize) < s.size[1];
        if inside { x[((image * s.size[0] + y as usize) * s.size[1] + z as usize) * s.c + c] } else { T::default() }
    };
    let d = std::array::from_fn(|r| std::array::from_fn(|q| at(r, q)));
    twice(d, |[d0, d1, d2, d3]| [d0 - d2, d1 + d2, d2 - d1, d1 - d3])
}

/// Winograd's forward: `weight(tap, source channel, output)`.
fn tiles<T: Real>(s: &Tiling, x: &[T], weight: impl Fn(usize, usize, usize) -> T, bias: Option<&[T]>) -> Vec<T> {
    let u: Vec<[[T; 4]; 4]> = (0..s.c * s.k)
        .map(|i| {
            let g = std::array::from_fn(|r| std::array::from_fn(|q| weight(r * 3 + q, i / s.k, i % s.k)));
            twice(g, |[g0, g1, g2]: [T; 3]| [g0, half((g0 + g2) + g1), half((g0 + g2) - g1), g2])
        })
        .collect();
    let mut y = vec![T::default(); x.len() / (s.size[0] * s.size[1] * s.c) * s.out[0] * s.out[1] * s.k];
    for t in 0..s.tiles() {
        let v: Vec<[[T; 4]; 4]> = (0..s.c).map(|c| patch(s, x, t, c)).collect();
        let (image, a, b) = s.place(t);
        for o in 0..s.k {
            let sum = |r: usize, q: usize| {
                (0..s.c).fold(T::default(), |acc, c| T::fma(v[c][r][q], u[c * s.k + o][r][q], acc))
            };
            let m = std::array::from_fn(|r| std::array::from_fn(|q| sum(r, q)));
            let out: [[T; M]; M] = twice(m, |[m0, m1, m2, m3]: [T; 4]| [(m0 + m1) + m2, (m1 - m2) - m3]);
            for (r, row) in out.iter().enumerate().take(s.out[0] - a) {
                for (q, v) in row.iter().enumerate().take(s.out[1] - b) {
                    let at = ((image * s.out[0] + a + r) * s.out[1] + b + q) * s.k + o;
                    y[at] = bias.map_or(*v, |bias| *v + bias[o]);
                }
            }
        }
    }
    y
}

/// Winograd's weight gradient `[3][3][c][k]`.
fn tile_sums<T: Real>(s: &Tiling, x: &[T], dy: &[T]) -> Vec<T> {
    let n = s.c * s.k;
    let gradient = |t: usize, o: usize| -> [[T; 4]; 4] {
        let (image, a, b) = s.place(t);
        let at = |r: usize, q: usize| {
            let inside = a + r < s.out[0] && b + q < s.out[1];
            if inside { dy[((image * s.out[0] + a + r) * s.out[1] + b + q) * s.k + o] } else { T::default() }
        };
        let d = std::array::from_fn(|r| std::array::from_fn(|q| at(r, q)));
        twice(d, |[y0, y1]: [T; M]| [y0, y0 + y1, y0 - y1, T::default() - y1])
    };
    let mut chunks: Vec<Vec<T>> = (0..s.tiles().div_ceil(TILES))
        .map(|chunk| {
            let mut acc = vec![T::default(); 16 * n];
            for t in chunk * TILES..((chunk + 1) * TILES).min(s.tiles()) {
                let z: Vec<[[T; 4]; 4]> = (0..s.k).map(|o| gradient(t, o)).collect();
                for c in 0..s.c {
                    let v = patch(s, x, t, c);
                    for (o, z) in z.iter().enumerate() {
                        for f in 0..16 {
                            let e = &mut acc[f * n + c * s.k + o];
                            *e = T::fma(v[f / 4][f % 4], z[f / 4][f % 4], *e);
                        }
                    }
                }
            }
            acc
        })
        .collect();
    let u = merge(&mut chunks);
    let mut dw = vec![T::default(); 9 * n];
    for i in 0..n {
        let sums = std::array::from_fn(|r| std::array::from_fn(|q| u[(r * 4 + q) * n + i]));
        let w: [[T; 3]; 3] =
            twice(sums, |[u0, u1, u2, u3]: [T; 4]| [u0 + half(u1 + u2), half(u1 - u2), half(u1 + u2) + u3]);
        for t in 0..9 {
            dw[t * n + i] = w[t / 3][t % 3];
        }
    }
    dw
}

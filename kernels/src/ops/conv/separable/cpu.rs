//! The fast version at stride 1: a chunk of rows of an image passes all parts while it lies in its core's cache.

use super::{Separable, Sizes};
use crate::op::Backward;
use crate::ops::conv::conv::depthwise::{Direction, Rows, chunk_rows};
use crate::ops::conv::conv::pointwise::{self, Weights};
use crate::pool::{self, Ptr};
use crate::simd::Simd;
use crate::{Tensor, dispatch, tree};

/// Whether it takes the shapes: images that keep their size, kernels of 3x3 and 5x5, pointwise weights in narrow groups.
pub(super) fn takes(s: &Sizes) -> bool {
    let g = &s.geometry;
    let narrow = matches!(s.q, 4 | 8 | 16) && s.y[..].len() == 4;
    narrow && g.conv.stride == [1, 1] && g.size == g.out && matches!(g.kernel, [3, 3] | [5, 5])
}

/// Weights of the edges, side by side.
fn join<'a>(edges: usize, q: usize, of: impl Fn(usize) -> &'a Tensor) -> Tensor {
    let mut all = Tensor::uninit([of(0).len() / q, edges * q]);
    for e in 0..edges {
        for (to, from) in all.data_mut().chunks_exact_mut(edges * q).zip(of(e).data().chunks_exact(q)) {
            to[e * q..][..q].copy_from_slice(from);
        }
    }
    all
}

/// Part `e` of the rows of `all`.
fn part(all: &[f32], edges: usize, e: usize, to: &mut Tensor) {
    let q = to.shape().last();
    for (to, from) in to.data_mut().chunks_exact_mut(q).zip(all.chunks_exact(edges * q)) {
        to.copy_from_slice(&from[e * q..][..q]);
    }
}

/// One convolution, cut into chunks: `chunk_rows` rows of an image.
struct Chunks<'a> {
    x: &'a [f32],
    depthwise: Rows,
    q: usize,
    /// Edges that share x, else 1.
    repeats: usize,
    n: usize,
    height: usize,
    /// Numbers of a row of y, and of x.
    run: usize,
    x_run: usize,
    rows: usize,
}

impl<'a> Chunks<'a> {
    fn new(op: &Separable, s: &Sizes, x: &'a Tensor, depthwise: &Tensor) -> Self {
        let g = &s.geometry;
        let ([height, width], repeats) = (g.size, if op.shared { op.edges } else { 1 });
        Self {
            x: x.data(),
            depthwise: Rows::new(g, Direction::Forward, depthwise.data()),
            q: s.q,
            repeats,
            n: g.n,
            height,
            run: width * g.c,
            x_run: width * g.c / repeats,
            rows: chunk_rows(width),
        }
    }

    fn len(&self) -> usize {
        self.n * self.height.div_ceil(self.rows)
    }

    /// Image, first row and rows of a chunk.
    fn get(&self, chunk: usize) -> (usize, usize, usize) {
        let bands = self.height.div_ceil(self.rows);
        let first = chunk % bands * self.rows;
        (chunk / bands, first, self.rows.min(self.height - first))
    }

    /// What the depthwise convolution reads for a chunk, and what it gives.
    fn middle(&self, image: usize, first: usize, rows: usize) -> (Tensor, Tensor) {
        let band = self.depthwise.band(first, rows, |y, to| {
            let x = &self.x[(image * self.height + y) * self.x_run..][..self.x_run];
            activate(x, self.q, self.repeats, to);
        });
        let mut m = Tensor::uninit([rows * self.run]);
        self.depthwise.run(band.data(), m.data_mut());
        (band, m)
    }
}

/// Fills y.
pub(super) fn forward(op: &Separable, s: &Sizes, inputs: &[&Tensor], y: &mut Tensor) {
    let weights = |first: usize| join(op.edges, s.q, |e| inputs[first + e]);
    let c = Chunks::new(op, s, inputs[0], &weights(1));
    let pointwise = Weights::new(weights(1 + op.edges).data(), s.q);
    let y = Ptr(y.data_mut().as_mut_ptr());
    pool::run(c.len(), |chunk| {
        let (image, first, rows) = c.get(chunk);
        let (_, m) = c.middle(image, first, rows);
        // SAFETY: each row belongs to one chunk.
        let y = unsafe { y.slice((image * c.height + first) * c.run, rows * c.run) };
        pointwise.run(m.data(), y);
    });
}

/// The gradients that are wanted.
pub(super) fn backward(op: &Separable, s: &Sizes, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let (g, q, channels) = (&s.geometry, s.q, s.geometry.c);
    let weights = |first: usize| join(op.edges, q, |e| b.input(first + e));
    let (depthwise, pointwise) = (weights(1), weights(1 + op.edges));
    let c = Chunks::new(op, s, b.input(0), &depthwise);
    let back = Rows::new(g, Direction::InputGradient, depthwise.data());
    let pointwise = Weights::transposed(pointwise.data(), q);
    let dy = b.dy().data();
    let mut dx = b.wants(0).then(|| b.room(0));
    let to = dx.as_mut().map(|dx| Ptr(dx.data_mut().as_mut_ptr()));
    let widths = [depthwise.len(), q * channels];
    let mut sums = widths.map(|w| Tensor::uninit([c.len() * w]));
    let sums_to = sums.each_mut().map(|s| Ptr(s.data_mut().as_mut_ptr()));
    pool::run(c.len(), |chunk| {
        let (image, first, rows) = c.get(chunk);
        let (band, m) = c.middle(image, first, rows);
        // SAFETY: a chunk has its own sums.
        let [ddepthwise, dpointwise] = [0, 1].map(|i| unsafe { sums_to[i].slice(chunk * widths[i], widths[i]) });
        // Rows of m's gradient that x's rows of this chunk see; its own ones among them.
        let (low, high) = back.sees(first, rows);
        let mut dm = Tensor::uninit([(high - low) * c.run]);
        let at = |row: usize| (image * c.height + row) * c.run;
        pointwise.run(&dy[at(low)..at(high)], dm.data_mut());
        let dm = dm.data();
        let own = &dm[(first - low) * c.run..][..rows * c.run];
        pointwise::chunk_sums(q, channels, m.data(), &dy[at(first)..][..own.len()], dpointwise);
        c.depthwise.chunk_sums(band.data(), own, ddepthwise);
        if let Some(to) = to {
            let band = back.band(first, rows, |y, to| to.copy_from_slice(&dm[(y - low) * c.run..][..c.run]));
            let mut wide = m;
            back.run(band.data(), wide.data_mut());
            let start = (image * c.height + first) * c.x_run;
            // SAFETY: each row belongs to one chunk.
            let dx = unsafe { to.slice(start, rows * c.x_run) };
            gate(wide.data(), &c.x[start..][..dx.len()], q, c.repeats, dx);
        }
    });
    grads[0] = dx;
    for (i, sums) in sums.iter_mut().enumerate() {
        tree::sum_rows(sums.data_mut(), widths[i]);
        for e in 0..op.edges {
            let at = 1 + i * op.edges + e;
            if b.wants(at) {
                part(&sums.data()[..widths[i]], op.edges, e, grads[at].insert(b.room(at)));
            }
        }
    }
}

dispatch! {
    /// ReLU of positions of x, each group of q written `repeats` times.
    fn activate(x: &[f32], q: usize, repeats: usize, to: &mut [f32]) = activate_body;
    /// dx = 0 where x <= 0, else the sum of the `repeats` parts of q, ascending.
    fn gate(wide: &[f32], x: &[f32], q: usize, repeats: usize, dx: &mut [f32]) = gate_body;
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn activate_body<S: Simd>(x: &[f32], q: usize, repeats: usize, to: &mut [f32]) {
    match (repeats, q) {
        (1, _) => to.iter_mut().zip(x).for_each(|(to, x)| *to = relu(*x)),
        (_, 4) => activate_groups::<4>(x, repeats, to),
        (_, 8) => activate_groups::<8>(x, repeats, to),
        _ => activate_groups::<16>(x, repeats, to),
    }
}

#[inline(always)]
fn activate_groups<const Q: usize>(x: &[f32], repeats: usize, to: &mut [f32]) {
    for (x, to) in x.as_chunks::<Q>().0.iter().zip(to.as_chunks_mut::<Q>().0.chunks_exact_mut(repeats)) {
        let y = x.map(relu);
        to.iter_mut().for_each(|to| *to = y);
    }
}

#[inline(always)]
fn gate_body<S: Simd>(wide: &[f32], x: &[f32], q: usize, repeats: usize, dx: &mut [f32]) {
    match (repeats, q) {
        (1, _) => {
            for ((dx, x), g) in dx.iter_mut().zip(x).zip(wide) {
                *dx = if *x <= 0.0 { 0.0 } else { *g };
            }
        }
        (_, 4) => gate_groups::<4>(wide, x, repeats, dx),
        (_, 8) => gate_groups::<8>(wide, x, repeats, dx),
        _ => gate_groups::<16>(wide, x, repeats, dx),
    }
}

#[inline(always)]
fn gate_groups<const Q: usize>(wide: &[f32], x: &[f32], repeats: usize, dx: &mut [f32]) {
    let parts = wide.as_chunks::<Q>().0.chunks_exact(repeats);
    for ((dx, x), parts) in dx.as_chunks_mut::<Q>().0.iter_mut().zip(x.as_chunks::<Q>().0).zip(parts) {
        let mut sum = parts[0];
        for part in &parts[1..] {
            for c in 0..Q {
                sum[c] += part[c];
            }
        }
        for c in 0..Q {
            dx[c] = if x[c] <= 0.0 { 0.0 } else { sum[c] };
        }
    }
}

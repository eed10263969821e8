//! Bilinear interpolation, one number at a time: these lines define the bits.

use super::UpsampleBilinear;
use super::axis::taps;
use crate::host::{Host, Real};
use crate::op::{Op, Reference};

/// The elements and weights of output `o`.
fn weighted<T: Real>(o: usize, n: usize, m: usize, align_corners: bool) -> Vec<(usize, T)> {
    let t = taps(o, n, m, align_corners);
    (0..1 + usize::from(t.two)).map(|i| (t.at + i, T::of(t.weights[i]))).collect()
}

/// The first tap is a product, a second one an fma.
fn blend<T: Real>(taps: &[(usize, T)], x: impl Fn(usize) -> T) -> T {
    let first = taps[0].1 * x(taps[0].0);
    taps[1..].iter().fold(first, |acc, &(i, w)| T::fma(w, x(i), acc))
}

/// The chain over the outputs that have element `i` among their taps.
fn gather<T: Real>(all: &[Vec<(usize, T)>], i: usize, dy: impl Fn(usize) -> T) -> T {
    all.iter().enumerate().fold(T::default(), |acc, (o, taps)| match taps.iter().find(|t| t.0 == i) {
        Some(&(_, w)) => T::fma(w, dy(o), acc),
        None => acc,
    })
}

/// Taps of all rows and all columns.
fn both<T: Real>(op: &UpsampleBilinear, x: &[usize]) -> [Vec<Vec<(usize, T)>>; 2] {
    [0, 1].map(|d| (0..op.size[d]).map(|o| weighted(o, x[d + 1], op.size[d], op.align_corners)).collect())
}

impl Reference for UpsampleBilinear {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let &[_, h, w, c] = &x.shape[..] else { panic!("checked") };
        let ([oh, ow], [rows, columns]) = (self.size, both::<T>(self, &x.shape));
        let mut y = Host::zeros(self.infer(&[x.shape]).expect("checked").all()[0]);
        for (i, y) in y.data.iter_mut().enumerate() {
            let (n, a, b, k) = (i / (oh * ow * c), i / (ow * c) % oh, i / c % ow, i % c);
            *y = blend(&columns[b], |q| blend(&rows[a], |r| x.data[((n * h + r) * w + q) * c + k]));
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let &[_, h, w, c] = &inputs[0].shape[..] else { panic!("checked") };
        let ([oh, ow], [rows, columns]) = (self.size, both::<T>(self, &inputs[0].shape));
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, dx) in dx.data.iter_mut().enumerate() {
            let (n, r, q, k) = (i / (h * w * c), i / (w * c) % h, i / c % w, i % c);
            *dx = gather(&columns, q, |b| gather(&rows, r, |a| dy.data[((n * oh + a) * ow + b) * c + k]));
        }
        vec![Some(dx)]
    }
}

//! Batch norm, one channel at a time: these lines define the bits.

use super::{BatchNorm, COLUMNS, Chunks};
use crate::Shape;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::tree;

/// Positions (pixels) of each chunk, chunks in order.
fn chunks(x: &Shape) -> Vec<std::ops::Range<usize>> {
    let ch = Chunks::of(x);
    let mut all = Vec::new();
    for row in 0..ch.rows {
        for w in (0..ch.width).step_by(COLUMNS) {
            all.push(row * ch.width + w..row * ch.width + (w + COLUMNS).min(ch.width));
        }
    }
    all
}

/// Mean and sum of centred squares of channel `c`.
fn statistics<T: Real>(x: &Host<T>, c: usize) -> (T, T) {
    let channels = x.shape.last();
    let mut leaves: Vec<(f64, T, T)> = chunks(&x.shape)
        .into_iter()
        .map(|range| {
            let k = range.len() as f64;
            let (mut s, mut q) = (T::of(0.0), T::of(0.0));
            for p in range.clone() {
                s += x.data[p * channels + c];
            }
            let mean = s / T::of(k);
            for p in range {
                let d = x.data[p * channels + c] - mean;
                q = T::fma(d, d, q);
            }
            (k, mean, q)
        })
        .collect();
    tree::pairwise(leaves.len(), |i, j| {
        let ((na, mean_a, q_a), (nb, mean_b, q_b)) = (leaves[i], leaves[j]);
        let (wb, wm) = (T::of(nb / (na + nb)), T::of(na * nb / (na + nb)));
        let d = mean_b - mean_a;
        leaves[i] = (na + nb, T::fma(d, wb, mean_a), T::fma(d * d, wm, q_a + q_b));
    });
    (leaves[0].1, leaves[0].2)
}

/// 1 / sqrt(var + eps).
fn rstd<T: Real>(op: &BatchNorm, var: T) -> T {
    T::of(1.0) / (var + T::of(op.eps.into())).sqrt()
}

/// (a, b) of channel `c`.
fn line<T: Real>(op: &BatchNorm, inputs: &[Host<T>], mean: T, rstd: T, c: usize) -> (T, T) {
    let (weight, bias) = if op.affine { (inputs[1].data[c], inputs[2].data[c]) } else { (T::of(1.0), T::of(0.0)) };
    let a = weight * rstd;
    (a, T::fma(-a, mean, bias))
}

impl Reference for BatchNorm {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let (channels, at) = (x.shape.last(), self.running_at());
        let m = x.data.len() / channels;
        let mut y = Host::zeros(x.shape);
        let stat = || Host::zeros([channels]);
        let (mut new_mean, mut new_var, mut saved_mean, mut saved_rstd) = (stat(), stat(), stat(), stat());
        for c in 0..channels {
            let (mean, var) = if self.training {
                let (mean, q) = statistics(x, c);
                if self.running {
                    let momentum = T::of(self.momentum.into());
                    let keep = T::of(1.0) - momentum;
                    let unbiased = q / T::of((m - 1) as f64);
                    new_mean.data[c] = T::fma(momentum, mean, keep * inputs[at].data[c]);
                    new_var.data[c] = T::fma(momentum, unbiased, keep * inputs[at + 1].data[c]);
                }
                (mean, q / T::of(m as f64))
            } else {
                (inputs[at].data[c], inputs[at + 1].data[c])
            };
            let r = rstd(self, var);
            let (a, b) = line(self, inputs, mean, r, c);
            for p in 0..m {
                let v = T::fma(a, x.data[p * channels + c], b);
                y.data[p * channels + c] = if self.relu && v < T::of(0.0) { T::of(0.0) } else { v };
            }
            saved_mean.data[c] = mean;
            saved_rstd.data[c] = r;
        }
        match (self.training, self.running) {
            (false, _) => vec![y],
            (true, false) => vec![y, saved_mean, saved_rstd],
            (true, true) => vec![y, new_mean, new_var, saved_mean, saved_rstd],
        }
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let mut grads = vec![None; self.inputs()];
        let (Some(dy), x) = (&dy[0], &inputs[0]) else { return grads };
        let (channels, at) = (x.shape.last(), self.running_at());
        let count = T::of((x.data.len() / channels) as f64);
        let (mut dx, mut dweight, mut dbias) = (Host::zeros(x.shape), Host::zeros([channels]), Host::zeros([channels]));
        for c in 0..channels {
            let (mean, r) = if self.training {
                (outputs[self.hidden_at()].data[c], outputs[self.hidden_at() + 1].data[c])
            } else {
                (inputs[at].data[c], rstd(self, inputs[at + 1].data[c]))
            };
            let (a, b) = line(self, inputs, mean, r, c);
            let g = |p: usize| {
                let i = p * channels + c;
                if self.relu && T::fma(a, x.data[i], b) <= T::of(0.0) { T::of(0.0) } else { dy.data[i] }
            };
            let (mut ones, mut twos) = (Vec::new(), Vec::new());
            for range in chunks(&x.shape) {
                let (mut s1, mut s2) = (T::of(0.0), T::of(0.0));
                for p in range {
                    s1 += g(p);
                    s2 = T::fma(g(p), x.data[p * channels + c] - mean, s2);
                }
                ones.push(s1);
                twos.push(s2);
            }
            let (s1, s2) = (tree::sum(&mut ones), tree::sum(&mut twos));
            dbias.data[c] = s1;
            dweight.data[c] = s2 * r;
            let k1 = (a * s1) / count;
            let k2 = (((a * r) * r) * s2) / count;
            for p in 0..x.data.len() / channels {
                let i = p * channels + c;
                dx.data[i] = if self.training { a * g(p) - T::fma(x.data[i] - mean, k2, k1) } else { a * g(p) };
            }
        }
        grads[0] = Some(dx);
        if self.affine {
            grads[1] = Some(dweight);
            grads[2] = Some(dbias);
        }
        grads
    }
}

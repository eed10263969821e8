//! Row by row, class by class.

use super::CrossEntropy;
use crate::host::{Host, Real};
use crate::math;
use crate::math::sum::long;
use crate::op::Reference;
use crate::ops::loss::{Reduction, samples};
use crate::tree;

/// A row less its maximum, and the long sum of the exponentials.
fn shifted<T: Real>(x: &[T]) -> (Vec<f64>, f64) {
    let m = x.iter().fold(x[0].f64(), |m, x| if x.f64() > m { x.f64() } else { m });
    let v: Vec<f64> = x.iter().map(|x| x.f64() - m).collect();
    let s = long(v.len(), |i| math::exp(v[i]));
    (v, s)
}

impl Reference for CrossEntropy {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, target) = (&inputs[0], &inputs[1]);
        let (classes, e) = (x.shape.last(), f64::from(self.label_smoothing));
        let term = |(row, t): (&[T], &T)| {
            let t = t.f64();
            if !(t >= 0.0 && t < classes as f64) {
                return f64::NAN;
            }
            let (v, s) = shifted(row);
            let hit = math::ln(s) - v[t as usize];
            if e > 0.0 {
                let all = math::ln(s) - long(classes, |i| v[i]) / classes as f64;
                (1.0 - e) * hit + e * all
            } else {
                hit
            }
        };
        let terms: Vec<f64> = x.data.chunks(classes).zip(&target.data).map(term).collect();
        let y = if self.reduction == Reduction::None {
            terms.iter().map(|&t| T::of(t)).collect()
        } else {
            let (n, m) = samples(&target.shape);
            let mut sums: Vec<f64> = (0..n).map(|s| long(m, |i| terms[s * m + i])).collect();
            vec![T::of(self.reduction.finish(tree::sum(&mut sums), terms.len()))]
        };
        vec![Host::new(self.reduction.shape(target.shape), y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None, None] };
        let (x, target) = (&inputs[0], &inputs[1]);
        let (classes, e) = (x.shape.last(), f64::from(self.label_smoothing));
        let mut dx = Host::zeros(x.shape);
        for (i, dx) in dx.data.chunks_mut(classes).enumerate() {
            let t = target.data[i].f64();
            let (v, s) = shifted(&x.data[i * classes..][..classes]);
            let g = match self.reduction {
                Reduction::Mean => dy.data[0].f64() / target.data.len() as f64,
                Reduction::Sum => dy.data[0].f64(),
                Reduction::None => dy.data[i].f64(),
            };
            let known = t >= 0.0 && t < classes as f64;
            for (j, dx) in dx.iter_mut().enumerate() {
                let q = e / classes as f64 + if j as f64 == t { 1.0 - e } else { 0.0 };
                *dx = T::of(if known { g * (math::exp(v[j]) * (1.0 / s) - q) } else { f64::NAN });
            }
        }
        vec![Some(dx), None]
    }
}

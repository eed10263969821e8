//! Sample by sample, number by number.

use super::{RelativeL2, factor};
use crate::host::{Host, Real};
use crate::math::sum::long;
use crate::op::Reference;
use crate::ops::loss::{Reduction, samples};
use crate::tree;

/// (norm(x - t), norm(t)) of each sample.
fn norms<T: Real>(x: &Host<T>, t: &Host<T>) -> Vec<(f64, f64)> {
    let (n, m) = samples(&x.shape);
    let d = |i: usize| x.data[i].f64() - t.data[i].f64();
    let norm = |s: usize| {
        let difference = long(m, |i| d(s * m + i) * d(s * m + i));
        (difference.sqrt(), long(m, |i| t.data[s * m + i].f64() * t.data[s * m + i].f64()).sqrt())
    };
    (0..n).map(norm).collect()
}

impl Reference for RelativeL2 {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let mut terms: Vec<f64> = norms(&inputs[0], &inputs[1]).iter().map(|(d, t)| d / t).collect();
        let n = terms.len();
        let y = if self.reduction == Reduction::None {
            terms.iter().map(|&t| T::of(t)).collect()
        } else {
            vec![T::of(self.reduction.finish(tree::sum(&mut terms), n))]
        };
        vec![Host::new(self.reduction.shape([n].into()), y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None, None] };
        let (x, t) = (&inputs[0], &inputs[1]);
        let norms = norms(x, t);
        let (n, m) = samples(&x.shape);
        let mut dx = Host::zeros(x.shape);
        for (i, dx) in dx.data.iter_mut().enumerate() {
            let g = match self.reduction {
                Reduction::Mean => dy.data[0].f64() / n as f64,
                Reduction::Sum => dy.data[0].f64(),
                Reduction::None => dy.data[i / m].f64(),
            };
            let (d, target) = norms[i / m];
            *dx = T::of(factor(g, d, target) * (x.data[i].f64() - t.data[i].f64()));
        }
        vec![Some(dx), None]
    }
}

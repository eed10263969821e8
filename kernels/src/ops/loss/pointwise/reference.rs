//! Term by term; then the long sum of a sample, then the tree over samples.

use super::{PointwiseLoss, Row};
use crate::host::{Host, Real};
use crate::math::sum::long;
use crate::op::Reference;
use crate::ops::loss::{Reduction, samples};
use crate::tree;

/// x, t and the weight of term i.
fn at<T: Real>(inputs: &[Host<T>], i: usize) -> [f64; 3] {
    let w = inputs.get(2).map_or(1.0, |w| w.data[i % w.data.len()].f64());
    [inputs[0].data[i].f64(), inputs[1].data[i].f64(), w]
}

impl<R: Row> Reference for PointwiseLoss<R> {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let shape = inputs[0].shape;
        let term = |i: usize| {
            let [x, t, w] = at(inputs, i);
            self.row.term(x, t, w)
        };
        let y = if self.reduction == Reduction::None {
            (0..shape.len()).map(|i| T::of(term(i))).collect()
        } else {
            let (n, m) = samples(&shape);
            let mut sums: Vec<f64> = (0..n).map(|s| long(m, |i| term(s * m + i))).collect();
            vec![T::of(self.reduction.finish(tree::sum(&mut sums), shape.len()))]
        };
        vec![Host::new(self.reduction.shape(shape), y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let mut grads = vec![None; inputs.len()];
        if let Some(dy) = &dy[0] {
            let count = inputs[0].data.len();
            let dx = (0..count).map(|i| {
                let [x, t, w] = at(inputs, i);
                let g = match self.reduction {
                    Reduction::Mean => dy.data[0].f64() / count as f64,
                    Reduction::Sum => dy.data[0].f64(),
                    Reduction::None => dy.data[i].f64(),
                };
                T::of(g * self.row.slope(x, t, w))
            });
            grads[0] = Some(Host::new(inputs[0].shape, dx.collect()));
        }
        grads
    }
}

//! Place by place; the sums of gradients from lists of terms.

use super::plan::{Plan, broadcast};
use super::{Binary, Kind, ROWS};
use crate::host::{Host, Real};
use crate::math::sum::CHUNK;
use crate::op::Reference;
use crate::tree;

impl Binary {
    /// A term of input i's gradient, in f64.
    fn term(&self, i: usize, dy: f64, a: f64, b: f64) -> f64 {
        match (self.kind, i) {
            (Kind::Add, _) | (Kind::Sub, 0) => dy,
            (Kind::Sub, _) => -dy,
            (Kind::Mul, 0) => dy * b,
            (Kind::Mul, _) => dy * a,
            (Kind::Div, 0) => dy / b,
            (Kind::Div, _) => -(dy * a) / (b * b),
        }
    }
}

impl Reference for Binary {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (a, b) = (&inputs[0], &inputs[1]);
        let plan = Plan::new(&a.shape, &b.shape);
        let mut y = Host::zeros(broadcast(&a.shape, &b.shape).expect("infer has seen the shapes"));
        let inner = plan.inner();
        for (o, y) in y.data.iter_mut().enumerate() {
            let [_, i, j] = plan.row(o / inner);
            let a = a.data[i + o % inner * plan.inner_step(0)];
            let b = b.data[j + o % inner * plan.inner_step(1)];
            *y = match self.kind {
                Kind::Add => a + b,
                Kind::Sub => a - b,
                Kind::Mul => a * b,
                Kind::Div => a / b,
            };
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None, None] };
        let (a, b) = (&inputs[0], &inputs[1]);
        let plan = Plan::new(&a.shape, &b.shape);
        let inner = plan.inner();
        let one = |which: usize| {
            // Terms of every number of the input.
            let mut terms: Vec<Vec<f64>> = vec![Vec::new(); inputs[which].data.len()];
            for (o, dy) in dy.data.iter().enumerate() {
                let [_, i, j] = plan.row(o / inner);
                let at = [i + o % inner * plan.inner_step(0), j + o % inner * plan.inner_step(1)];
                let t = self.term(which, dy.f64(), a.data[at[0]].f64(), b.data[at[1]].f64());
                terms[at[which]].push(t);
            }
            let sum = |terms: &Vec<f64>| -> f64 {
                let mut leaves: Vec<f64> = if !plan.reduces(which) {
                    return terms[0];
                } else if plan.inner_step(which) == 0 {
                    terms.chunks(inner.max(1)).flat_map(|run| run.chunks(CHUNK)).map(eight).collect()
                } else {
                    terms.chunks(ROWS).map(|c| c.iter().fold(0.0, |s, t| s + t)).collect()
                };
                tree::sum(&mut leaves)
            };
            Some(Host::new(inputs[which].shape, terms.iter().map(|t| T::of(sum(t))).collect()))
        };
        vec![one(0), one(1)]
    }
}

/// Term i to accumulator i mod 8; then the tree over the eight.
fn eight(terms: &[f64]) -> f64 {
    let mut acc = [0.0; 8];
    for (i, t) in terms.iter().enumerate() {
        acc[i % 8] += t;
    }
    tree::sum(&mut acc)
}

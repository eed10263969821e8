//! Padding, one number at a time.

use super::super::boxes::{flat, indices};
use super::Pad;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::{Op, Shape};

/// (position in x, position in y) of every number they share.
fn pairs(op: &Pad, x: Shape, y: Shape) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for from in indices(x) {
        let mut to = from;
        let mut inside = true;
        for d in 0..x[..].len() {
            let at = from[d] as isize + op.sides[d][0];
            inside &= (0..y[d] as isize).contains(&at);
            to[d] = at.max(0) as usize;
        }
        if inside {
            all.push((flat(&x, &from), flat(&y, &to)));
        }
    }
    all
}

impl Reference for Pad {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let mut y = Host::zeros(self.infer(&[x.shape]).expect("inferred").all()[0]);
        for (i, j) in pairs(self, x.shape, y.shape) {
            y.data[j] = x.data[i];
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
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, j) in pairs(self, inputs[0].shape, dy.shape) {
            dx.data[i] = dy.data[j];
        }
        vec![Some(dx)]
    }
}

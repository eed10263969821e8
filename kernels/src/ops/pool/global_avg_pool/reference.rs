//! Global average pooling, one number at a time: these lines define the bits.

use super::{CHUNK, GlobalAvgPool, view};
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::tree;

impl Reference for GlobalAvgPool {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, v) = (&inputs[0], view(&inputs[0].shape).expect("inferred"));
        let mut y = Host::zeros([v.outer, v.inner]);
        for (i, y) in y.data.iter_mut().enumerate() {
            let (n, c) = (i / v.inner, i % v.inner);
            let mut leaves = Vec::new();
            for start in (0..v.rows).step_by(CHUNK) {
                let mut s = T::of(0.0);
                for p in start..(start + CHUNK).min(v.rows) {
                    s += x.data[(n * v.rows + p) * v.inner + c];
                }
                leaves.push(s);
            }
            *y = tree::sum(&mut leaves) / T::of(v.rows as f64);
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
        let v = view(&inputs[0].shape).expect("inferred");
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, dx) in dx.data.iter_mut().enumerate() {
            *dx = dy.data[i / (v.rows * v.inner) * v.inner + i % v.inner] / T::of(v.rows as f64);
        }
        vec![Some(dx)]
    }
}

//! Defines the bits of the matrix product.

use super::{MatMul, sizes};
use crate::host::{Host, Real};
use crate::op::{Op, Reference};

/// Element (r, c) of a sum over t in 0..k of x(r, t) * y(t, c), one fma chain.
fn product<T: Real>(
    m: usize,
    k: usize,
    n: usize,
    x: impl Fn(usize, usize) -> T,
    y: impl Fn(usize, usize) -> T,
) -> Vec<T> {
    (0..m * n).map(|i| (0..k).fold(T::default(), |acc, t| T::fma(x(i / n, t), y(t, i % n), acc))).collect()
}

impl Reference for MatMul {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (a, b) = (&inputs[0], &inputs[1]);
        let [batch, m, k, n] = sizes(a.shape, b.shape);
        let data = (0..batch)
            .flat_map(|i| product(m, k, n, |r, t| a.data[(i * m + r) * k + t], |t, c| b.data[(i * k + t) * n + c]))
            .collect();
        vec![Host::new(self.infer(&[a.shape, b.shape]).expect("checked").all()[0], data)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let (a, b, g) = (&inputs[0], &inputs[1], &dy[0].as_ref().expect("one output").data);
        let [batch, m, k, n] = sizes(a.shape, b.shape);
        let da = (0..batch)
            .flat_map(|i| product(m, n, k, |r, t| g[(i * m + r) * n + t], |t, c| b.data[(i * k + c) * n + t]))
            .collect();
        let db = (0..batch)
            .flat_map(|i| product(k, m, n, |r, t| a.data[(i * m + t) * k + r], |t, c| g[(i * m + t) * n + c]))
            .collect();
        vec![Some(Host::new(a.shape, da)), Some(Host::new(b.shape, db))]
    }
}

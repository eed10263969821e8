//! Defines the bits of the matrix product.

use super::{Batch, MatMul, sizes};
use crate::host::{Host, Real};
use crate::op::{Op, Reference};
use crate::tree;

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

/// An operand's gradient from every batch element's contribution, given with the matrix that it belongs to.
fn merged<T: Real>(operand: &Host<T>, contributions: &[(usize, Vec<T>)]) -> Host<T> {
    let r = operand.shape.iter().count();
    let (len, mut d) = (operand.shape[r - 2] * operand.shape[r - 1], Host::zeros(operand.shape));
    for (i, v) in d.data.iter_mut().enumerate() {
        let mut leaves: Vec<T> = contributions.iter().filter(|(m, _)| *m == i / len).map(|(_, c)| c[i % len]).collect();
        *v = tree::sum(&mut leaves);
    }
    d
}

impl Reference for MatMul {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (a, b) = (&inputs[0], &inputs[1]);
        let ([m, k, n], batch) = (sizes(a.shape, b.shape), Batch::new(&a.shape, &b.shape).expect("checked"));
        let one = |i: usize| {
            let (x, y) = (batch.operand(0, i), batch.operand(1, i));
            product(m, k, n, |r, t| a.data[(x * m + r) * k + t], |t, c| b.data[(y * k + t) * n + c])
        };
        let data = (0..batch.len()).flat_map(one).collect();
        vec![Host::new(self.infer(&[a.shape, b.shape]).expect("checked").all()[0], data)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let (a, b, g) = (&inputs[0], &inputs[1], &dy[0].as_ref().expect("one output").data);
        let ([m, k, n], batch) = (sizes(a.shape, b.shape), Batch::new(&a.shape, &b.shape).expect("checked"));
        let da = |i: usize| {
            let (x, y) = (batch.operand(0, i), batch.operand(1, i));
            (x, product(m, n, k, |r, t| g[(i * m + r) * n + t], |t, c| b.data[(y * k + c) * n + t]))
        };
        let db = |i: usize| {
            let (x, y) = (batch.operand(0, i), batch.operand(1, i));
            (y, product(k, m, n, |r, t| a.data[(x * m + t) * k + r], |t, c| g[(i * m + t) * n + c]))
        };
        let (da, db): (Vec<_>, Vec<_>) = ((0..batch.len()).map(da).collect(), (0..batch.len()).map(db).collect());
        vec![Some(merged(a, &da)), Some(merged(b, &db))]
    }
}

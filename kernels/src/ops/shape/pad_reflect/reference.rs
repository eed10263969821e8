//! Reflection, one number at a time: these lines define the bits.

use super::super::boxes::{flat, indices};
use super::PadReflect;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::{Op, Shape};

/// Flat position in x of each place of y, in order.
fn sources(op: &PadReflect, x: Shape) -> (Shape, Vec<usize>) {
    let y = op.infer(&[x]).expect("inferred").all()[0];
    let source = indices(y).map(|mut at| {
        for d in 0..x[..].len() {
            let (i, last) = (at[d] as isize - op.sides[d][0] as isize, x[d] as isize - 1);
            let i = if i < 0 { -i } else { i };
            at[d] = if i > last { 2 * last - i } else { i } as usize;
        }
        flat(&x, &at)
    });
    (y, source.collect())
}

impl Reference for PadReflect {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (y, at) = sources(self, inputs[0].shape);
        vec![Host::new(y, at.into_iter().map(|i| inputs[0].data[i]).collect())]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, g) in sources(self, inputs[0].shape).1.into_iter().zip(&dy.data) {
            dx.data[i] += *g;
        }
        vec![Some(dx)]
    }
}

//! Nearest neighbour, one number at a time.

use super::{Geometry, UpsampleNearest, source};
use crate::host::{Host, Real};
use crate::op::{Op, Reference};

/// Flat position in x of each element of y, in order.
fn sources(g: Geometry) -> impl Iterator<Item = usize> {
    let ([h, w], [oh, ow], c) = (g.from, g.to, g.c);
    (0..g.n * oh * ow * c).map(move |i| {
        let (n, a, b, k) = (i / (oh * ow * c), i / (ow * c) % oh, i / c % ow, i % c);
        ((n * h + source(a, h, oh)) * w + source(b, w, ow)) * c + k
    })
}

impl Reference for UpsampleNearest {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let x = &inputs[0];
        let g = self.geometry(&x.shape).expect("checked");
        vec![Host::new(self.infer(&[x.shape]).expect("checked").all()[0], sources(g).map(|i| x.data[i]).collect())]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, g) in sources(self.geometry(&inputs[0].shape).expect("checked")).zip(&dy.data) {
            dx.data[i] += *g;
        }
        vec![Some(dx)]
    }
}

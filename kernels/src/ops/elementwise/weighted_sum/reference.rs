//! Number by number: these lines define the bits.

use super::{CHUNK, Sizes, WeightedSum};
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::{Shape, tree};

impl WeightedSum {
    fn shapes<T>(inputs: &[Host<T>]) -> Vec<Shape> {
        inputs.iter().map(|x| x.shape).collect()
    }

    /// Number of term `t` that belongs to column `c` of position `p` of y.
    fn of<T: Real>(&self, s: &Sizes, inputs: &[Host<T>], t: usize, p: usize, c: usize) -> T {
        let x = &inputs[1 + t];
        x.data[if self.shares(t) { p * s.q + c % s.q } else { p * s.width + c }]
    }
}

impl Reference for WeightedSum {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (s, shape) = self.sizes(&Self::shapes(inputs)).expect("inferred");
        let mut y = Host::zeros(shape);
        for (i, y) in y.data.iter_mut().enumerate() {
            let (p, c) = (i / s.width, i % s.width);
            for t in 0..s.terms {
                let w = inputs[0].data[c / s.q * s.weights + self.first + t];
                *y = T::fma(w, self.of(&s, inputs, t, p, c), *y);
            }
        }
        vec![y]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None; inputs.len()] };
        let (s, _) = self.sizes(&Self::shapes(inputs)).expect("inferred");
        let mut dw = Host::zeros(inputs[0].shape);
        let mut grads = Vec::new();
        for t in 0..s.terms {
            let columns: Vec<T> = (0..s.width)
                .map(|c| {
                    let mut chains = Vec::new();
                    for first in (0..s.positions).step_by(CHUNK) {
                        for j in 0..s.chains() {
                            let mut chain = T::of(0.0);
                            for p in (first + j..(first + CHUNK).min(s.positions)).step_by(s.chains()) {
                                chain = T::fma(self.of(&s, inputs, t, p, c), dy.data[p * s.width + c], chain);
                            }
                            chains.push(chain);
                        }
                    }
                    // The chains of a chunk are a subtree: a power of two.
                    tree::sum(&mut chains)
                })
                .collect();
            let weight = |e: usize| e * s.weights + self.first + t;
            for e in 0..s.groups {
                dw.data[weight(e)] = tree::sum(&mut columns[e * s.q..][..s.q].to_vec());
            }
            let mut dx = Host::zeros(inputs[1 + t].shape);
            for (i, dy) in dy.data.iter().enumerate() {
                let (p, c) = (i / s.width, i % s.width);
                let w = inputs[0].data[weight(c / s.q)];
                if self.shares(t) {
                    let dx = &mut dx.data[p * s.q + c % s.q]; // groups ascend
                    *dx = T::fma(w, *dy, *dx);
                } else {
                    dx.data[i] = w * *dy;
                }
            }
            grads.push(Some(dx));
        }
        std::iter::once(Some(dw)).chain(grads).collect()
    }
}

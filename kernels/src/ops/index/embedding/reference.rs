//! Rows, one number at a time.

use super::Embedding;
use crate::host::{Host, Real};
use crate::op::{Op, Reference};

impl Reference for Embedding {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (w, index) = (&inputs[0], &inputs[1]);
        let (v, d) = (w.shape[0] as f64, w.shape[1]);
        let element = |i: &T, k: usize| match i.f64() {
            i if (0.0..v).contains(&i) => w.data[i as usize * d + k],
            _ => T::of(f64::NAN),
        };
        let y = index.data.iter().flat_map(|i| (0..d).map(move |k| element(i, k))).collect();
        vec![Host::new(self.infer(&[w.shape, index.shape]).expect("checked").all()[0], y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None, None] };
        let (mut dw, d) = (Host::zeros(inputs[0].shape), inputs[0].shape[1]);
        for (p, i) in inputs[1].data.iter().map(|i| i.f64()).enumerate() {
            if (0.0..inputs[0].shape[0] as f64).contains(&i) {
                (0..d).for_each(|k| dw.data[i as usize * d + k] += dy.data[p * d + k]);
            }
        }
        vec![Some(dw), None]
    }
}

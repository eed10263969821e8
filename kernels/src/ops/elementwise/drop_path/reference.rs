//! Number by number, one word a sample.

use super::{DropPath, scale, threshold};
use crate::host::{Host, Real};
use crate::op::Reference;

impl DropPath {
    fn masked<T: Real>(&self, x: &Host<T>) -> Host<T> {
        let samples = x.shape[0];
        let mut stream = self.key.stream(self.index);
        let mut y = Vec::with_capacity(x.data.len());
        for n in 0..samples {
            let m = if stream.word() >= threshold(self.p) { scale(self.p) } else { 0.0 };
            let size = x.data.len() / samples;
            y.extend(x.data[n * size..][..size].iter().map(|&x| x * T::of(m.into())));
        }
        Host::new(x.shape, y)
    }
}

impl Reference for DropPath {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        vec![self.masked(&inputs[0])]
    }

    fn reference_backward<T: Real>(
        &self,
        _: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        vec![dy[0].as_ref().map(|dy| self.masked(dy))]
    }
}

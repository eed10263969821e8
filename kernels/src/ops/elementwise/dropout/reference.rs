//! Number by number, one stream from its first word.

use super::Dropout;
use crate::host::{Host, Real};
use crate::op::Reference;

impl Dropout {
    fn masked<T: Real>(&self, x: &Host<T>) -> Host<T> {
        let mut stream = self.key.stream(self.index);
        let mut factor = || if u64::from(stream.word()) >= self.threshold() { self.scale() } else { 0.0 };
        Host::new(x.shape, x.data.iter().map(|&x| x * T::of(factor().into())).collect())
    }
}

impl Reference for Dropout {
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

//! Number by number, in f64, rounded to the type: for a narrow row that is the operation in the type itself, since a
//! product of two f32 is exact in f64.

use super::{Pointwise, Row};
use crate::host::{Host, Real};
use crate::op::Reference;

impl<R: Row> Reference for Pointwise<R> {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let y = inputs[0].data.iter().map(|x| T::of(self.0.y64(x.f64()))).collect();
        vec![Host::new(inputs[0].shape, y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        outputs: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let v = if R::SAVES_OUTPUT { &outputs[0] } else { &inputs[0] };
        let dx = v.data.iter().zip(&dy.data).map(|(v, dy)| T::of(self.0.dx64(v.f64(), dy.f64()))).collect();
        vec![Some(Host::new(v.shape, dx))]
    }
}

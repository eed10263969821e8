//! Number by number, in f64, rounded to the type: for a narrow row that is the operation in the type itself, since a
//! product of two f32 is exact in f64. A row with f32 functions of its own is those functions, in f32.

use super::{Pointwise, Row};
use crate::host::{Host, Real};
use crate::op::Reference;

/// Whether f32 functions of the row's own are meant.
fn single<R: Row, T: Real>() -> bool {
    R::SINGLE && size_of::<T>() == size_of::<f32>()
}

fn y<R: Row, T: Real>(row: R, x: T) -> T {
    if single::<R, T>() { T::of(row.y32(x.f64() as f32).into()) } else { T::of(row.y64(x.f64())) }
}

fn dx<R: Row, T: Real>(row: R, v: T, dy: T) -> T {
    let one = || row.dx32(v.f64() as f32, dy.f64() as f32);
    if single::<R, T>() { T::of(one().into()) } else { T::of(row.dx64(v.f64(), dy.f64())) }
}

impl<R: Row> Reference for Pointwise<R> {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let y = inputs[0].data.iter().map(|x| y(self.0, *x)).collect();
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
        let dx = v.data.iter().zip(&dy.data).map(|(v, dy)| dx(self.0, *v, *dy)).collect();
        vec![Some(Host::new(v.shape, dx))]
    }
}

//! Elements by their numbers, one at a time.

use super::Gather;
use crate::host::{Host, Real};
use crate::op::Reference;
use crate::shape::MAX_RANK;

/// Flat position in x of each element of y, in order, if it is in x.
fn sources<T: Real>(dim: usize, x: &Host<T>, index: &Host<T>) -> Vec<Option<usize>> {
    let (xs, is, mut at) = (x.shape, index.shape, [0; MAX_RANK]);
    let place = |(flat, i): (usize, &T)| {
        let mut rest = flat;
        for d in (0..is[..].len()).rev() {
            at[d] = rest % is[d];
            rest /= is[d];
        }
        let i = i.f64();
        (0.0..xs[dim] as f64).contains(&i).then(|| {
            at[dim] = i as usize;
            xs.iter().zip(at).fold(0, |flat, (n, at)| flat * n + at)
        })
    };
    index.data.iter().enumerate().map(place).collect()
}

impl Reference for Gather {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, index) = (&inputs[0], &inputs[1]);
        let take = |i: Option<usize>| i.map_or(T::of(f64::NAN), |i| x.data[i]);
        vec![Host::new(index.shape, sources(self.dim, x, index).into_iter().map(take).collect())]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None, None] };
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, g) in sources(self.dim, &inputs[0], &inputs[1]).into_iter().zip(&dy.data) {
            if let Some(i) = i {
                dx.data[i] += *g;
            }
        }
        vec![Some(dx), None]
    }
}

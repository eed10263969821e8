//! Channel shuffle, one number at a time.

use super::ChannelShuffle;
use crate::host::{Host, Real};
use crate::op::Reference;

impl Reference for ChannelShuffle {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let (x, c, g) = (&inputs[0], inputs[0].shape.last(), self.groups);
        let y = (0..x.data.len()).map(|i| x.data[i / c * c + i % c % g * (c / g) + i % c / g]).collect();
        vec![Host::new(x.shape, y)]
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        let Some(dy) = &dy[0] else { return vec![None] };
        let (c, g) = (inputs[0].shape.last(), self.groups);
        let mut dx = Host::zeros(inputs[0].shape);
        for (i, v) in dy.data.iter().enumerate() {
            dx.data[i / c * c + i % c % g * (c / g) + i % c / g] = *v;
        }
        vec![Some(dx)]
    }
}

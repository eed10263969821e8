//! The composition of the references of its parts.

use super::Separable;
use crate::Shape;
use crate::host::{Host, Real};
use crate::op::Reference;

/// Side by side along the last dimension.
fn join<T: Real>(parts: &[&Host<T>]) -> Host<T> {
    let (shape, q) = (parts[0].shape, parts[0].shape.last());
    let rows = shape.len() / q;
    let data = (0..rows).flat_map(|r| parts.iter().flat_map(move |p| p.data[r * q..][..q].iter().copied()));
    Host::new(shape.with(shape[..].len() - 1, parts.len() * q), data.collect())
}

/// Part `e` of `q` channels.
fn part<T: Real>(x: &Host<T>, e: usize, q: usize) -> Host<T> {
    let data = x.data.chunks_exact(x.shape.last()).flat_map(|row| row[e * q..][..q].iter().copied());
    Host::new(x.shape.with(x.shape[..].len() - 1, q), data.collect())
}

impl Separable {
    /// Behind ReLU: what the depthwise convolution reads.
    fn wide<T: Real>(&self, x: &Host<T>) -> Host<T> {
        let relu = |&x: &T| if x < T::of(0.0) { T::of(0.0) } else { x };
        let active = Host::new(x.shape, x.data.iter().map(relu).collect());
        if self.shared { join(&vec![&active; self.edges]) } else { active }
    }
}

fn shapes<T>(inputs: &[Host<T>]) -> Vec<Shape> {
    inputs.iter().map(|x| x.shape).collect()
}

fn weights<T: Real>(inputs: &[Host<T>]) -> [Host<T>; 2] {
    let all: Vec<&Host<T>> = inputs[1..].iter().collect();
    let (depthwise, pointwise) = all.split_at(all.len() / 2);
    [join(depthwise), join(pointwise)]
}

impl Reference for Separable {
    fn reference<T: Real>(&self, inputs: &[Host<T>]) -> Vec<Host<T>> {
        let s = self.sizes(&shapes(inputs)).expect("inferred");
        let [depthwise, pointwise] = weights(inputs);
        let m = s.depthwise.reference(&[self.wide(&inputs[0]), depthwise]).remove(0);
        s.pointwise.reference(&[m, pointwise])
    }

    fn reference_backward<T: Real>(
        &self,
        inputs: &[Host<T>],
        _: &[Host<T>],
        dy: &[Option<Host<T>>],
    ) -> Vec<Option<Host<T>>> {
        if dy[0].is_none() {
            return vec![None; inputs.len()];
        }
        let s = self.sizes(&shapes(inputs)).expect("inferred");
        let ([depthwise, pointwise], wide) = (weights(inputs), self.wide(&inputs[0]));
        let m = s.depthwise.reference(&[wide.clone(), depthwise.clone()]).remove(0);
        let both = |gradients: Vec<Option<Host<T>>>| {
            let mut all = gradients.into_iter().map(|g| g.expect("of both inputs"));
            [all.next().expect("x's"), all.next().expect("w's")]
        };
        let [dm, dpointwise] = both(s.pointwise.reference_backward(&[m, pointwise], &[], dy));
        let [dwide, ddepthwise] = both(s.depthwise.reference_backward(&[wide, depthwise], &[], &[Some(dm)]));
        let mut dx = if self.shared { part(&dwide, 0, s.q) } else { dwide.clone() };
        for e in 1..if self.shared { self.edges } else { 1 } {
            dx.data.iter_mut().zip(part(&dwide, e, s.q).data).for_each(|(dx, g)| *dx += g);
        }
        for (dx, x) in dx.data.iter_mut().zip(&inputs[0].data) {
            *dx = if *x <= T::of(0.0) { T::of(0.0) } else { *dx };
        }
        let mut grads = vec![Some(dx)];
        for all in [ddepthwise, dpointwise] {
            grads.extend((0..self.edges).map(|e| Some(part(&all, e, s.q))));
        }
        grads
    }
}

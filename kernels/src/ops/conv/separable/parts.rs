//! The composition of other ops: what a card runs, and shapes that the fast version does not take.

use super::{EDGES, Separable, Sizes};
use crate::op::{Backward, Op};
use crate::ops::activation::Pointwise;
use crate::ops::shape::concat::Concat;
use crate::ops::shape::slice::Slice;
use crate::{Shape, Tensor};

/// The output of an op that has one.
fn apply(op: &impl Op, inputs: &[&Tensor]) -> Tensor {
    let mut shapes = [Shape::scalar(); EDGES];
    shapes.iter_mut().zip(inputs).for_each(|(s, x)| *s = x.shape());
    let shape = op.infer(&shapes[..inputs.len()]).expect("shapes were checked").all()[0];
    let mut y = [Tensor::uninit_on(inputs[0].device(), shape)];
    op.forward(inputs, &mut y);
    let [y] = y;
    y
}

/// Both gradients of an op of two inputs.
fn gradients(op: &impl Op, inputs: [&Tensor; 2], dy: &Tensor) -> [Tensor; 2] {
    let (shapes, saved) = (inputs.map(Tensor::shape), inputs.map(|x| Some(x.clone())));
    let b = Backward { shapes: &shapes, inputs: &saved, outputs: &[None], dy: &[Some(dy.clone())], wants: &[true; 2] };
    let mut dx = [None, None];
    op.backward(&b, &mut dx);
    dx.map(|dx| dx.expect("a gradient that was asked for"))
}

/// Side by side along the last dimension.
fn join(parts: &[&Tensor]) -> Tensor {
    apply(&Concat { dim: parts[0].shape()[..].len() - 1 }, parts)
}

/// Part `e` of `q` channels.
fn part(x: &Tensor, e: usize, q: usize) -> Tensor {
    apply(&Slice::along(x.shape()[..].len() - 1, e * q, (e + 1) * q, 1), &[x])
}

/// Behind ReLU: x, and what the depthwise convolution reads.
fn wide(op: &Separable, x: &Tensor) -> (Tensor, Tensor) {
    let active = apply(&Pointwise::relu(), &[x]);
    let wide = if op.shared { join(&[&active; EDGES][..op.edges]) } else { active.clone() };
    (active, wide)
}

/// Fills y.
pub(super) fn forward(op: &Separable, s: &Sizes, inputs: &[&Tensor], y: &mut Tensor) {
    let (depthwise, pointwise) = inputs[1..].split_at(op.edges);
    let (_, wide) = wide(op, inputs[0]);
    let m = apply(&s.depthwise, &[&wide, &join(depthwise)]);
    *y = apply(&s.pointwise, &[&m, &join(pointwise)]);
}

/// The gradients that are wanted.
pub(super) fn backward(op: &Separable, s: &Sizes, b: &Backward<'_>, grads: &mut [Option<Tensor>]) {
    let weights = |first: usize| {
        let mut parts = [b.input(first); EDGES];
        parts.iter_mut().zip(first..first + op.edges).for_each(|(part, i)| *part = b.input(i));
        join(&parts[..op.edges])
    };
    let (depthwise, pointwise) = (weights(1), weights(1 + op.edges));
    let (active, wide) = wide(op, b.input(0));
    let m = apply(&s.depthwise, &[&wide, &depthwise]);
    let [dm, dpointwise] = gradients(&s.pointwise, [&m, &pointwise], b.dy());
    let [dwide, ddepthwise] = gradients(&s.depthwise, [&wide, &depthwise], &dm);
    if b.wants(0) {
        let mut sum = dwide.clone();
        if op.shared {
            sum = part(&dwide, 0, s.q);
            (1..op.edges).for_each(|e| sum.accumulate(&part(&dwide, e, s.q)));
        }
        let relu = Pointwise::relu();
        let b = Backward {
            shapes: &b.shapes[..1],
            inputs: &[None],
            outputs: &[Some(active)],
            dy: &[Some(sum)],
            wants: &[true],
        };
        relu.backward(&b, &mut grads[..1]);
    }
    for e in 0..op.edges {
        for (at, all) in [(1 + e, &ddepthwise), (1 + op.edges + e, &dpointwise)] {
            if b.wants(at) {
                grads[at] = Some(part(all, e, s.q));
            }
        }
    }
}

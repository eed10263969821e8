//! All edges that leave one state, computed side by side.
//!
//! E edges over q channels each: their convolutions are one that is E q channels wide (depthwise), or has E groups of q
//! (pointwise), with the weights of the separate edges side by side (`kernels::ops::conv::separable`); their batch norms are
//! one. What is the same on every edge (pools, identity) is computed once, q channels wide. Numbers are those of separate edges.

use kernels::ops::conv::conv::Conv;
use kernels::ops::conv::separable::Separable as Edges;
use kernels::ops::pool::avg_pool::AvgPool;
use kernels::ops::pool::max_pool::MaxPool;
use kernels::ops::shape::concat::Concat;
use nn::layers::{BatchNorm, Builder, relu};
use nn::{OpError, ParamId, Pass, Tensor};

use super::few::Few;
use crate::gaea::Operation;
use crate::gaea::operations::{Form, Norm};

/// Most edges that leave a state.
const MOST: usize = 5;

/// Weights of an edge's operations: [depthwise, pointwise] of each separable convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EdgeWeights {
    /// The two halves of a factorised reduction, where the edge halves the size.
    reduce: Option<[ParamId; 2]>,
    sep3: [[ParamId; 2]; 2],
    sep5: [[ParamId; 2]; 2],
    dil3: [ParamId; 2],
    dil5: [ParamId; 2],
}

impl EdgeWeights {
    /// Adds them, with PyTorch's names and initial values.
    pub(crate) fn new(at: &mut Builder<'_>, form: Form, q: usize, halves: bool) -> Self {
        let operation = |at: &mut Builder<'_>,
                         o: Operation,
                         layer: &str,
                         inputs: usize,
                         outputs: usize,
                         k: usize,
                         groups: usize| {
            let mut at = at.scope(format_args!("_ops.{}", o.index()));
            at.conv(layer, form.conv(inputs, outputs, k, 1).groups(groups)).weight()
        };
        let reduce =
            halves.then(|| ["conv_1", "conv_2"].map(|half| operation(at, Operation::Skip, half, q, q / 2, 1, 1)));
        let mut separable = |o, k, first: usize| {
            let depthwise = operation(at, o, &format!("op.{first}"), q, q, k, q);
            [depthwise, operation(at, o, &format!("op.{}", first + 1), q, q, 1, 1)]
        };
        Self {
            reduce,
            sep3: [1, 5].map(|first| separable(Operation::SepConv3, 3, first)),
            sep5: [1, 5].map(|first| separable(Operation::SepConv5, 5, first)),
            dil3: separable(Operation::DilConv3, 3, 1),
            dil5: separable(Operation::DilConv5, 5, 1),
        }
    }
}

/// A convolution of all edges: their weights side by side.
#[derive(Debug)]
struct SideBySide {
    name: String,
    weights: Vec<ParamId>,
    op: Conv,
}

impl SideBySide {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let weights: Few<{ 2 * MOST }> = self.weights.iter().map(|&w| pass.param(w)).collect();
        let all = join(pass, &self.name, &weights)?;
        pass.apply(&self.name, self.op, &[x, &all])
    }
}

/// Tensors side by side along their last dimension.
fn join<const N: usize>(pass: &mut Pass<'_>, layer: &str, parts: &Few<N>) -> Result<Tensor, OpError> {
    parts.with(|parts| pass.apply(layer, Concat { dim: parts[0].shape()[..].len() - 1 }, parts))
}

/// ReLU, depthwise and pointwise convolution, batch norm of all edges.
#[derive(Debug)]
struct Separable {
    name: String,
    op: Edges,
    /// The depthwise weights of the edges, then the pointwise ones.
    weights: Vec<ParamId>,
    bn: BatchNorm,
}

impl Separable {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut inputs = Few::<{ 1 + 2 * MOST }>::new();
        inputs.push(x.clone());
        inputs.extend(self.weights.iter().map(|&w| pass.param(w)));
        let x = inputs.with(|inputs| pass.apply(&self.name, self.op, inputs))?;
        self.bn.forward(pass, &x)
    }
}

/// The factorised reductions of all edges: one convolution of 2 E groups over both halves of the places, E times.
#[derive(Debug)]
struct Reduce {
    conv: SideBySide,
    bn: BatchNorm,
    /// The second half reads what the first does.
    unshifted: bool,
}

/// The edges that leave a state.
#[derive(Debug)]
pub(crate) struct Bundle {
    name: String,
    form: Form,
    edges: usize,
    stride: usize,
    max_bn: BatchNorm,
    mean_bn: BatchNorm,
    reduce: Option<Reduce>,
    sep3: [Separable; 2],
    sep5: [Separable; 2],
    dil3: Separable,
    dil5: Separable,
}

impl Bundle {
    /// Bundles `edges`, which read the first `q` channels of their state; `at` names the running statistics, which move as
    /// `norm` says.
    pub(crate) fn new(
        at: &mut Builder<'_>,
        form: Form,
        q: usize,
        edges: &[EdgeWeights],
        norm: Norm,
        unshifted: bool,
    ) -> Self {
        let (e, name) = (edges.len(), at.path("edges"));
        let stride = if edges[0].reduce.is_some() { 2 } else { 1 };
        // Layers `first` and following of an operation; another one follows where `more` is set.
        let mut separable = |o: Operation,
                             first: usize,
                             k: usize,
                             dilation: usize,
                             stride: usize,
                             of: &dyn Fn(&EdgeWeights) -> [ParamId; 2]| {
            let more = first == 1 && [Operation::SepConv3, Operation::SepConv5].contains(&o);
            let plain = norm.over(e * q);
            // ReLU again in the next one finds no number to change.
            let bn = at.batch_norm(&format!("{o}.{}", first + 2), if more { plain.relu() } else { plain });
            let (name, pad) = (at.path(format_args!("{o}.{first}")), dilation * (k - 1) / 2);
            let op = Edges {
                stride: [stride; 2],
                padding: [[pad; 2]; 2],
                dilation: [dilation; 2],
                edges: e,
                shared: first == 1,
            };
            let weights = [0, 1].into_iter().flat_map(|i| edges.iter().map(move |w| of(w)[i])).collect();
            Separable { name, op, weights, bn }
        };
        let sep3 = [
            separable(Operation::SepConv3, 1, 3, 1, stride, &|w| w.sep3[0]),
            separable(Operation::SepConv3, 5, 3, 1, 1, &|w| w.sep3[1]),
        ];
        let sep5 = [
            separable(Operation::SepConv5, 1, 5, 1, stride, &|w| w.sep5[0]),
            separable(Operation::SepConv5, 5, 5, 1, 1, &|w| w.sep5[1]),
        ];
        let dil3 = separable(Operation::DilConv3, 1, 3, 2, stride, &|w| w.dil3);
        let dil5 = separable(Operation::DilConv5, 1, 5, 2, stride, &|w| w.dil5);
        let halves: Option<Vec<[ParamId; 2]>> = edges.iter().map(|w| w.reduce).collect();
        let reduce = halves.map(|halves| {
            let name = at.path(Operation::Skip);
            let op = Conv { groups: 2 * e, ..Conv::default() };
            let conv = SideBySide { name, weights: halves.concat(), op };
            Reduce { conv, bn: at.batch_norm(Operation::Skip.name(), norm.over(e * q)), unshifted }
        });
        let [max_bn, mean_bn] =
            [Operation::MaxPool3, Operation::AvgPool3].map(|o| at.batch_norm(o.name(), norm.over(q)));
        Self { name, form, edges: e, stride, max_bn, mean_bn, reduce, sep3, sep5, dil3, dil5 }
    }

    /// How many operations [`Bundle::forward`] gives: all but none.
    pub(crate) const TERMS: usize = 7;

    /// Bit t is set where operation t is the same on every edge.
    pub(crate) fn shared(&self) -> u32 {
        if self.reduce.is_some() { 0b011 } else { 0b111 }
    }

    /// The operations, but none, of `x` `[.., q]`, in order: `[.., E q]`, or `[.., q]` where all edges share it.
    pub(crate) fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<[Tensor; Self::TERMS], OpError> {
        let window = self.form.window(self.stride);
        let max = pass.apply(&self.name, MaxPool { window }, &[x])?;
        let max = self.max_bn.forward(pass, &max)?;
        let mean = pass.apply(&self.name, AvgPool { window, count_include_pad: false }, &[x])?;
        let mean = self.mean_bn.forward(pass, &mean)?;
        let skip = match &self.reduce {
            None => x.clone(),
            Some(r) => {
                let active = relu(pass, x)?;
                let first = self.form.first_places(pass, &self.name, &active)?;
                let second = self.form.second_places(pass, &self.name, &active, !r.unshifted)?;
                let both: Few<{ 2 * MOST }> = (0..self.edges).flat_map(|_| [first.clone(), second.clone()]).collect();
                let both = join(pass, &self.name, &both)?;
                let y = r.conv.forward(pass, &both)?;
                r.bn.forward(pass, &y)?
            }
        };
        let mut twice = |[first, second]: &[Separable; 2]| {
            let x = first.forward(pass, x)?;
            second.forward(pass, &x)
        };
        let (sep3, sep5) = (twice(&self.sep3)?, twice(&self.sep5)?);
        let (dil3, dil5) = (self.dil3.forward(pass, x)?, self.dil5.forward(pass, x)?);
        Ok([max, mean, skip, sep3, sep5, dil3, dil5])
    }
}

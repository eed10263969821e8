//! A cell of the supernet: bundles of edges, and sums a node.

use kernels::ops::elementwise::weighted_sum::WeightedSum;
use kernels::ops::pool::Window;
use kernels::ops::pool::max_pool::MaxPool;
use kernels::ops::shape::channel_shuffle::ChannelShuffle;
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::split::Split;
use nn::layers::Builder;
use nn::{OpError, Pass, Tensor};

use super::SupernetSpec;
use super::bundle::{Bundle, EdgeWeights};
use super::few::Few;
use super::mixing::Sums;
use crate::gaea::operations::{FactorizedReduce, Form, Norm, ReluConvBn};
use crate::gaea::space::{EDGES, INPUTS, NODES, edge};

/// What makes an input of a cell, behind ReLU, as wide, and as large, as the other.
#[derive(Debug)]
enum Preprocess {
    Same(ReluConvBn),
    Halve(FactorizedReduce),
}

impl Preprocess {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        match self {
            Self::Same(layer) => layer.behind_relu(pass, x),
            Self::Halve(layer) => layer.behind_relu(pass, x),
        }
    }
}

/// Where a cell stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Channels of the outputs of the last cell but one, and of the last.
    pub(super) inputs: [usize; 2],
    /// Channels of a node.
    pub(super) channels: usize,
    /// The cell halves the size.
    pub(super) reduces: bool,
    /// The cell before did.
    pub(super) after_reduction: bool,
}

/// A cell.
#[derive(Debug)]
pub(super) struct MixedCell {
    name: String,
    form: Form,
    /// Channels of a node, and those of them that operations see.
    channels: usize,
    q: usize,
    reduces: bool,
    preprocess: [Preprocess; INPUTS],
    /// Of the states that edges leave: both inputs and the first three nodes.
    bundles: Vec<Bundle>,
}

/// What goes past the operations into a node: of both inputs and the nodes before.
type Past = Few<{ INPUTS + NODES }>;

/// Weights and terms of a sum: of both inputs' operations at most.
type Terms = Few<{ 1 + INPUTS * Bundle::TERMS + 1 }>;

/// A state's part that operations see, and what goes past them (nothing where they see all).
struct Parts {
    seen: Tensor,
    past: Option<Tensor>,
}

impl MixedCell {
    /// Builds it, with PyTorch's order and names of parameters; running statistics of bundles follow.
    pub(super) fn new(at: &mut Builder<'_>, spec: &SupernetSpec, place: Place) -> Self {
        let (form, c) = (spec.form(), place.channels);
        let name = at.path("nodes");
        let same = |at: &mut Builder<'_>, name, inputs| {
            Preprocess::Same(ReluConvBn::new(at, name, form, inputs, c, Norm::PLAIN))
        };
        let first = if place.after_reduction {
            let layer = FactorizedReduce::new(at, "preprocess0", form, place.inputs[0], c, Norm::PLAIN);
            Preprocess::Halve(layer.reference(spec.reference))
        } else {
            same(at, "preprocess0", place.inputs[0])
        };
        let preprocess = [first, same(at, "preprocess1", place.inputs[1])];
        let q = c / spec.fraction;
        let edges: Vec<EdgeWeights> = (0..NODES)
            .flat_map(|node| (0..INPUTS + node).map(move |source| (edge(node, source), source)))
            .map(|(e, source)| {
                let halves = place.reduces && source < INPUTS;
                EdgeWeights::new(&mut at.scope(format_args!("_ops.{e}")), form, q, halves)
            })
            .collect();
        debug_assert_eq!(edges.len(), EDGES);
        let bundles = (0..INPUTS + NODES - 1)
            .map(|source| {
                let leaving: Vec<EdgeWeights> =
                    (source.saturating_sub(INPUTS - 1)..NODES).map(|node| edges[edge(node, source)]).collect();
                let mut at = at.scope(format_args!("state.{source}"));
                Bundle::new(&mut at, form, q, &leaving, Norm::PLAIN, spec.reference)
            })
            .collect();
        Self { name, form, channels: c, q, reduces: place.reduces, preprocess, bundles }
    }

    /// The channels before `at`, and from there on.
    fn split(&self, pass: &mut Pass<'_>, x: &Tensor, at: usize) -> Result<[Tensor; 2], OpError> {
        let op = Split { dim: self.form.channels(), at };
        let mut parts = pass.tape.record(op, &[x]).map_err(|e| e.in_layer(&self.name))?;
        Ok([parts.take(0), parts.take(1)])
    }

    fn parts(&self, pass: &mut Pass<'_>, state: &Tensor) -> Result<Parts, OpError> {
        if self.q == self.channels {
            return Ok(Parts { seen: state.clone(), past: None });
        }
        let [seen, past] = self.split(pass, state, self.q)?;
        Ok(Parts { seen, past: Some(past) })
    }

    /// The maximum of every two places in each direction; the last of an odd size stands alone.
    fn halve(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let odd = |d: usize| x.shape()[d] % 2;
        let window = match self.form {
            Form::Image => Window { padding: [[0, odd(1)], [0, odd(2)]], ..Window::images([2, 2], [2, 2], [0, 0]) },
            Form::Series => Window::series(2, 2, [0, odd(1)]),
        };
        pass.apply(&self.name, MaxPool { window }, &[x])
    }

    /// The outputs of the last cell but one and of the last, behind ReLU, to four nodes side by side.
    pub(super) fn forward(
        &self,
        pass: &mut Pass<'_>,
        inputs: [&Tensor; INPUTS],
        sums: &Sums,
    ) -> Result<Tensor, OpError> {
        let (mut past, mut terms, mut shared) = (Past::new(), Terms::new(), 0);
        terms.push(sums.inputs.clone());
        for (i, x) in inputs.into_iter().enumerate() {
            let state = self.preprocess[i].forward(pass, x)?;
            let parts = self.parts(pass, &state)?;
            shared |= self.bundles[i].shared() << (i * Bundle::TERMS);
            terms.extend(self.bundles[i].forward(pass, &parts.seen)?);
            if let Some(x) = parts.past {
                past.push(if self.reduces { self.halve(pass, &x)? } else { x });
            }
        }
        // What is mixed for this node and those behind it, q channels each.
        let mut mixed = self.weighted_sum(pass, 1, shared, &terms)?;
        let mut nodes = Few::<NODES>::new();
        for node in 0..NODES {
            let behind = NODES - 1 - node;
            let (own, rest) = if behind > 0 {
                let [own, rest] = self.split(pass, &mixed, self.q)?;
                (own, Some(rest))
            } else {
                (mixed.clone(), None)
            };
            let state = self.join(pass, own, &past, &sums.bypass[node])?;
            nodes.push(state.clone());
            if let Some(rest) = rest {
                let parts = self.parts(pass, &state)?;
                past.extend(parts.past);
                let bundle = &self.bundles[INPUTS + node];
                terms.clear();
                terms.push(sums.nodes[node].clone());
                terms.extend(bundle.forward(pass, &parts.seen)?);
                terms.push(rest);
                mixed = self.weighted_sum(pass, 1, bundle.shared(), &terms)?;
            }
        }
        nodes.with(|nodes| pass.apply(&self.name, Concat { dim: self.form.channels() }, nodes))
    }

    /// A node from what is mixed for it and what goes past: the sum of the latter behind the former, channels shuffled.
    fn join(&self, pass: &mut Pass<'_>, mixed: Tensor, past: &Past, weights: &Tensor) -> Result<Tensor, OpError> {
        if self.q == self.channels {
            return Ok(mixed);
        }
        let terms: Terms = std::iter::once(weights).chain(past.iter()).cloned().collect();
        let past = self.weighted_sum(pass, 0, 0, &terms)?;
        let both = pass.apply(&self.name, Concat { dim: self.form.channels() }, &[&mixed, &past])?;
        pass.apply(&self.name, ChannelShuffle { groups: self.channels / self.q }, &[&both])
    }

    fn weighted_sum(&self, pass: &mut Pass<'_>, first: usize, shared: u32, terms: &Terms) -> Result<Tensor, OpError> {
        terms.with(|terms| pass.apply(&self.name, WeightedSum { first, shared }, terms))
    }
}

//! A cell of the supernet: the same operations for each of the levels that it may read.

use kernels::ops::elementwise::weighted_sum::WeightedSum;
use kernels::ops::resize::UpsampleBilinear;
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::split::Split;
use nn::layers::Builder;
use nn::{OpError, Pass, Tensor};

use super::mixing::Sums;
use crate::autodl::decode::DIRECTIONS;
use crate::autodl::space::{NODES, edges};
use crate::gaea::operations::{Form, Norm, ReluConvBn};
use crate::gaea::space::{INPUTS, edge};
use crate::gaea::supernet::bundle::{Bundle, EdgeWeights};
use crate::gaea::supernet::few::Few;

/// The dimension of channels.
const CHANNELS: usize = 3;

/// Images at another size, corners on corners.
pub(in crate::autodl) fn resized(
    pass: &mut Pass<'_>,
    layer: &str,
    x: &Tensor,
    size: [usize; 2],
) -> Result<Tensor, OpError> {
    if x.shape()[1..3] == size {
        return Ok(x.clone());
    }
    pass.apply(layer, UpsampleBilinear { size, align_corners: true }, &[x])
}

/// Where a cell stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Nodes.
    pub(super) nodes: usize,
    /// Channels of a node.
    pub(super) channels: usize,
    /// Channels of the same level's output two layers back; none: there is none.
    pub(super) before: Option<usize>,
    /// Channels of the last layer's outputs on the finer level, the same and the coarser, where there are any.
    pub(super) last: [Option<usize>; DIRECTIONS],
}

/// A cell.
#[derive(Debug)]
pub(super) struct MixedCell {
    name: String,
    channels: usize,
    before: Option<ReluConvBn>,
    /// Of the finer level, the same, the coarser.
    last: [Option<ReluConvBn>; DIRECTIONS],
    /// Of the states that edges leave: both inputs (no first one where there is nothing before) and all nodes but the last.
    bundles: Vec<Option<Bundle>>,
}

/// A term for each operation of both inputs, and the weights; more than a node needs.
type Terms = Few<{ 1 + INPUTS * Bundle::TERMS + 1 }>;

impl MixedCell {
    /// Builds it, with the reference's names of parameters.
    pub(super) fn new(at: &mut Builder<'_>, place: &Place) -> Self {
        let (form, c, name) = (Form::Image, place.channels, at.path("nodes"));
        let mut project =
            |name: &str, inputs: Option<usize>| Some(ReluConvBn::new(at, name, form, inputs?, c, Norm::PLAIN));
        let before = project("pre_preprocess", place.before);
        let [down, same, up] = place.last;
        let last = [project("preprocess_down", down), project("preprocess_same", same), project("preprocess_up", up)];
        let first = usize::from(before.is_none());
        let mut weights = vec![None; edges(place.nodes)];
        for node in 0..place.nodes {
            for source in first..INPUTS + node {
                let e = edge(node, source);
                weights[e] = Some(EdgeWeights::new(&mut at.scope(format_args!("_ops.{e}")), form, c, false));
            }
        }
        let ways = last.iter().flatten().count() as i32;
        let bundle = |source: usize| {
            let leaving = (source.saturating_sub(INPUTS - 1)..place.nodes).map(|node| weights[edge(node, source)]);
            let leaving: Vec<EdgeWeights> = leaving.collect::<Option<_>>()?;
            // What is before is the same whichever level the other input comes from. The reference computes it for each of
            // those; here once, and its running statistics move at once as far as they do there.
            let still = if source == 0 { (0..ways).fold(1.0, |x, _| x * 0.9) } else { 0.9f64 };
            let norm = Norm { momentum: (1.0 - still) as f32, ..Norm::PLAIN };
            Some(Bundle::new(&mut at.scope(format_args!("state.{source}")), form, c, &leaving, norm, false))
        };
        let bundles = (0..INPUTS + place.nodes - 1).map(bundle).collect();
        Self { name, channels: c, before, last, bundles }
    }

    /// Outputs for each of the levels that the last layer has: nodes side by side. `before` and `last` are as they come out of
    /// the layers; without `before`, or if there is none for this cell, its edges give nothing.
    pub(super) fn forward(
        &self,
        pass: &mut Pass<'_>,
        before: Option<&Tensor>,
        last: &[Option<&Tensor>; DIRECTIONS],
        size: [usize; 2],
        sums: &Sums,
    ) -> Result<Few<DIRECTIONS>, OpError> {
        let first = match (&self.before, before, &self.bundles[0]) {
            (Some(project), Some(x), Some(bundle)) => {
                let x = resized(pass, &self.name, x, size)?;
                let x = project.forward(pass, &x)?;
                Some((bundle.shared(), bundle.forward(pass, &x)?))
            }
            _ => None,
        };
        let mut all = Few::new();
        for (project, x) in self.last.iter().zip(last) {
            let (Some(project), Some(x)) = (project, x) else { continue };
            let x = resized(pass, &self.name, x, size)?;
            let x = project.forward(pass, &x)?;
            all.push(self.nodes(pass, first.as_ref(), &x, sums)?);
        }
        Ok(all)
    }

    fn nodes(
        &self,
        pass: &mut Pass<'_>,
        first: Option<&(u32, [Tensor; Bundle::TERMS])>,
        second: &Tensor,
        sums: &Sums,
    ) -> Result<Tensor, OpError> {
        let bundle = |source: usize| self.bundles[source].as_ref().expect("only what is before may lack");
        let (mut terms, mut shared) = (Terms::new(), 0);
        match first {
            Some((bits, x)) => {
                shared = bits | bundle(1).shared() << Bundle::TERMS;
                terms.push(sums.both.clone());
                terms.extend(x.iter().cloned());
            }
            None => {
                shared |= bundle(1).shared();
                terms.push(sums.second.clone());
            }
        }
        terms.extend(bundle(1).forward(pass, second)?);
        // What is mixed for this node and those behind it.
        let mut mixed = self.sum(pass, shared, &terms)?;
        let mut nodes = Few::<NODES>::new();
        for (node, weights) in sums.nodes.iter().enumerate() {
            let op = Split { dim: CHANNELS, at: self.channels };
            let mut parts = pass.tape.record(op, &[&mixed]).map_err(|e| e.in_layer(&self.name))?;
            let (state, rest) = (parts.take(0), parts.take(1));
            let bundle = bundle(INPUTS + node);
            terms.clear();
            terms.push(weights.clone());
            terms.extend(bundle.forward(pass, &state)?);
            terms.push(rest);
            nodes.push(state);
            mixed = self.sum(pass, bundle.shared(), &terms)?;
        }
        nodes.push(mixed);
        nodes.with(|nodes| pass.apply(&self.name, Concat { dim: CHANNELS }, nodes))
    }

    fn sum(&self, pass: &mut Pass<'_>, shared: u32, terms: &Terms) -> Result<Tensor, OpError> {
        terms.with(|terms| pass.apply(&self.name, WeightedSum { first: 1, shared }, terms))
    }
}

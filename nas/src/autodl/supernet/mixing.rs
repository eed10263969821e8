//! From architecture weights to the weights of sums.

use kernels::Tensor as Value;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::reduce::{Axes, sum::Sum};
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::slice::Slice;
use kernels::ops::softmax::Softmax;
use nn::{OpError, Pass, Tensor};

use crate::autodl::decode::{DIRECTIONS, direction, leads_to, mass};
use crate::autodl::space::{Cell, LEVELS, NODES, edges};
use crate::gaea::Operation;
use crate::gaea::space::{INPUTS, OPERATIONS, edge};
use crate::gaea::supernet::few::Few;

/// Added to the weights of directions that a level lacks: their exponentials are 0.
const ABSENT: f32 = -1e9;

/// The weights of a cell's sums; the first column of the mixed ones is that of none.
#[derive(Debug)]
pub(super) struct Sums {
    /// Of both inputs' edges into all nodes: `[nodes, 8 + 7]`.
    pub(super) both: Tensor,
    /// Of the second input's alone, for cells that have no first: `[nodes, 8]`.
    pub(super) second: Tensor,
    /// Of the edges that leave node i: `[nodes - 1 - i, 8 + 1]`; the last column is 1, for what was summed before.
    pub(super) nodes: Vec<Tensor>,
}

const CELL: &str = "alphas";

impl Sums {
    /// Lays out the weights `[edges, 8]` of operations.
    pub(super) fn new(pass: &mut Pass<'_>, nodes: usize, operations: &Tensor) -> Result<Self, OpError> {
        let device = pass.device();
        let leaving = |pass: &mut Pass<'_>, source: usize| {
            let mut rows = Few::<{ NODES + 1 }>::new();
            for node in source.saturating_sub(INPUTS - 1)..nodes {
                let e = edge(node, source);
                rows.push(pass.apply(CELL, Slice::along(0, e, e + 1, 1), &[operations])?);
            }
            rows.with(|rows| pass.apply(CELL, Concat { dim: 0 }, rows))
        };
        let (first, second) = (leaving(pass, 0)?, leaving(pass, 1)?);
        let tail = pass.apply(CELL, Slice::along(1, 1, OPERATIONS, 1), &[&second])?;
        let both = pass.apply(CELL, Concat { dim: 1 }, &[&first, &tail])?;
        let mut sums = Self { both, second, nodes: Vec::with_capacity(nodes) };
        for node in 0..nodes - 1 {
            let own = leaving(pass, INPUTS + node)?;
            let ones = Tensor::constant(Value::full_on(device, [nodes - 1 - node, 1], 1.0));
            sums.nodes.push(pass.apply(CELL, Concat { dim: 1 }, &[&own, &ones])?);
        }
        Ok(sums)
    }
}

/// The softmax of every edge's alphas.
pub(super) fn operations(pass: &mut Pass<'_>, alphas: &Tensor) -> Result<Tensor, OpError> {
    pass.apply(CELL, Softmax::new(-1), &[alphas])
}

/// The corner that a cell is: its edges have one operation each, all others none.
pub(super) fn corner(cell: &Cell) -> Value {
    let mut weights = vec![0.0; edges(cell.len()) * OPERATIONS];
    let mut choose = |e: usize, o: Operation| {
        weights[e * OPERATIONS..][..OPERATIONS].fill(0.0);
        weights[e * OPERATIONS + o.index()] = 1.0;
    };
    (0..edges(cell.len())).for_each(|e| choose(e, Operation::None));
    for (node, choices) in cell.iter().enumerate() {
        choices.iter().for_each(|c| choose(edge(node, c.source), c.operation));
    }
    Value::from_slice([edges(cell.len()), OPERATIONS], &weights)
}

const PATH: &str = "betas";

/// What weighs the ways into each level of a layer.
#[derive(Debug)]
pub(super) struct Steps {
    /// `[layers, 4, 3]`, normalised.
    all: Tensor,
    /// As [`super::Rules::shared_beta`].
    shared_beta: bool,
}

impl Steps {
    /// Normalises betas: softmax over the directions that a level has, times what they weigh together.
    pub(super) fn new(pass: &mut Pass<'_>, betas: &Tensor, shared_beta: bool) -> Result<Self, OpError> {
        let device = pass.device();
        let table = |of: &dyn Fn(usize, usize) -> f32| {
            let all: Vec<f32> = (0..LEVELS).flat_map(|l| (0..DIRECTIONS).map(move |d| of(l, d))).collect();
            Tensor::constant(Value::from_slice([LEVELS, DIRECTIONS], &all).to(device))
        };
        let absent = table(&|l, d| if leads_to(l, d).is_some() { 0.0 } else { ABSENT });
        let masses = table(&|l, _| mass(l) as f32);
        let x = pass.apply(PATH, Binary::add(), &[betas, &absent])?;
        let x = pass.apply(PATH, Softmax::new(-1), &[&x])?;
        Ok(Self { all: pass.apply(PATH, Binary::mul(), &[&x, &masses])?, shared_beta })
    }

    /// Of one layer: `[4, 3]`.
    pub(super) fn layer(&self, pass: &mut Pass<'_>, layer: usize) -> Result<Tensor, OpError> {
        let own = pass.apply(PATH, Slice::along(0, layer, layer + 1, 1), &[&self.all])?;
        pass.apply(PATH, Sum { axes: Axes::of(&[0]), keepdim: false }, &[&own])
    }

    /// The weights of the ways from these levels into `to`, of a layer's `[4, 3]`: `[1, ways]`.
    pub(super) fn ways_into(
        &self,
        pass: &mut Pass<'_>,
        steps: &Tensor,
        (layer, to): (usize, usize),
        from: impl Iterator<Item = usize>,
    ) -> Result<Tensor, OpError> {
        let mut ways = Few::<DIRECTIONS>::new();
        for source in from {
            let own = direction(source, to);
            // The reference's fault: the second layer's way along level 1 weighs what its way down from there does.
            let fault = self.shared_beta && (layer, to, source) == (1, 1, 1);
            let d = if fault { own + 1 } else { own };
            let slice = Slice::new(&[(source, source + 1, 1), (d, d + 1, 1)]);
            ways.push(pass.apply(PATH, slice, &[steps])?);
        }
        ways.with(|ways| pass.apply(PATH, Concat { dim: 1 }, ways))
    }
}

//! From architecture weights to the weights of sums.

use kernels::Tensor as Value;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::permute::Permute;
use kernels::ops::shape::slice::Slice;
use kernels::ops::softmax::Softmax;
use nn::layers::Builder;
use nn::{Layout, OpError, ParamId, Pass, Tensor};

use super::few::Few;
use crate::gaea::Operation;
use crate::gaea::space::{Cell, EDGES, INPUTS, NODES, OPERATIONS, edge, edges_into};

/// What mixes: operations on an edge, and edges into a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mixing {
    /// The architecture weights themselves, which are points of simplices.
    #[default]
    Simplex,
    /// Softmax of an edge's alphas, and of a node's betas.
    Softmax,
}

impl Mixing {
    /// What alphas and betas begin with: uniform, or all 1.
    fn initial(self) -> [Value; 2] {
        match self {
            Self::Softmax => [Value::full([EDGES, OPERATIONS], 1.0), Value::full([EDGES], 1.0)],
            Self::Simplex => {
                let betas = (0..NODES).flat_map(|n| edges_into(n).map(move |_| 1.0 / (INPUTS + n) as f32));
                let betas: Vec<f32> = betas.collect();
                [Value::full([EDGES, OPERATIONS], 1.0 / OPERATIONS as f32), Value::from_slice([EDGES], &betas)]
            }
        }
    }
}

/// Architecture weights of one kind of cell.
#[derive(Debug, Clone, Copy)]
pub struct CellWeights {
    /// `[14, 8]`, of the operations on each edge.
    pub alphas: ParamId,
    /// `[14]`, of the edges.
    pub betas: ParamId,
}

impl CellWeights {
    /// Adds them; `kind` is `normal` or `reduce`.
    pub(super) fn new(at: &mut Builder<'_>, kind: &str, mixing: Mixing) -> Self {
        let [alphas, betas] = mixing.initial();
        let alphas = at.parameter_of(format_args!("alphas_{kind}"), alphas, Layout::Plain);
        Self { alphas, betas: at.parameter_of(format_args!("betas_{kind}"), betas, Layout::Plain) }
    }

    /// Both.
    pub fn ids(&self) -> [ParamId; 2] {
        [self.alphas, self.betas]
    }
}

/// The weights that mix in one kind of cell.
#[derive(Debug, Clone)]
pub struct Weights {
    /// `[14, 8]`.
    pub operations: Tensor,
    /// `[14]`.
    pub edges: Tensor,
}

impl Weights {
    /// Those that a pass computes from architecture weights.
    pub(super) fn of(pass: &mut Pass<'_>, cell: CellWeights, mixing: Mixing) -> Result<Self, OpError> {
        let (operations, edges) = (pass.param(cell.alphas), pass.param(cell.betas));
        if mixing == Mixing::Simplex {
            return Ok(Self { operations, edges });
        }
        let operations = pass.apply("alphas", Softmax::new(-1), &[&operations])?;
        let mut nodes = Few::<NODES>::new();
        for node in 0..NODES {
            let into = edges_into(node);
            let own = pass.apply("betas", Slice::along(0, into.start, into.end, 1), &[&edges])?;
            nodes.push(pass.apply("betas", Softmax::new(-1), &[&own])?);
        }
        let edges = nodes.with(|nodes| pass.apply("betas", Concat { dim: 0 }, nodes))?;
        Ok(Self { operations, edges })
    }

    /// The corner that a cell is: its two edges of each node weigh 1/2, with one operation each.
    pub fn of_cell(cell: &Cell) -> Self {
        let (mut operations, mut edges) = ([0.0; EDGES * OPERATIONS], [0.0; EDGES]);
        (0..EDGES).for_each(|e| operations[e * OPERATIONS + Operation::None.index()] = 1.0);
        for (node, choices) in cell.iter().enumerate() {
            for choice in choices {
                let e = edge(node, choice.source);
                edges[e] = 0.5;
                operations[e * OPERATIONS + Operation::None.index()] = 0.0;
                operations[e * OPERATIONS + choice.operation.index()] = 1.0;
            }
        }
        Self {
            operations: Value::from_slice([EDGES, OPERATIONS], &operations).into(),
            edges: Value::from_slice([EDGES], &edges).into(),
        }
    }
}

/// The weights of a cell's sums; the first column of the mixed ones is that of none.
#[derive(Debug)]
pub(super) struct Sums {
    /// Of both inputs' edges into the four nodes: `[4, 8 + 7]`.
    pub(super) inputs: Tensor,
    /// Of the edges that leave node i: `[3 - i, 8 + 1]`; the last column is 1, for what was summed before.
    pub(super) nodes: [Tensor; NODES - 1],
    /// Of what goes past the operations into node i: `[1, 2 + i]`.
    pub(super) bypass: [Tensor; NODES],
}

const LAYER: &str = "mixing";

impl Sums {
    /// Lays them out.
    pub(super) fn new(pass: &mut Pass<'_>, weights: &Weights) -> Result<Self, OpError> {
        let device = pass.device();
        let ones = |rows| Tensor::constant(Value::full_on(device, [rows, 1], 1.0));
        // operations[e, o] edges[e]
        let turned = pass.apply(LAYER, Permute::new(&[1, 0]), &[&weights.operations])?;
        let turned = pass.apply(LAYER, Binary::mul(), &[&turned, &weights.edges])?;
        let mixed = pass.apply(LAYER, Permute::new(&[1, 0]), &[&turned])?;
        let leaving = |pass: &mut Pass<'_>, source: usize| {
            let mut rows = Few::<NODES>::new();
            for node in source.saturating_sub(INPUTS - 1)..NODES {
                let e = edge(node, source);
                rows.push(pass.apply(LAYER, Slice::along(0, e, e + 1, 1), &[&mixed])?);
            }
            rows.with(|rows| pass.apply(LAYER, Concat { dim: 0 }, rows))
        };
        let (first, second) = (leaving(pass, 0)?, leaving(pass, 1)?);
        let second = pass.apply(LAYER, Slice::along(1, 1, OPERATIONS, 1), &[&second])?;
        let inputs = pass.apply(LAYER, Concat { dim: 1 }, &[&first, &second])?;
        let from_node = |pass: &mut Pass<'_>, node: usize| {
            let own = leaving(pass, INPUTS + node)?;
            pass.apply(LAYER, Concat { dim: 1 }, &[&own, &ones(NODES - 1 - node)])
        };
        let nodes = [from_node(pass, 0)?, from_node(pass, 1)?, from_node(pass, 2)?];
        let past = |pass: &mut Pass<'_>, node: usize| {
            let into = edges_into(node);
            let own = pass.apply(LAYER, Slice::along(0, into.start, into.end, 1), &[&weights.edges])?;
            pass.apply(LAYER, Binary::mul(), &[&own, &ones(1)]) // [n] to [1, n]
        };
        let bypass = [past(pass, 0)?, past(pass, 1)?, past(pass, 2)?, past(pass, 3)?];
        Ok(Self { inputs, nodes, bypass })
    }
}

//! One cell of a derived network.

use kernels::ops::shape::concat::Concat;
use nn::layers::{Builder, DropPath, add};
use nn::{OpError, Pass, Tensor};

use super::operations::{DilConv, FactorizedReduce, Form, Norm, Pool, Pooled, ReluConvBn, SepConv};
use super::space::{self, NODES, Operation};

/// What all cells of a network have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    /// Images or series.
    pub form: Form,
    /// Batch norms of what makes the inputs equally wide.
    pub preprocess: Norm,
    /// Batch norms of operations.
    pub operation: Norm,
    /// Factorised reductions as the benchmark's code for series has them.
    pub reference: bool,
}

/// An operation with full channels.
#[derive(Debug)]
pub(crate) enum Layer {
    Identity,
    Pool(Pool),
    Reduce(Box<FactorizedReduce>),
    Sep(Box<SepConv>),
    Dil(Box<DilConv>),
}

impl Layer {
    /// # Panics
    /// If the operation is none, which no genotype has.
    pub(crate) fn new(
        at: &mut Builder<'_>,
        name: &str,
        operation: Operation,
        c: usize,
        stride: usize,
        style: &Style,
    ) -> Self {
        let (form, norm) = (style.form, style.operation);
        let pool = |at: &mut Builder<'_>, pooled| Self::Pool(Pool::new(at, name, form, pooled, stride, None));
        match operation {
            Operation::None => panic!("'{}': none computes nothing", at.path(name)),
            Operation::MaxPool3 => pool(at, Pooled::Max),
            Operation::AvgPool3 => pool(at, Pooled::Mean),
            Operation::Skip if stride == 1 => Self::Identity,
            Operation::Skip => {
                Self::Reduce(FactorizedReduce::new(at, name, form, c, c, norm).reference(style.reference).into())
            }
            Operation::SepConv3 => Self::Sep(SepConv::new(at, name, form, c, 3, stride, norm).into()),
            Operation::SepConv5 => Self::Sep(SepConv::new(at, name, form, c, 5, stride, norm).into()),
            Operation::DilConv3 => Self::Dil(DilConv::new(at, name, form, c, 3, stride, norm).into()),
            Operation::DilConv5 => Self::Dil(DilConv::new(at, name, form, c, 5, stride, norm).into()),
        }
    }

    pub(crate) fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Pool(layer) => layer.forward(pass, x),
            Self::Reduce(layer) => layer.forward(pass, x),
            Self::Sep(layer) => layer.forward(pass, x),
            Self::Dil(layer) => layer.forward(pass, x),
        }
    }
}

/// What makes an input of a cell as wide and as large as the other.
#[derive(Debug)]
enum Preprocess {
    Wide(ReluConvBn),
    Half(FactorizedReduce),
}

impl Preprocess {
    fn new(at: &mut Builder<'_>, name: &str, half: bool, inputs: usize, c: usize, style: &Style) -> Self {
        let (form, norm) = (style.form, style.preprocess);
        if half {
            Self::Half(FactorizedReduce::new(at, name, form, inputs, c, norm).reference(style.reference))
        } else {
            Self::Wide(ReluConvBn::new(at, name, form, inputs, c, norm))
        }
    }

    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        match self {
            Self::Wide(layer) => layer.forward(pass, x),
            Self::Half(layer) => layer.forward(pass, x),
        }
    }
}

/// An operation on a state; its output is dropped with its path unless it is the state itself.
#[derive(Debug)]
struct Edge {
    source: usize,
    layer: Layer,
    drop: Option<DropPath>,
}

impl Edge {
    fn forward(&self, pass: &mut Pass<'_>, states: &[Tensor]) -> Result<Tensor, OpError> {
        let y = self.layer.forward(pass, &states[self.source])?;
        match &self.drop {
            Some(drop) => drop.forward(pass, &y),
            None => Ok(y),
        }
    }
}

/// Where a cell stands in its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Channels of the outputs of the cell before the last, and of the last.
    pub inputs: [usize; 2],
    /// Channels of a node.
    pub channels: usize,
    /// Whether this cell halves the size.
    pub reduction: bool,
    /// Whether the last cell did, so that the one before it gave twice the size.
    pub after_reduction: bool,
}

/// Two inputs made equally wide, four nodes that add two operations each, and their concatenation.
#[derive(Debug)]
pub(super) struct Cell {
    preprocess: [Preprocess; 2],
    nodes: [[Edge; 2]; NODES],
    form: Form,
    name: String,
}

impl Cell {
    /// Builds it. In a reduction cell operations on the cell's inputs have stride 2.
    pub(super) fn new(at: &mut Builder<'_>, name: &str, cell: &space::Cell, place: Position, style: &Style) -> Self {
        let (path, c) = (at.path(name), place.channels);
        let mut at = at.scope(name);
        let preprocess = [
            Preprocess::new(&mut at, "preprocess0", place.after_reduction, place.inputs[0], c, style),
            Preprocess::new(&mut at, "preprocess1", false, place.inputs[1], c, style),
        ];
        let nodes = std::array::from_fn(|node| {
            std::array::from_fn(|i| {
                let (choice, name) = (cell[node][i], format!("_ops.{}", 2 * node + i));
                let stride = if place.reduction && choice.source < space::INPUTS { 2 } else { 1 };
                let layer = Layer::new(&mut at, &name, choice.operation, c, stride, style);
                let drop = (!matches!(layer, Layer::Identity)).then(|| at.drop_path(&name));
                Edge { source: choice.source, layer, drop }
            })
        });
        Self { preprocess, nodes, form: style.form, name: path }
    }

    /// Output from those of the cell before the last and of the last: four times the channels.
    pub(super) fn forward(&self, pass: &mut Pass<'_>, inputs: [&Tensor; 2]) -> Result<Tensor, OpError> {
        let mut states = Vec::with_capacity(space::INPUTS + NODES);
        for (layer, x) in self.preprocess.iter().zip(inputs) {
            states.push(layer.forward(pass, x)?);
        }
        for [a, b] in &self.nodes {
            let a = a.forward(pass, &states)?;
            let b = b.forward(pass, &states)?;
            states.push(add(pass, &a, &b)?);
        }
        let [a, b, c, d] = [0, 1, 2, 3].map(|n| &states[space::INPUTS + n]);
        pass.apply(&self.name, Concat { dim: self.form.channels() }, &[a, b, c, d])
    }
}

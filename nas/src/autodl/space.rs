//! The search space as plain data: a path through levels of resolution, and a cell that all layers share.
//!
//! Level l has stride 4 x 2^l and 2^l times the filters. A layer stands on one of four levels, at most one from the level of
//! the layer before; the stem stands on level 0. A cell has two inputs (states 0 and 1) and five nodes; node i has an edge from
//! every earlier state, of which two are kept, each with one of eight operations. Here, unlike in the space of DARTS, that may
//! be none.

use kernels::rng::Stream;
use serde_json::{Value as Json, json};

use crate::gaea::Operation;
use crate::gaea::space::{Choice, INPUTS, OPERATIONS};

/// Levels of resolution.
pub const LEVELS: usize = 4;
/// Layers of a network.
pub const LAYERS: usize = 12;
/// Nodes of a cell.
pub const NODES: usize = 5;
/// The layer whose output the decoder reads beside the last one's.
pub const LOW_LEVEL: usize = 2;

/// The most layers that are taken for real: a file with more is refused, not built.
const MOST_LAYERS: usize = 64;

/// The chosen inputs of the nodes, the stronger first.
pub type Cell = Vec<[Choice; 2]>;

/// Edges of a cell of so many nodes.
pub fn edges(nodes: usize) -> usize {
    nodes * (nodes + 3) / 2
}

/// What a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architecture {
    /// The level of each layer.
    pub path: Vec<usize>,
    /// The cell of all layers.
    pub cell: Cell,
}

/// The levels that can follow `level`, ascending.
fn next(level: usize) -> std::ops::RangeInclusive<usize> {
    level.saturating_sub(1)..=(level + 1).min(LEVELS - 1)
}

/// Of each level the number of ways to go on for so many layers.
fn ways(layers: usize) -> [u64; LEVELS] {
    (0..layers).fold([1; LEVELS], |after, _| std::array::from_fn(|l| next(l).map(|to| after[to]).sum()))
}

/// The number of paths of so many layers (at most 40).
pub fn paths(layers: usize) -> u64 {
    ways(layers)[0]
}

/// The path of this number, in lexicographic order.
///
/// # Panics
/// If there are no more than that.
pub fn path(layers: usize, mut index: u64) -> Vec<usize> {
    assert!(index < paths(layers), "path {index} of {}", paths(layers));
    let mut at = 0;
    let step = |left: usize| {
        let after = ways(left);
        for to in next(at) {
            if index < after[to] {
                at = to;
                return to;
            }
            index -= after[to];
        }
        unreachable!("fewer than there are")
    };
    (0..layers).rev().map(step).collect()
}

/// A cell drawn uniformly: two different sources for a node, then an operation for each.
fn draw_cell(nodes: usize, stream: &mut Stream) -> Cell {
    let node = |node: usize| {
        let states = (INPUTS + node) as u64;
        let first = stream.below(states);
        let second = stream.below(states - 1);
        let second = second + u64::from(second >= first);
        [first, second].map(|source| Choice {
            operation: Operation::ALL[stream.below(OPERATIONS as u64) as usize],
            source: source as usize,
        })
    };
    (0..nodes).map(node).collect()
}

impl Architecture {
    /// One drawn uniformly.
    pub fn random(layers: usize, nodes: usize, stream: &mut Stream) -> Self {
        let path = path(layers, stream.below(paths(layers)));
        Self { path, cell: draw_cell(nodes, stream) }
    }

    /// How many of the cell's edges do this.
    pub fn count(&self, operation: Operation) -> usize {
        self.cell.iter().flatten().filter(|c| c.operation == operation).count()
    }

    /// `path`, `[0, 1, ...]`, and `cell`, `[[["sep_conv_3x3", 0], ["skip_connect", 1]], ...]`.
    pub fn json(&self) -> [Json; 2] {
        let node = |n: &[Choice; 2]| n.iter().map(|c| json!([c.operation.name(), c.source])).collect::<Json>();
        [json!(self.path), self.cell.iter().map(node).collect()]
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Says what is wrong where, and what belongs there.
    pub fn read(path: &Json, cell: &Json) -> Result<Self, String> {
        Ok(Self { path: read_path(path)?, cell: read_cell(cell)? })
    }
}

fn read_path(json: &Json) -> Result<Vec<usize>, String> {
    let Some(list) = json.as_array().filter(|l| (LOW_LEVEL + 1..=MOST_LAYERS).contains(&l.len())) else {
        return Err(format!("the network's path is {json}; give a list of {} to {MOST_LAYERS} levels", LOW_LEVEL + 1));
    };
    let (mut path, mut at) = (Vec::with_capacity(list.len()), 0);
    for (layer, value) in list.iter().enumerate() {
        let to = value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|to| next(at).contains(to));
        let (first, last) = (next(at).start().to_owned(), next(at).end().to_owned());
        at = to.ok_or_else(|| format!("layer {layer}'s level is {value}; after {at} give {first} to {last}"))?;
        path.push(at);
    }
    Ok(path)
}

fn read_cell(json: &Json) -> Result<Cell, String> {
    let Some(list) = json.as_array().filter(|l| l.len() == NODES) else {
        return Err(format!("the network's cell is {json}; give a list of {NODES} nodes"));
    };
    let read = |(node, value): (usize, &Json)| {
        let Some([a, b]) = value.as_array().map(Vec::as_slice) else {
            return Err(format!("node {node} of the cell is {value}; give two inputs, each [operation, source]"));
        };
        let pair = [read_choice(node, a)?, read_choice(node, b)?];
        if pair[0].source == pair[1].source {
            return Err(format!(
                "both inputs of node {node} are state {}; choose two different states",
                pair[0].source
            ));
        }
        Ok(pair)
    };
    list.iter().enumerate().map(read).collect()
}

fn read_choice(node: usize, value: &Json) -> Result<Choice, String> {
    let Some([operation, source]) = value.as_array().map(Vec::as_slice) else {
        return Err(format!("an input of node {node} is {value}; give [operation, source]"));
    };
    let Some(operation) = operation.as_str().and_then(Operation::parse) else {
        let known = Operation::ALL.map(Operation::name).join(", ");
        return Err(format!("an operation of node {node} is {operation}; choose among {known}"));
    };
    let states = INPUTS + node;
    match source.as_u64().and_then(|s| usize::try_from(s).ok()) {
        Some(source) if source < states => Ok(Choice { operation, source }),
        _ => Err(format!("an input of node {node} is state {source}; it sees states 0 to {}", states - 1)),
    }
}

//! Architecture weights as numbers: what mixes, what is derived, what is logged.

use kernels::{Device, math};
use nn::Params;
use serde_json::{Value as Json, json};

use super::Operation;
use super::space::{Cell, EDGES, NODES, OPERATIONS, derive, edges_into};
use super::supernet::{CellWeights, Mixing};
use crate::bilevel::entropy;

/// The weights that mix in one kind of cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    /// Of each edge's operations.
    pub operations: [[f64; OPERATIONS]; EDGES],
    /// Of the edges into each node.
    pub edges: [f64; EDGES],
}

/// In f64: exponentials of differences to the largest, over their plain sum.
fn softmax(x: &mut [f64]) {
    let largest = x.iter().fold(f64::NEG_INFINITY, |m, &x| if x > m { x } else { m });
    x.iter_mut().for_each(|x| *x = math::exp(*x - largest));
    let sum = x.iter().fold(0.0, |s, x| s + x);
    x.iter_mut().for_each(|x| *x /= sum);
}

/// How many of a cell's choices do nothing but pass on.
pub fn skips(cell: &Cell) -> usize {
    cell.iter().flatten().filter(|c| c.operation == Operation::Skip).count()
}

impl Mixed {
    /// Those of the parameters as they are.
    pub fn of(params: &Params, cell: CellWeights, mixing: Mixing) -> Self {
        let [alphas, betas] = cell.ids().map(|id| params.value(id).to(Device::Cpu));
        let mut operations: [[f64; OPERATIONS]; EDGES] =
            std::array::from_fn(|e| std::array::from_fn(|o| alphas.data()[e * OPERATIONS + o].into()));
        let mut edges: [f64; EDGES] = std::array::from_fn(|e| betas.data()[e].into());
        if mixing == Mixing::Softmax {
            operations.iter_mut().for_each(|row| softmax(row));
            (0..NODES).for_each(|node| softmax(&mut edges[edges_into(node)]));
        }
        Self { operations, edges }
    }

    /// The cell that they stand for.
    pub fn derive(&self) -> Cell {
        derive(&self.operations, &self.edges)
    }

    /// Mean entropy of an edge's operations, and of a node's edges, as a part of the largest (1: uniform, 0: decided).
    pub fn entropies(&self) -> [f64; 2] {
        let most = |n: usize| math::ln(n as f64);
        let operations = self.operations.iter().fold(0.0, |s, row| s + entropy(row) / most(OPERATIONS));
        let nodes = (0..NODES).map(edges_into);
        let edges = nodes.fold(0.0, |s, into| s + entropy(&self.edges[into.clone()]) / most(into.len()));
        [operations / EDGES as f64, edges / NODES as f64]
    }

    /// For the epoch's line of metrics.
    pub fn log(&self) -> Json {
        let [operations, edges] = self.entropies();
        json!({
            "operations": self.operations,
            "edges": self.edges,
            "entropy": {"operations": operations, "edges": edges},
            "skips": skips(&self.derive()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_go_from_uniform_to_decided() {
        let mut mixed = Mixed { operations: [[0.125; OPERATIONS]; EDGES], edges: [0.0; EDGES] };
        for node in 0..NODES {
            let n = edges_into(node).len();
            mixed.edges[edges_into(node)].fill(1.0 / n as f64);
        }
        assert!(mixed.entropies().iter().all(|e| (e - 1.0).abs() < 1e-12), "{:?}", mixed.entropies());
        mixed.operations.iter_mut().for_each(|row| *row = std::array::from_fn(|o| f64::from(u8::from(o == 3))));
        (0..NODES).for_each(|node| {
            mixed.edges[edges_into(node)].fill(0.0);
            mixed.edges[edges_into(node).start] = 1.0;
        });
        assert_eq!(mixed.entropies(), [0.0, 0.0]);
        // The strongest edge is the first; the other one is the next of equals, and nothing of it stands out but skip.
        assert_eq!(skips(&mixed.derive()), 4);
    }

    #[test]
    fn softmax_caps_what_a_simplex_can_say() {
        let mut row = [0.0; OPERATIONS];
        row[2] = 1.0;
        softmax(&mut row);
        let e = std::f64::consts::E;
        assert!((row[2] - e / (e + 7.0)).abs() < 1e-12);
    }
}

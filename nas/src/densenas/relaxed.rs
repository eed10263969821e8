//! The relaxed architecture as numbers on this machine: distributions over links and operations, or gradients of them.
//!
//! A head has one operation, so its weights choose nothing and are left out here.

use kernels::math;

use super::space::{Grid, Operation, Path, Stop};
use crate::bilevel::entropy;

/// A number for each link of each node, and for each operation of each stacked layer of each node.
#[derive(Debug, Clone, PartialEq)]
pub struct Relaxed {
    /// Of node i, a number a link.
    pub links: Vec<Vec<f64>>,
    /// Of node i, a pair a stacked layer, as [`Operation::ALL`] has them.
    pub stacks: Vec<Vec<[f64; 2]>>,
}

/// Softmax of `x / temperature` in f64: exponentials of the distance from the maximum, their sum ascending from +0, the
/// quotients.
pub fn softmax(x: impl Iterator<Item = f64> + Clone, temperature: f64) -> Vec<f64> {
    let top = x.clone().fold(f64::NEG_INFINITY, |m, v| if v > m { v } else { m });
    let exps: Vec<f64> = x.map(|v| math::exp((v - top) / temperature)).collect();
    let sum = exps.iter().fold(0.0, |s, e| s + e);
    exps.into_iter().map(|e| e / sum).collect()
}

impl Relaxed {
    /// All numbers 0.
    pub fn zeros(grid: &Grid) -> Self {
        Self {
            links: (0..grid.end()).map(|i| vec![0.0; grid.links(i).len()]).collect(),
            stacks: grid.nodes().iter().map(|n| vec![[0.0; 2]; n.layers]).collect(),
        }
    }

    /// Multiplies every number.
    pub fn scale(&mut self, by: f64) {
        self.links.iter_mut().flatten().for_each(|x| *x *= by);
        self.stacks.iter_mut().flatten().flatten().for_each(|x| *x *= by);
    }

    /// Distributions of architecture weights: each node's links at a temperature, each layer's operations at 1.
    #[must_use]
    pub fn softmaxed(&self, temperature: f64) -> Self {
        let pair = |w: &[f64; 2]| {
            let p = softmax(w.iter().copied(), 1.0);
            [p[0], p[1]]
        };
        Self {
            links: self.links.iter().map(|w| softmax(w.iter().copied(), temperature)).collect(),
            stacks: self.stacks.iter().map(|layers| layers.iter().map(pair).collect()).collect(),
        }
    }

    /// The probability of a path with its operations.
    ///
    /// # Panics
    /// If the path is not one of the grid.
    pub fn probability(&self, grid: &Grid, path: &Path) -> f64 {
        let (mut p, mut from) = (1.0, 0);
        for Stop { node, stack } in &path.0 {
            p *= self.links[from][grid.link(from, *node)];
            p = stack.iter().zip(&self.stacks[*node]).fold(p, |p, (o, pair)| p * pair[*o as usize]);
            from = *node;
        }
        p * self.links[from][grid.link(from, grid.end())]
    }

    /// The likelier operation of each layer of node `i`; the first of a tie.
    pub fn likelier(&self, i: usize) -> Vec<Operation> {
        let of = |[basic, skip]: &[f64; 2]| if skip > basic { Operation::Skip } else { Operation::Basic };
        self.stacks[i].iter().map(of).collect()
    }

    /// Mean entropy, in nats, of the nodes' links where there are several, and of the layers' operations; 0 where there are
    /// none.
    pub fn entropies(&self) -> (f64, f64) {
        let mean = |of: Vec<f64>| if of.is_empty() { 0.0 } else { of.iter().fold(0.0, |s, h| s + h) / of.len() as f64 };
        let links = self.links.iter().filter(|p| p.len() > 1).map(|p| entropy(p)).collect();
        (mean(links), mean(self.stacks.iter().flatten().map(|p| entropy(p)).collect()))
    }
}

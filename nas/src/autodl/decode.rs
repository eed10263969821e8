//! From architecture weights to the architecture that they stand for.

use kernels::math;

use super::space::{Architecture, Cell, LEVELS, edges};
use crate::gaea::Operation;
use crate::gaea::space::{Choice, OPERATIONS, edges_into};

/// Where a layer's output may go: to the finer level, the same, the coarser; the order is that of architecture weights.
pub const DIRECTIONS: usize = 3;
/// The direction of the same level.
const SAME: usize = 1;

/// What the directions of the first and the last level weigh together, which have two of three.
pub const BORDER: f64 = 2.0 / 3.0;

/// Of each layer and level, three numbers.
pub type Betas = Vec<[[f64; DIRECTIONS]; LEVELS]>;

/// The level that a direction leads to.
pub fn leads_to(from: usize, direction: usize) -> Option<usize> {
    (from + direction).checked_sub(SAME).filter(|&to| to < LEVELS)
}

/// The direction from one level to another, which is at most one away.
pub fn direction(from: usize, to: usize) -> usize {
    to + SAME - from
}

/// What a level's choices weigh together.
pub fn mass(level: usize) -> f64 {
    if (0..DIRECTIONS).all(|d| leads_to(level, d).is_some()) { 1.0 } else { BORDER }
}

/// `e^(x - m)` over their sum, m being the largest; the sum goes from the first on, in f64. What is not there weighs 0.
fn softmax<const N: usize>(x: &[f64; N], there: impl Fn(usize) -> bool) -> [f64; N] {
    let most = (0..N).filter(|&i| there(i)).fold(f64::NEG_INFINITY, |m, i| if x[i] > m { x[i] } else { m });
    let e: [f64; N] = std::array::from_fn(|i| if there(i) { math::exp(x[i] - most) } else { 0.0 });
    let sum = e.iter().fold(0.0, |s, x| s + x);
    e.map(|x| x / sum)
}

/// What each step weighs: the softmax over the directions that a level has, times [`mass`].
pub fn steps(betas: &Betas) -> Betas {
    let level = |l: usize, x: &[f64; DIRECTIONS]| softmax(x, |d| leads_to(l, d).is_some()).map(|p| p * mass(l));
    betas.iter().map(|layer| std::array::from_fn(|l| level(l, &layer[l]))).collect()
}

/// The softmax over the operations of each edge.
pub fn operations(alphas: &[[f64; OPERATIONS]]) -> Vec<[f64; OPERATIONS]> {
    alphas.iter().map(|x| softmax(x, |_| true)).collect()
}

/// The path with the largest product of steps, multiplied from the stem on. Of equal ways into a level the one from the
/// coarser level wins, then that from the same; of equal ends the finest.
pub fn viterbi(steps: &Betas) -> Vec<usize> {
    // Of each level the product; and where it comes from.
    let (mut best, mut from) = ([1.0, 0.0, 0.0, 0.0], Vec::with_capacity(steps.len()));
    for (layer, weights) in steps.iter().enumerate() {
        let (mut products, mut sources) = ([0.0; LEVELS], [0; LEVELS]);
        for to in 0..LEVELS.min(layer + 2) {
            let mut most = f64::NEG_INFINITY;
            for source in (to.saturating_sub(1)..LEVELS.min(to + 2)).rev().filter(|&s| s <= layer) {
                let product = best[source] * weights[source][direction(source, to)];
                if product > most {
                    (most, sources[to]) = (product, source);
                }
            }
            products[to] = most;
        }
        best = products;
        from.push(sources);
    }
    let mut at = (1..LEVELS).fold(0, |at, level| if best[level] > best[at] { level } else { at });
    let mut path: Vec<usize> = (from.iter().rev())
        .map(|sources| {
            let here = at;
            at = sources[at];
            here
        })
        .collect();
    path.reverse();
    path
}

/// The cell: of each node the two edges whose strongest operation but none is strongest, the stronger first, each with its
/// strongest operation, none included. Of equals the lower index wins, of edges and of operations.
pub fn cell(operations: &[[f64; OPERATIONS]]) -> Cell {
    let nodes = (0..).take_while(|&n| edges(n) < operations.len()).count();
    let strongest = |e: usize, first: usize| {
        (first + 1..OPERATIONS).fold(first, |best, o| if operations[e][o] > operations[e][best] { o } else { best })
    };
    let node = |node: usize| {
        let mut all: Vec<(usize, usize)> = edges_into(node).enumerate().collect();
        let strength = |e: usize| operations[e][strongest(e, Operation::None.index() + 1)];
        all.sort_by(|a, b| strength(b.1).total_cmp(&strength(a.1))); // stable
        [all[0], all[1]].map(|(source, e)| Choice { operation: Operation::ALL[strongest(e, 0)], source })
    };
    (0..nodes).map(node).collect()
}

/// The architecture of raw weights.
pub fn architecture(alphas: &[[f64; OPERATIONS]], betas: &Betas) -> Architecture {
    Architecture { path: viterbi(&steps(betas)), cell: cell(&operations(alphas)) }
}

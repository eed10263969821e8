//! The architecture that a relaxed one stands for.

use super::relaxed::Relaxed;
use super::space::{Grid, Path, Stop};

/// The way from stem to tail with the largest product of link probabilities (multiplied from the stem on), with the likelier
/// operation of each stacked layer. Of equal products the one whose last differing predecessor comes first wins.
pub fn derive(grid: &Grid, p: &Relaxed) -> Path {
    let mut best = vec![(1.0, 0)]; // of each node: the product, and where it comes from
    for to in 1..=grid.end() {
        let mut at = (f64::NEG_INFINITY, 0);
        for &from in grid.sources(to).iter().rev() {
            let product = best[from].0 * p.links[from][grid.link(from, to)];
            if product > at.0 {
                at = (product, from);
            }
        }
        best.push(at);
    }
    let (mut path, mut at) = (Vec::new(), best[grid.end()].1);
    while at != 0 {
        path.push(Stop { node: at, stack: p.likelier(at) });
        at = best[at].1;
    }
    path.reverse();
    Path(path)
}

//! The space: a grid of blocks, which block may feed which, and the paths through it.
//!
//! Nodes are blocks of one width each, in order; node 0 is the stem, and after the last comes the tail. A path goes from
//! the stem to the tail; every block on it has a head (a basic block from its predecessor's width and size to its own)
//! and so many stacked basic blocks, each of which may be skipped.

use kernels::rng::Stream;
use tasks::{Facts, Kind};

use super::network::{Block, Blocks};

/// The most links out of a node.
const MOST_LINKS: usize = 10;

/// Stages of a grid: widths, and stacked layers of each block.
type Stages = &'static [(&'static [usize], usize)];

const WIDE: Stages =
    &[(&[32], 0), (&[48, 56, 64], 0), (&[72, 96, 112], 5), (&[128, 144, 160, 176], 15), (&[192, 208, 224], 5)];
const SERIES: Stages = &[(&[32], 0), (&[48, 56, 64], 1), (&[72, 96, 112], 5)];
const DENSE: Stages = SERIES;
const NARROW_DENSE: Stages = &[(&[16], 0), (&[24, 28, 32], 1), (&[36, 48, 56], 5)];

/// Task, stages, and the nominal size of each stage's maps, of which only ratios matter.
const GRIDS: [(&str, Stages, &[usize]); 10] = [
    ("cifar100", WIDE, &[32, 32, 16, 8, 8]),
    ("spherical", WIDE, &[60, 30, 15, 15, 15]),
    ("ninapro", WIDE, &[16, 16, 8, 4, 4]),
    ("fsd50k", WIDE, &[96, 48, 24, 12, 12]),
    ("satellite", WIDE, &[24, 12, 6, 3, 3]),
    ("darcy", DENSE, &[1, 1, 1]),
    ("psicov", DENSE, &[1, 1, 1]),
    ("cosmic", NARROW_DENSE, &[1, 1, 1]),
    ("ecg", SERIES, &[4, 2, 1]),
    ("deepsea", SERIES, &[4, 2, 1]),
];

/// A block of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its width.
    pub channels: usize,
    /// Nominal size of its maps.
    pub feature: usize,
    /// Its stage.
    pub stage: usize,
    /// Its stacked layers.
    pub layers: usize,
}

/// Where a node's output may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The node that reads it; the number of nodes means the tail.
    pub to: usize,
    /// Stride of the head there; 1 at the tail.
    pub stride: usize,
}

/// A grid of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    nodes: Vec<Node>,
    /// Of each node, to ascending nodes.
    links: Vec<Vec<Link>>,
    /// Of each node and, last, of the tail: the nodes that feed it, the nearest first.
    sources: Vec<Vec<usize>>,
    /// Channels of the tail.
    tail: usize,
}

/// What a stacked layer may be, in the order of its architecture weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A basic block.
    Basic,
    /// Nothing: the layer gives what it gets.
    Skip,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Basic, Self::Skip];
}

/// A node on a path, and what its stacked layers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The node.
    pub node: usize,
    /// Its stacked layers.
    pub stack: Vec<Operation>,
}

impl Stop {
    /// How many of the stacked layers are basic blocks.
    pub fn stacked(&self) -> usize {
        self.stack.iter().filter(|o| **o == Operation::Basic).count()
    }
}

/// A path: the blocks between stem and tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<Stop>);

impl Grid {
    /// A grid of these nodes. A node feeds the next ones (at most ten), up to the first that is more than one stage on, or
    /// whose maps are neither as large nor half as large; `tail_stage` is the tail's.
    ///
    /// # Panics
    /// If some node does not reach the tail.
    pub fn new(nodes: Vec<Node>, tail_stage: usize, tail: usize) -> Self {
        let n = nodes.len();
        let fits = |from: &Node, to: usize| -> Option<Link> {
            let Some(next) = nodes.get(to) else {
                return (tail_stage <= from.stage + 1).then_some(Link { to, stride: 1 });
            };
            let stride = match from.feature {
                f if f == next.feature => 1,
                f if f == 2 * next.feature => 2,
                _ => return None,
            };
            (next.stage <= from.stage + 1).then_some(Link { to, stride })
        };
        let of = |i: usize| (i + 1..=n).take(MOST_LINKS).map_while(|to| fits(&nodes[i], to)).collect();
        let links: Vec<Vec<Link>> = (0..n).map(of).collect();
        assert!(links.iter().all(|l| !l.is_empty()), "a block of the grid leads nowhere: {nodes:?}");
        let feeds = |to| (0..n).rev().filter(|&i| links[i].iter().any(|l| l.to == to)).collect();
        let sources = (0..=n).map(feeds).collect();
        Self { nodes, links, sources, tail }
    }

    fn of_stages(stages: Stages, features: &[usize], width: f64, depth: f64) -> Self {
        let scaled = |c: usize| ((c as f64 * width + 0.5) as usize).max(8);
        let mut nodes = Vec::new();
        for (stage, (&(widths, layers), &feature)) in stages.iter().zip(features).enumerate() {
            let layers = (layers as f64 * depth + 0.5) as usize;
            nodes.extend(widths.iter().map(|&c| Node { channels: scaled(c), feature, stage, layers }));
        }
        let tail = nodes.last().map_or(0, |n| n.channels);
        Self::new(nodes, stages.len(), tail)
    }

    /// The grid of a task: its own, else that of the first task of its kind. `width` multiplies channels (at least 8), and
    /// `depth` the stacked layers of a block.
    pub fn of(facts: &Facts, width: f64, depth: f64) -> Self {
        let stand_in = match facts.kind {
            Kind::Point2d => "cifar100",
            Kind::Dense2d => "darcy",
            Kind::Series => "ecg",
        };
        let find = |name: &str| GRIDS.iter().find(|(task, ..)| *task == name);
        let (_, stages, features) = find(facts.name).or_else(|| find(stand_in)).expect("a row of the table");
        Self::of_stages(stages, features, width, depth)
    }

    /// The same with other numbers of stacked layers.
    #[must_use]
    pub fn with_layers(mut self, of: impl Fn(usize, &Node) -> usize) -> Self {
        for (i, node) in self.nodes.iter_mut().enumerate() {
            node.layers = of(i, node);
        }
        self
    }

    /// Its blocks; the first is the stem.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where node `i` leads.
    pub fn links(&self, i: usize) -> &[Link] {
        &self.links[i]
    }

    /// What feeds node `i`, the nearest first, as the reference numbers them; the number of nodes means the tail.
    pub fn sources(&self, i: usize) -> &[usize] {
        &self.sources[i]
    }

    /// Number of the tail.
    pub fn end(&self) -> usize {
        self.nodes.len()
    }

    /// Channels of the tail.
    pub fn tail(&self) -> usize {
        self.tail
    }

    /// The position of the link `from` -> `to` among those of `from`.
    ///
    /// # Panics
    /// If there is no such link.
    pub fn link(&self, from: usize, to: usize) -> usize {
        self.links[from].iter().position(|l| l.to == to).expect("a link of the grid")
    }

    /// Architecture weights: one a link, one for each of a head's operations (there is one), two a stacked layer.
    pub fn scalars(&self) -> usize {
        let links: usize = self.links.iter().map(Vec::len).sum();
        let heads = links - self.sources[self.end()].len();
        links + heads + 2 * self.nodes.iter().map(|n| n.layers).sum::<usize>()
    }

    /// Of each node, how many ways lead from it to the tail; the tail has 1.
    fn ways(&self) -> Vec<u64> {
        let mut ways = vec![0; self.end() + 1];
        ways[self.end()] = 1;
        for i in (0..self.end()).rev() {
            ways[i] = self.links[i].iter().map(|l| ways[l.to]).sum();
        }
        ways
    }

    /// How many ways lead from stem to tail.
    pub fn paths(&self) -> u64 {
        self.ways()[0]
    }

    /// Way number `index` of [`Grid::paths`], in the order of the links: the nodes between stem and tail.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn way(&self, mut index: u64) -> Vec<usize> {
        let ways = self.ways();
        assert!(index < ways[0], "way {index} of {}", ways[0]);
        let (mut at, mut way) = (0, Vec::new());
        loop {
            for l in &self.links[at] {
                if index < ways[l.to] {
                    at = l.to;
                    break;
                }
                index -= ways[l.to];
            }
            if at == self.end() {
                return way;
            }
            way.push(at);
        }
    }

    /// A path drawn uniformly over the ways, with each block's depth uniform over what it may have; its basic blocks come
    /// first.
    pub fn draw(&self, stream: &mut Stream) -> Path {
        let way = self.way(stream.below(self.paths()));
        let mut stop = |node: usize| {
            let layers = self.nodes[node].layers;
            let depth = stream.below(layers as u64 + 1) as usize;
            let stack = (0..layers).map(|l| if l < depth { Operation::Basic } else { Operation::Skip }).collect();
            Stop { node, stack }
        };
        Path(way.into_iter().map(&mut stop).collect())
    }

    /// The network of a path.
    ///
    /// # Panics
    /// If the path is not one of this grid.
    pub fn derive(&self, path: &Path) -> Blocks {
        let mut from = 0;
        let block = |stop: &Stop| {
            let link = self.links[from][self.link(from, stop.node)];
            let (inputs, outputs) = (self.nodes[from].channels, self.nodes[stop.node].channels);
            from = stop.node;
            Block { inputs, outputs, stride: link.stride, stacked: stop.stacked() }
        };
        Blocks { stem: self.nodes[0].channels, blocks: path.0.iter().map(block).collect() }
    }
}

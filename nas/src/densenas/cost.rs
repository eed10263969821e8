//! What an architecture costs: multiply-adds of convolutions and the classifier on the task's input, in millions; expected
//! over a relaxed one, with the gradient.

use kernels::math;
use tasks::Kind;

use super::block::BasicBlockSpec;
use super::relaxed::Relaxed;
use super::space::{Grid, Link, Path};

/// A skip costs this much less than the basic block in its place: it shall not be free.
const SKIP: f64 = 10.0;

/// Millions of multiply-adds of every part of a supernet.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Stem and classifier.
    pub fixed: f64,
    /// Of node i, of the head at the end of each of its links; at the tail, of the 1x1 convolution.
    pub links: Vec<Vec<f64>>,
    /// Of node i, of each operation of each stacked layer, as [`super::Operation::ALL`] has them.
    pub stacks: Vec<Vec<[f64; 2]>>,
}

/// The term that the cost adds to a search's loss: `weight ln(cost) / ln(base)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostTerm {
    /// What it is multiplied by.
    pub weight: f64,
    /// A cost of this many millions counts as 1.
    pub base: f64,
}

impl CostTerm {
    /// The published one.
    pub const PUBLISHED: Self = Self { weight: 0.2, base: 3500.0 };

    /// The term.
    pub fn of(&self, cost: f64) -> f64 {
        self.weight * math::ln(cost) / math::ln(self.base)
    }

    /// Its derivative by the cost.
    pub fn slope(&self, cost: f64) -> f64 {
        self.weight / (cost * math::ln(self.base))
    }
}

impl Costs {
    /// Of a grid on inputs of this shape (channels last); `stem` is the stem's stride.
    pub fn new(grid: &Grid, kind: Kind, input: &[usize], outputs: usize, stem: usize) -> Self {
        let series = kind == Kind::Series;
        let halved =
            |sizes: &[usize], stride: usize| -> Vec<usize> { sizes.iter().map(|n| n.div_ceil(stride)).collect() };
        let places = |sizes: &[usize]| sizes.iter().product::<usize>() as u64;
        let millions = |n: u64| n as f64 / 1e6;
        let (sizes, channels) = input.split_at(input.len() - 1);
        let mut maps = vec![halved(sizes, stem)];
        for to in 1..grid.end() {
            let from = grid.sources(to)[0];
            let link = grid.links(from)[grid.link(from, to)];
            maps.push(halved(&maps[from], link.stride));
        }
        let spec = |inputs, outputs, stride| BasicBlockSpec { series, inputs, outputs, stride, affine: false };
        let width = |i: usize| grid.nodes()[i].channels;
        let link = |i: usize, l: &Link| match l.to {
            to if to == grid.end() => places(&maps[i]) * (width(i) * grid.tail()) as u64,
            to => spec(width(i), width(to), l.stride).multiply_adds(places(&maps[to])),
        };
        let stack = |i: usize| {
            let basic = millions(spec(width(i), width(i), 1).multiply_adds(places(&maps[i])));
            vec![[basic, basic / SKIP]; grid.nodes()[i].layers]
        };
        let taps = if series { 3 } else { 9 };
        let first = places(&maps[0]) * (taps * channels[0] * width(0)) as u64;
        let last = maps.last().filter(|_| kind == Kind::Dense2d).map_or(1, |m| places(m));
        Self {
            fixed: millions(first) + millions(last * (grid.tail() * outputs) as u64),
            links: (0..grid.end()).map(|i| grid.links(i).iter().map(|l| millions(link(i, l))).collect()).collect(),
            stacks: (0..grid.end()).map(stack).collect(),
        }
    }

    /// The expected cost of a relaxed architecture, and its gradient by the architecture weights that `p` is the softmax of
    /// (links at `temperature`, operations at 1).
    ///
    /// # Specification
    /// In f64. Of a layer, `basic p0 + skip p1`. Of node i, from the last to the stem: its own, layers ascending from +0;
    /// of a link, its head, + the next node's own, + what comes after that; after i, links ascending from +0 of
    /// `probability x link`. The cost is `fixed` + what comes after the stem. The probability of reaching a node is summed
    /// over its sources, ascending, from +0. The gradients are `reach p_j (v_j - mean v) / temperature` with the values v of the node's
    /// links (mean: what comes after it), and `reach p_j (c_j - mean c)` with those of a layer.
    pub fn expected(&self, grid: &Grid, p: &Relaxed, temperature: f64) -> (f64, Relaxed) {
        let end = grid.end();
        let mean =
            |i: usize, l: usize| self.stacks[i][l][0] * p.stacks[i][l][0] + self.stacks[i][l][1] * p.stacks[i][l][1];
        let own: Vec<f64> =
            (0..end).map(|i| (0..self.stacks[i].len()).fold(0.0, |s, l| s + mean(i, l))).chain([0.0]).collect();
        let mut after = vec![0.0; end + 1];
        let mut values = vec![Vec::new(); end];
        for i in (0..end).rev() {
            let value = |(l, head): (&Link, &f64)| head + own[l.to] + after[l.to];
            values[i] = grid.links(i).iter().zip(&self.links[i]).map(value).collect();
            after[i] = values[i].iter().zip(&p.links[i]).fold(0.0, |s, (v, p)| s + p * v);
        }
        let mut reach = vec![0.0; end + 1];
        reach[0] = 1.0;
        let mut gradient = Relaxed::zeros(grid);
        for i in 0..end {
            for (j, l) in grid.links(i).iter().enumerate() {
                reach[l.to] += reach[i] * p.links[i][j];
                gradient.links[i][j] = reach[i] * p.links[i][j] * (values[i][j] - after[i]) / temperature;
            }
            for l in 0..self.stacks[i].len() {
                let each = |o: usize| reach[i] * p.stacks[i][l][o] * (self.stacks[i][l][o] - mean(i, l));
                gradient.stacks[i][l] = [each(0), each(1)];
            }
        }
        (self.fixed + after[0], gradient)
    }

    /// The cost of one path.
    ///
    /// # Panics
    /// If it is not one of the grid.
    pub fn path(&self, grid: &Grid, path: &Path) -> f64 {
        let (mut cost, mut from) = (self.fixed, 0);
        for stop in &path.0 {
            cost += self.links[from][grid.link(from, stop.node)];
            cost = stop.stack.iter().zip(&self.stacks[stop.node]).fold(cost, |c, (o, pair)| c + pair[*o as usize]);
            from = stop.node;
        }
        cost + self.links[from][grid.link(from, grid.end())]
    }

    /// What a forward of the supernet takes: every head and tail, and of each stacked layer the share `basic` of a basic
    /// block (1: all operations, .5: one drawn of two).
    pub fn supernet(&self, basic: f64) -> f64 {
        let links = self.links.iter().flatten().fold(0.0, |s, c| s + c);
        let stacks = self.stacks.iter().flatten().fold(0.0, |s, c| s + c[0]);
        self.fixed + links + basic * stacks
    }
}

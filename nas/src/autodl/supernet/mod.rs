//! The supernet: all paths through twelve layers of four levels, all operations on all edges of their cells.
//!
//! A level's output is a sum over the levels that it may be reached from: the cell is run on each of them, with the same
//! operations, and what comes out is weighed by betas. Maps are resized before they are projected, to the size of the level.

mod cell;
mod head;
mod mixing;
#[cfg(test)]
mod tests;

pub(in crate::autodl) use cell::resized;
pub(in crate::autodl) use head::{pooled, spread};

use std::ops::Range;

use kernels::Tensor as Value;
use kernels::ops::elementwise::weighted_sum::WeightedSum;
use kernels::ops::shape::pad::Pad;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, add};
use nn::{Init, Layout, Network, OpError, ParamId, Params, Pass, Tensor};

use super::decode::{Betas, DIRECTIONS, leads_to};
use super::space::{Architecture, LAYERS, LEVELS, NODES, edges};
use crate::gaea::space::OPERATIONS;
use crate::gaea::supernet::few::Few;
use cell::{MixedCell, Place};
use head::Head;
use mixing::{Steps, Sums};

/// What architecture weights begin with: this times a standard normal.
const BEGIN: f64 = 1e-3;

/// Rows and columns are padded to a multiple of the coarsest level's stride.
const MULTIPLE: usize = 32;

/// The reach of a head's 3x3, in places of the input.
const REACH: usize = 96;

/// The size of a level's map.
pub(in crate::autodl) fn size(padded: [usize; 2], level: usize) -> [usize; 2] {
    padded.map(|n| n >> (2 + level))
}

/// Zeros around images so that the sides are multiples of 32, the odd one before.
pub(in crate::autodl) fn padded(pass: &mut Pass<'_>, x: &Tensor) -> Result<(Tensor, Pad), OpError> {
    let sides = |n: usize| {
        let all = (n.next_multiple_of(MULTIPLE) - n) as isize;
        [all - all / 2, all / 2]
    };
    let [rows, columns] = [sides(x.shape()[1]), sides(x.shape()[2])];
    let back = |side: [isize; 2]| side.map(|n| -n);
    let crop = Pad::images(back(rows), back(columns));
    if rows == [0, 0] && columns == [0, 0] {
        return Ok((x.clone(), crop));
    }
    Ok((pass.apply("pad", Pad::images(rows, columns), &[x])?, crop))
}

/// Where the reference departs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// In the second layer the way along level 1 weighs what the way down from there does.
    pub shared_beta: bool,
    /// Added to the variance of the heads' last batch norm.
    pub eps: f32,
}

impl Rules {
    /// The protocol's.
    pub const CORRECTED: Self = Self { shared_beta: false, eps: 1e-5 };
    /// The reference's, to be compared with its vectors; no method uses it.
    pub const REFERENCE: Self = Self { shared_beta: true, eps: 3e-4 };
}

/// What a supernet is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupernetSpec {
    /// Channels of the input.
    pub inputs: usize,
    /// Answers a place.
    pub outputs: usize,
    /// Channels of a node on the finest level (8).
    pub filters: usize,
    /// Layers (12).
    pub layers: usize,
    /// Nodes of a cell (5), at most that.
    pub nodes: usize,
    /// Faults.
    pub rules: Rules,
}

impl SupernetSpec {
    /// The published size.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, filters: 8, layers: LAYERS, nodes: NODES, rules: Rules::CORRECTED }
    }
}

/// What a forward goes through.
#[derive(Debug, Clone, Copy)]
pub enum Route<'a> {
    /// Everything, mixed by the architecture weights.
    All,
    /// One architecture: the head of its last level alone answers, and a cell whose level the path did not stand on two layers
    /// before has no first input.
    One(&'a Architecture),
}

/// The supernet, `[N, H, W, C]` to `[N, H, W, outputs]`; the architecture's weights are the last of its numbers.
#[derive(Debug)]
pub struct Supernet {
    spec: SupernetSpec,
    stems: [(Conv, BatchNorm); 3],
    /// Of each layer, of each level that it reaches.
    cells: Vec<Vec<MixedCell>>,
    heads: Vec<Head>,
    /// `[edges, 8]`.
    alphas: ParamId,
    /// `[layers, 4, 3]`.
    betas: ParamId,
    /// Entries of the weights.
    weights: usize,
}

impl Supernet {
    /// Builds it: convolutions begin with Kaiming's normal.
    ///
    /// # Panics
    /// If there are no layers, or not one to five nodes.
    pub fn new(at: &mut Builder<'_>, spec: SupernetSpec) -> Self {
        let SupernetSpec { inputs, outputs, filters, layers, nodes, rules } = spec;
        assert!(layers > 0 && (1..=NODES).contains(&nodes), "{layers} layers of {nodes} nodes");
        let mut kaiming = at.kaiming_normal();
        let at = &mut kaiming;
        let (wide, half) = (nodes * filters, (nodes * filters / 2).max(1));
        let mut stem = |i: usize, from, to, stride| {
            let conv = at.conv(&format!("stem{i}.0"), ConvSpec::image(from, to, 3).padding(1).stride(stride).bias());
            (conv, at.batch_norm(&format!("stem{i}.1"), BatchNormSpec::new(to).relu()))
        };
        let stems = [stem(0, inputs, half, 2), stem(1, half, half, 1), stem(2, half, wide, 2)];
        let channels = |level: usize| filters << level;
        let (mut before, mut last) = ([None; LEVELS], [None; LEVELS]);
        last[0] = Some(wide);
        let (mut cells, mut number) = (Vec::with_capacity(layers), 0);
        for layer in 0..layers {
            let (mut row, mut now) = (Vec::new(), [None; LEVELS]);
            for level in 0..LEVELS.min(layer + 2) {
                let place =
                    Place { nodes, channels: channels(level), before: before[level], last: around(&last, level) };
                row.push(MixedCell::new(&mut at.scope(format_args!("cells.{number}")), &place));
                now[level] = Some(nodes * channels(level));
                number += 1;
            }
            (before, last) = (last, now);
            cells.push(row);
        }
        let head = |(level, c): (usize, Option<usize>)| {
            let stride = 4 << level;
            let mut at = at.scope(format_args!("aspp_{stride}.0"));
            Head::new(&mut at, c?, REACH / stride, outputs, rules.eps).into()
        };
        let heads = last.into_iter().enumerate().filter_map(head).collect();
        let weights = at.params().entries().len();
        let begin = Init::Normal(BEGIN);
        let alphas = at.parameter("alphas", [edges(nodes), OPERATIONS], Layout::Plain, begin);
        let betas = at.parameter("betas", [layers, LEVELS, DIRECTIONS], Layout::Plain, begin);
        Self { spec, stems, cells, heads, alphas, betas, weights }
    }

    /// What it is.
    pub fn spec(&self) -> &SupernetSpec {
        &self.spec
    }

    /// The entries of the weights.
    pub fn weights(&self) -> Range<usize> {
        0..self.weights
    }

    /// The entries of the architecture: alphas, betas.
    pub fn architecture(&self) -> Range<usize> {
        self.weights..self.weights + 2
    }

    /// Its weights, wide: alphas and betas.
    pub fn architecture_weights(&self, params: &Params) -> (Vec<[f64; OPERATIONS]>, Betas) {
        let read = |id: ParamId| params.entries()[id.0].value().to(kernels::Device::Cpu);
        let (alphas, betas) = (read(self.alphas), read(self.betas));
        let edge = |x: &[f32]| std::array::from_fn(|o| f64::from(x[o]));
        let level = |x: &[f32], l: usize| std::array::from_fn(|d| f64::from(x[l * DIRECTIONS + d]));
        let layer = |x: &[f32]| std::array::from_fn(|l| level(x, l));
        (
            alphas.data().chunks_exact(OPERATIONS).map(edge).collect(),
            betas.data().chunks_exact(LEVELS * DIRECTIONS).map(layer).collect(),
        )
    }

    /// Sets them.
    pub fn set_architecture(&self, params: &mut Params, alphas: &[[f64; OPERATIONS]], betas: &Betas) {
        let device = params.device();
        let a: Vec<f32> = alphas.iter().flatten().map(|x| *x as f32).collect();
        let b: Vec<f32> = betas.iter().flatten().flatten().map(|x| *x as f32).collect();
        params.set(self.alphas, Value::from_slice([alphas.len(), OPERATIONS], &a).to(device));
        params.set(self.betas, Value::from_slice([betas.len(), LEVELS, DIRECTIONS], &b).to(device));
    }

    /// Runs it along a route.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn run(&self, pass: &mut Pass<'_>, x: &Tensor, route: Route<'_>) -> Result<Tensor, OpError> {
        let (x, crop) = padded(pass, x)?;
        let whole = [x.shape()[1], x.shape()[2]];
        let levels = self.lattice(pass, x, route)?;
        let mut sum: Option<Tensor> = None;
        for (head, x) in self.heads.iter().zip(&levels) {
            let Some(x) = x else { continue };
            let y = head.forward(pass, x)?;
            let y = resized(pass, "upsample", &y, whole)?;
            sum = Some(match sum {
                Some(sum) => add(pass, &sum, &y)?,
                None => y,
            });
        }
        let sum = sum.expect("a path ends somewhere");
        if crop == Pad::images([0, 0], [0, 0]) { Ok(sum) } else { pass.apply("crop", crop, &[&sum]) }
    }

    /// The last layer's outputs, of the levels that a route reaches.
    fn lattice(&self, pass: &mut Pass<'_>, x: Tensor, route: Route<'_>) -> Result<[Option<Tensor>; LEVELS], OpError> {
        let whole = [x.shape()[1], x.shape()[2]];
        let (operations, steps) = match route {
            Route::All => {
                let (alphas, betas) = (pass.param(self.alphas), pass.param(self.betas));
                let steps = Steps::new(pass, &betas, self.spec.rules.shared_beta)?;
                (mixing::operations(pass, &alphas)?, Some(steps))
            }
            Route::One(architecture) => (mixing::corner(&architecture.cell).to(pass.device()).into(), None),
        };
        let sums = Sums::new(pass, self.spec.nodes, &operations)?;
        let mut x = x;
        for (conv, bn) in &self.stems {
            x = conv.forward(pass, &x)?;
            x = bn.forward(pass, &x)?;
        }
        let (mut before, mut last) = ([const { None }; LEVELS], [Some(x), None, None, None]);
        for (layer, cells) in self.cells.iter().enumerate() {
            let own = steps.as_ref().map(|s| s.layer(pass, layer)).transpose()?;
            let mut now = [const { None }; LEVELS];
            for (level, cell) in cells.iter().enumerate() {
                if matches!(route, Route::One(a) if a.path[layer] != level) {
                    continue;
                }
                let size = size(whole, level);
                let ways = around(&last.each_ref().map(Option::as_ref), level);
                let outputs = cell.forward(pass, before[level].as_ref(), &ways, size, &sums)?;
                now[level] = match (&steps, &own) {
                    (Some(steps), Some(own)) => {
                        let from = (level.saturating_sub(1)..LEVELS.min(level + 2)).filter(|&l| last[l].is_some());
                        let weights = steps.ways_into(pass, own, (layer, level), from)?;
                        let mut terms = Few::<{ DIRECTIONS + 1 }>::new();
                        terms.push(weights);
                        terms.extend(outputs.iter().cloned());
                        Some(terms.with(|t| pass.apply("levels", WeightedSum { first: 0, shared: 0 }, t))?)
                    }
                    _ => outputs.iter().next().cloned(),
                };
            }
            (before, last) = (last, now);
        }
        Ok(last)
    }
}

/// What the finer level, the same and the coarser have.
fn around<T: Copy>(levels: &[Option<T>; LEVELS], level: usize) -> [Option<T>; DIRECTIONS] {
    std::array::from_fn(|d| leads_to(level, d).and_then(|from| levels[from]))
}

impl Network for Supernet {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        self.run(pass, x, Route::All)
    }
}

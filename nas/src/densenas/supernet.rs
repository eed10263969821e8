//! The supernet: every block of the grid, every link between them, and the weights that choose.
//!
//! A node's input is the sum, over the nodes that feed it, of their heads' outputs, each weighted by its source's softmax over
//! where it leads; so what comes in does not sum to 1. A stacked layer is the sum of its operations by their softmax. The
//! tail (a 1x1 convolution from each node that leads there, batch norm, ReLU6) divides its weights by their sum.

use std::ops::Range;

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::Binary;
use kernels::ops::elementwise::weighted_sum::WeightedSum;
use kernels::ops::reduce::{Axes, sum::Sum};
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::slice::Slice;
use kernels::ops::softmax::Softmax;
use kernels::{Device, Tensor as Value};
use nn::layers::{BatchNorm, Builder, Conv, Linear, LinearSpec, global_avg_pool};
use nn::{Init, Layout, OpError, ParamId, Params, Pass, Tensor};
use tasks::Kind;

use super::block::{BasicBlock, BasicBlockSpec, batch_norm, conv};
use super::relaxed::Relaxed;
use super::space::{Grid, Operation, Path};

/// What architecture weights begin with: this times a standard normal.
pub const BEGIN: f64 = 1e-3;

/// Where the reference departs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Stride of the stem.
    pub stem_stride: usize,
    /// Of the softmax over links.
    pub temperature: f32,
    /// The tail takes another softmax over its incoming weights.
    pub second_softmax: bool,
}

impl Rules {
    /// The protocol's.
    pub const CORRECTED: Self = Self { stem_stride: 1, temperature: 1.0, second_softmax: false };
    /// The reference's for images and series, to be compared with its vectors; no method uses it.
    pub const REFERENCE: Self = Self { stem_stride: 2, temperature: 0.9, second_softmax: true };
}

/// What a forward goes through.
#[derive(Debug, Clone, Copy)]
pub enum Route<'a> {
    /// All links and all operations.
    All,
    /// All links, and one operation of each stacked layer of each node.
    Sampled(&'a [Vec<Operation>]),
    /// One path, and nothing else.
    Path(&'a Path),
}

/// A node of the grid but the stem.
#[derive(Debug)]
struct Candidate {
    /// Of each source.
    heads: Vec<BasicBlock>,
    stack: Vec<BasicBlock>,
}

/// The supernet; its numbers are in the [`Params`] it was built in, the architecture's last.
#[derive(Debug)]
pub struct Supernet {
    grid: Grid,
    rules: Rules,
    dense: bool,
    stem: (Conv, BatchNorm),
    candidates: Vec<Candidate>,
    /// Of each node that leads to it.
    tail: Vec<(Conv, BatchNorm)>,
    classifier: Linear,
    /// Of each node: `beta_weights`, \[links\].
    betas: Vec<ParamId>,
    /// Of each node that has stacked layers: `alpha_stack_weights`, \[layers, 2\].
    alphas: Vec<Option<ParamId>>,
    /// Entries of the weights; then come the architecture's.
    weights: usize,
    entries: usize,
}

impl Supernet {
    /// Builds it for so many input channels and outputs.
    pub fn new(grid: Grid, rules: Rules, kind: Kind, inputs: usize, outputs: usize, at: &mut Builder<'_>) -> Self {
        let series = kind == Kind::Series;
        let width = |i: usize| grid.nodes()[i].channels;
        let stem = at.conv("input_block.0", conv(series, inputs, width(0), 3, rules.stem_stride));
        let stem = (stem, at.batch_norm("input_block.1", batch_norm(width(0), true).relu()));
        let spec = |inputs, outputs, stride| BasicBlockSpec { series, inputs, outputs, stride, affine: false };
        let mut candidates = Vec::new();
        for node in 1..grid.end() {
            let mut at = at.scope(format_args!("blocks.{}", node - 1));
            let mut heads = Vec::new();
            for (k, &from) in grid.sources(node).iter().enumerate() {
                let stride = grid.links(from)[grid.link(from, node)].stride;
                let mut at = at.scope(format_args!("head_layer.head_branches.{k}._ops.0"));
                heads.push(BasicBlock::new(&mut at, spec(width(from), width(node), stride)));
            }
            let stacked = |l| {
                let mut at = at.scope(format_args!("stack_layers.stack_layers.{l}._ops.0"));
                BasicBlock::new(&mut at, spec(width(node), width(node), 1))
            };
            candidates.push(Candidate { heads, stack: (0..grid.nodes()[node].layers).map(stacked).collect() });
        }
        let mut tail = Vec::new();
        for (k, &from) in grid.sources(grid.end()).iter().enumerate() {
            let mut at = at.scope(format_args!("conv1_1_block.conv1_1_branches.{k}.conv1_1"));
            let conv = at.conv("0", conv(series, width(from), grid.tail(), 1, 1));
            tail.push((conv, at.batch_norm("1", batch_norm(grid.tail(), false))));
        }
        let classifier = at.linear("classifier", LinearSpec::new(grid.tail(), outputs));
        let weights = at.params().entries().len();
        let mut begin = |name: String, shape: &[usize]| at.parameter(name, shape, Layout::Plain, Init::Normal(BEGIN));
        let betas = (0..grid.end()).map(|i| begin(format!("beta_weights.{i}"), &[grid.links(i).len()])).collect();
        let mut alphas = vec![None];
        for node in 1..grid.end() {
            // A head has one operation: its weights are there for their number's and their names' sake.
            begin(format!("alpha_head_weights.{}", node - 1), &[grid.sources(node).len(), 1]);
            let layers = grid.nodes()[node].layers;
            alphas.push((layers > 0).then(|| begin(format!("alpha_stack_weights.{}", node - 1), &[layers, 2])));
        }
        let entries = at.params().entries().len();
        let dense = kind == Kind::Dense2d;
        Self { grid, rules, dense, stem, candidates, tail, classifier, betas, alphas, weights, entries }
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The rules.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Numbers of the entries that are weights, running statistics included.
    pub fn weights(&self) -> Range<usize> {
        0..self.weights
    }

    /// Numbers of the architecture's entries.
    pub fn architecture(&self) -> Range<usize> {
        self.weights..self.entries
    }

    /// Trained numbers of a supernet and how many of them are the architecture's, without building it.
    pub fn parameters(grid: &Grid, kind: Kind, inputs: usize, outputs: usize) -> (usize, usize) {
        let series = kind == Kind::Series;
        let width = |i: usize| grid.nodes()[i].channels;
        let spec = |inputs, outputs, stride| BasicBlockSpec { series, inputs, outputs, stride, affine: false };
        let mut all = if series { 3 } else { 9 } * inputs * width(0) + 2 * width(0) + (grid.tail() + 1) * outputs;
        for i in 0..grid.end() {
            for l in grid.links(i) {
                let to = l.to;
                all += if to == grid.end() {
                    width(i) * grid.tail()
                } else {
                    spec(width(i), width(to), l.stride).parameters()
                };
            }
            all += grid.nodes()[i].layers * spec(width(i), width(i), 1).parameters();
        }
        (all + grid.scalars(), grid.scalars())
    }

    /// The architecture weights.
    pub fn architecture_weights(&self, params: &Params) -> Relaxed {
        let mut all = Relaxed::zeros(&self.grid);
        let of = |id: ParamId| params.value(id).to(Device::Cpu);
        for i in 0..self.grid.end() {
            all.links[i].iter_mut().zip(of(self.betas[i]).data()).for_each(|(to, x)| *to = f64::from(*x));
            if let Some(id) = self.alphas[i] {
                let value = of(id);
                let pairs = value.data().chunks_exact(2);
                all.stacks[i].iter_mut().zip(pairs).for_each(|(to, x)| *to = [x[0].into(), x[1].into()]);
            }
        }
        all
    }

    /// The distributions that the architecture weights stand for, by the rules.
    pub fn relaxed(&self, params: &Params) -> Relaxed {
        self.architecture_weights(params).softmaxed(self.rules.temperature.into())
    }

    /// An entry and its numbers, each rounded to f32, for every entry of the architecture that chooses something.
    fn tensors(&self, of: &Relaxed) -> Vec<(ParamId, Value)> {
        let mut all = Vec::new();
        for i in 0..self.grid.end() {
            let links: Vec<f32> = of.links[i].iter().map(|x| *x as f32).collect();
            all.push((self.betas[i], Value::from_slice([links.len()], &links)));
            if let Some(id) = self.alphas[i] {
                let pairs: Vec<f32> = of.stacks[i].iter().flatten().map(|x| *x as f32).collect();
                all.push((id, Value::from_slice([pairs.len() / 2, 2], &pairs)));
            }
        }
        all
    }

    /// Replaces the architecture weights; each is rounded to f32.
    pub fn set_architecture(&self, params: &mut Params, weights: &Relaxed) {
        let device = params.device();
        self.tensors(weights).into_iter().for_each(|(id, value)| params.set(id, value.to(device)));
    }

    /// Adds to the gradients of the architecture weights, each term rounded to f32; a missing gradient counts as 0.
    pub fn add_gradient(&self, params: &mut Params, terms: &Relaxed) {
        let device = params.device();
        for (id, term) in self.tensors(terms) {
            let term = term.to(device);
            let sum = match params.grad(id) {
                Some(grad) => {
                    let mut sum = grad.clone();
                    sum.accumulate(&term);
                    sum
                }
                None => term,
            };
            params.set_grad(id, Some(sum));
        }
    }

    /// Computes the output of `x`.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor, route: Route<'_>) -> Result<Tensor, OpError> {
        let x = self.stem.0.forward(pass, x)?;
        let x = self.stem.1.forward(pass, &x)?;
        let mut x = match route {
            Route::Path(path) => self.along(pass, x, path)?,
            Route::All => self.through(pass, x, None)?,
            Route::Sampled(operations) => self.through(pass, x, Some(operations))?,
        };
        if !self.dense {
            x = global_avg_pool(pass, &x)?;
        }
        self.classifier.forward(pass, &x)
    }

    /// Blocks and tail of one path.
    fn along(&self, pass: &mut Pass<'_>, mut x: Tensor, path: &Path) -> Result<Tensor, OpError> {
        let position = |to: usize, from: usize| self.grid.sources(to).iter().position(|&s| s == from);
        let mut from = 0;
        for stop in &path.0 {
            let candidate = &self.candidates[stop.node - 1];
            x = candidate.heads[position(stop.node, from).expect("a link of the grid")].forward(pass, &x)?;
            for (block, operation) in candidate.stack.iter().zip(&stop.stack) {
                if *operation == Operation::Basic {
                    x = block.forward(pass, &x)?;
                }
            }
            from = stop.node;
        }
        let k = position(self.grid.end(), from).expect("a path ends at the tail");
        self.tail_of(pass, k, &x)
    }

    /// The tail's output for its source number `k`.
    fn tail_of(&self, pass: &mut Pass<'_>, k: usize, x: &Tensor) -> Result<Tensor, OpError> {
        let (conv, bn) = &self.tail[k];
        let x = conv.forward(pass, x)?;
        let x = bn.forward(pass, &x)?;
        pass.apply("conv1_1_block", Pointwise::relu6(), &[&x])
    }

    /// Blocks and tail of all links.
    fn through(&self, pass: &mut Pass<'_>, x: Tensor, one: Option<&[Vec<Operation>]>) -> Result<Tensor, OpError> {
        let betas: Vec<Tensor> = self.betas.iter().map(|&id| self.distribution(pass, id)).collect::<Result<_, _>>()?;
        let mut outputs = vec![x];
        for (i, candidate) in self.candidates.iter().enumerate() {
            let node = i + 1;
            let w = self.incoming(pass, &betas, node)?;
            let mut terms = Vec::new();
            for (head, &from) in candidate.heads.iter().zip(self.grid.sources(node)) {
                terms.push(head.forward(pass, &outputs[from])?);
            }
            let mut h = weighted_sum(pass, &w, &terms)?;
            drop(terms);
            let mixed = match (one, self.alphas[node]) {
                (None, Some(id)) => {
                    let alphas = pass.param(id);
                    Some(pass.apply("alpha_stack_weights", Softmax::new(-1), &[&alphas])?)
                }
                _ => None,
            };
            for (l, block) in candidate.stack.iter().enumerate() {
                match (one, &mixed) {
                    (Some(operations), _) if operations[node][l] == Operation::Skip => {}
                    (None, Some(p)) => {
                        let w = pass.apply("alpha_stack_weights", Slice::along(0, l, l + 1, 1), &[p])?;
                        let basic = block.forward(pass, &h)?;
                        h = weighted_sum(pass, &w, &[basic, h])?;
                    }
                    _ => h = block.forward(pass, &h)?,
                }
            }
            outputs.push(h);
        }
        let w = self.incoming(pass, &betas, self.grid.end())?;
        let w = if self.rules.second_softmax {
            pass.apply("conv1_1_block", Softmax::new(-1), &[&w])?
        } else {
            let sum = pass.apply("conv1_1_block", Sum { axes: Axes::ALL, keepdim: true }, &[&w])?;
            pass.apply("conv1_1_block", Binary::div(), &[&w, &sum])?
        };
        let mut terms = Vec::new();
        for (k, &from) in self.grid.sources(self.grid.end()).iter().enumerate() {
            terms.push(self.tail_of(pass, k, &outputs[from])?);
        }
        weighted_sum(pass, &w, &terms)
    }

    /// A node's softmax over its links, \[1, links\].
    fn distribution(&self, pass: &mut Pass<'_>, id: ParamId) -> Result<Tensor, OpError> {
        let beta = pass.param(id);
        let temperature = Value::full_on(pass.device(), [1, 1], self.rules.temperature);
        let beta = pass.apply("beta_weights", Binary::div(), &[&beta, &temperature.into()])?;
        pass.apply("beta_weights", Softmax::new(-1), &[&beta])
    }

    /// Of the links into `node`, each source's probability, \[1, sources\].
    fn incoming(&self, pass: &mut Pass<'_>, betas: &[Tensor], node: usize) -> Result<Tensor, OpError> {
        let mut parts = Vec::new();
        for &from in self.grid.sources(node) {
            let j = self.grid.link(from, node);
            parts.push(pass.apply("beta_weights", Slice::along(1, j, j + 1, 1), &[&betas[from]])?);
        }
        let parts: Vec<&Tensor> = parts.iter().collect();
        pass.apply("beta_weights", Concat { dim: 1 }, &parts)
    }
}

/// `sum w_t x_t` with w \[1, terms\].
fn weighted_sum(pass: &mut Pass<'_>, w: &Tensor, terms: &[Tensor]) -> Result<Tensor, OpError> {
    let inputs: Vec<&Tensor> = std::iter::once(w).chain(terms).collect();
    pass.apply("mixed", WeightedSum { first: 0, shared: 0 }, &inputs)
}

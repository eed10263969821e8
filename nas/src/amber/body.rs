//! Stem, layers, what widens and shortens between stages, and head: shared by the supernet, which has every operation of every
//! layer, and the final network, which has one and what it reads.
//!
//! ```text
//! x            stem: convolution of 8, batch norm
//! layer i      operation on the layer before; from the second on: + the chosen earlier layers, one by one, ascending, then
//!              batch norm; dropout
//! conv_*       convolution, batch norm, in the supernet + one number for all channels, ReLU
//! *_pool_4     1x1 convolution, batch norm, ReLU, pool of 4 places at step 1
//! a stage ends every layer that is read later: 1x1 convolution to the next width, max pool of 4 places, step 4
//! head         all places of the last layer: dropout, linear, ReLU, in the supernet dropout, linear
//! ```
//! All paddings keep the length, or ceil(length / 4): the smaller half of the zeros first. Pools see no padding.
//!
//! A linear layer over all places is a convolution as long as the series: its weight's file `[O, C, L]` is that of PyTorch's linear
//! layer over `[N, C, L]` flattened.

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::Binary;
use kernels::ops::pool::Window;
use kernels::ops::pool::avg_pool::AvgPool;
use kernels::ops::pool::max_pool::MaxPool;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, Dropout, Linear, LinearSpec, global_avg_pool};
use nn::{Init, Layout, OpError, ParamId, Pass, Tensor};

use super::space::{OPERATIONS, Sequence};
use super::stages::{REDUCTION, Stages, read_after, same};

/// Places that a stem's convolution and a pool look at.
const STEM: usize = 8;
const POOL: usize = 4;

/// Length and dilation of the convolutions, by operation.
const CONVS: [(usize, usize); 4] = [(8, 1), (4, 1), (8, 10), (4, 10)];

/// What a body is built for.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// The stages.
    pub stages: &'a Stages,
    /// Units of the hidden linear layer.
    pub dense: usize,
    /// Places and channels of the input.
    pub input: [usize; 2],
    /// Classes or labels.
    pub outputs: usize,
    /// Probability that dropout drops.
    pub dropout: f32,
    /// Weight of the batch in new running statistics.
    pub momentum: f32,
    /// Added to variances.
    pub eps: f32,
}

#[derive(Debug)]
enum Branch {
    Conv { conv: Conv, norm: BatchNorm, bias: Option<ParamId>, name: String },
    Pool { conv: Conv, norm: BatchNorm, largest: bool, name: String },
    Identity,
}

#[derive(Debug)]
struct Layer {
    /// By operation; what is not built is none.
    branches: Vec<Option<Branch>>,
    /// After what is added; the first layer has none.
    norm: Option<BatchNorm>,
    dropout: Dropout,
    name: String,
}

/// A network of the space, or all of them at once.
#[derive(Debug)]
pub struct Body {
    stages: Stages,
    stem: (Conv, BatchNorm),
    layers: Vec<Layer>,
    /// Of each layer that ends a stage, of itself and every layer before: what widens it.
    reductions: Vec<Vec<Option<Conv>>>,
    flat: [Dropout; 2],
    dense: Conv,
    classifier: Linear,
    kernels: Vec<ParamId>,
}

impl Body {
    /// Builds what `only` needs, or everything, with what the supernet has besides: a bias in each convolution's branch and
    /// a dropout before the last layer.
    ///
    /// # Panics
    /// If an architecture is given with other layers than the stages have.
    pub fn new(spec: Spec<'_>, only: Option<&Sequence>, at: &mut Builder<'_>) -> Self {
        let Spec { stages, input: [length, channels], dropout, .. } = spec;
        assert!(only.is_none_or(|s| s.layers() == stages.total()), "layers of another network");
        let shared = only.is_none();
        let batch_norm = |c| BatchNormSpec::new(c).momentum(spec.momentum).eps(spec.eps);
        let conv = |inputs, outputs, k| ConvSpec::series(inputs, outputs, k).same().he_normal();

        let stem = at.conv("stem.conv", conv(channels, stages.width(0), STEM));
        let mut kernels = vec![stem.weight()];
        let stem = (stem, at.batch_norm("stem.norm", batch_norm(stages.width(0))));
        let (mut layers, mut reductions) = (Vec::new(), Vec::new());
        for i in 0..stages.total() {
            let width = stages.width(i);
            let mut at = at.scope(format_args!("layers.{i}"));
            let mut branches = Vec::new();
            for (o, operation) in OPERATIONS.iter().enumerate() {
                if only.is_some_and(|s| s.operations[i] != o) {
                    branches.push(None);
                    continue;
                }
                let mut at = at.scope(operation);
                let name = at.path("bias");
                branches.push(Some(match (CONVS.get(o), o) {
                    (Some(&(k, dilation)), _) => {
                        let conv = at.conv("conv", conv(width, width, k).dilation(dilation));
                        kernels.push(conv.weight());
                        let norm = batch_norm(width);
                        let norm = at.batch_norm("norm", if shared { norm } else { norm.relu() });
                        let bias = shared.then(|| at.parameter("bias", [1], Layout::Plain, Init::Constant(0.0)));
                        Branch::Conv { conv, norm, bias, name }
                    }
                    (None, 4 | 5) => {
                        let conv = at.conv("conv", conv(width, width, 1));
                        let norm = at.batch_norm("norm", batch_norm(width).relu());
                        Branch::Pool { conv, norm, largest: o == 4, name: at.path("pool") }
                    }
                    _ => Branch::Identity,
                }));
            }
            let norm = (i > 0).then(|| at.batch_norm("norm", batch_norm(width)));
            let (dropout, name) = (at.dropout("dropout", dropout), at.path("sum"));
            layers.push(Layer { branches, norm, dropout, name });
        }
        for end in 0..stages.total() {
            let mut widened = Vec::new();
            for from in 0..if stages.ends(end) { end + 1 } else { 0 } {
                let needed = only.is_none_or(|s| read_after(s, end, from));
                let spec = conv(stages.width(end), stages.width(end + 1), 1);
                widened.push(needed.then(|| at.conv(&format!("reductions.{end}.{from}"), spec)));
            }
            reductions.push(widened);
        }
        let last = stages.width(stages.total() - 1);
        let dense = ConvSpec::series(last, spec.dense, stages.last_length(length)).bias();
        let dense = at.conv("dense", if shared { dense.he_normal() } else { dense.glorot() });
        let classifier = LinearSpec::new(spec.dense, spec.outputs);
        let classifier = at.linear("classifier", if shared { classifier.he_normal() } else { classifier.glorot() });
        let flat = [dropout, if shared { dropout } else { 0.0 }].map(|p| at.dropout("head", p));
        Self { stages: stages.clone(), stem, layers, reductions, flat, dense, classifier, kernels }
    }

    /// The stages.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Weights of the stem's and the layers' convolutions that were built, those of pools aside.
    pub fn kernels(&self) -> &[ParamId] {
        &self.kernels
    }

    /// Computes the output of `x`, \[N, L, C\], through one architecture.
    ///
    /// # Errors
    /// What an op refuses.
    ///
    /// # Panics
    /// If what the architecture needs was not built.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor, sequence: &Sequence) -> Result<Tensor, OpError> {
        let x = self.stem.0.forward(pass, x)?;
        let x = self.stem.1.forward(pass, &x)?;
        let mut stored: Vec<Option<Tensor>> = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            let input = stored.last().map_or(&x, |s| s.as_ref().expect("the layer before is kept"));
            let branch = layer.branches[sequence.operations[i]].as_ref().expect("the operation was built");
            let mut y = branch.forward(pass, input)?;
            for (from, _) in sequence.skips[i].iter().enumerate().filter(|(_, added)| **added) {
                let earlier = stored[from].as_ref().expect("a layer that is read is kept");
                y = pass.apply(&layer.name, Binary::add(), &[&y, earlier])?;
            }
            if let Some(norm) = &layer.norm {
                y = norm.forward(pass, &y)?;
            }
            stored.push(Some(layer.dropout.forward(pass, &y)?));
            for (from, kept) in stored.iter_mut().enumerate() {
                if !read_after(sequence, i, from) {
                    *kept = None;
                } else if self.stages.ends(i) {
                    let conv = self.reductions[i][from].as_ref().expect("a layer that is read is widened");
                    let wide = conv.forward(pass, kept.as_ref().expect("a layer that is read is kept"))?;
                    let padding = same(wide.shape()[1], POOL, REDUCTION);
                    let window = Window::series(POOL, REDUCTION, padding);
                    *kept = Some(pass.apply("reductions", MaxPool { window }, &[&wide])?);
                }
            }
        }
        let y = stored.pop().flatten().expect("a layer");
        let y = self.flat[0].forward(pass, &y)?;
        let y = self.dense.forward(pass, &y)?;
        let y = pass.apply("dense", Pointwise::relu(), &[&y])?;
        let y = self.flat[1].forward(pass, &y)?;
        let y = global_avg_pool(pass, &y)?;
        self.classifier.forward(pass, &y)
    }
}

impl Branch {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        match self {
            Self::Conv { conv, norm, bias, name } => {
                let x = conv.forward(pass, x)?;
                let x = norm.forward(pass, &x)?;
                let Some(bias) = bias else { return Ok(x) };
                let bias = pass.param(*bias);
                let x = pass.apply(name, Binary::add(), &[&x, &bias])?;
                pass.apply(name, Pointwise::relu(), &[&x])
            }
            Self::Pool { conv, norm, largest, name } => {
                let x = conv.forward(pass, x)?;
                let x = norm.forward(pass, &x)?;
                let window = Window::series(POOL, 1, same(x.shape()[1], POOL, 1));
                if *largest {
                    pass.apply(name, MaxPool { window }, &[&x])
                } else {
                    pass.apply(name, AvgPool { window, count_include_pad: false }, &[&x])
                }
            }
            Self::Identity => Ok(x.clone()),
        }
    }
}

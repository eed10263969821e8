//! Series: ECG, Satellite, DeepSEA. The three-stage residual network (arXiv 1909.04939), the reference's choice.

use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, Dropout, Linear, LinearSpec, add};
use nn::layers::{global_avg_pool, relu};
use nn::{Network, OpError, Pass, Tensor};

/// Lengths of a stage's kernels.
const KERNELS: [usize; 3] = [8, 5, 3];

/// What the network is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesSpec {
    /// Channels of the series.
    pub inputs: usize,
    /// Answers.
    pub classes: usize,
    /// Channels of the first stage (64); the others have twice as many.
    pub width: usize,
    /// Probability of dropout after each stage.
    pub dropout: f32,
    /// As the reference code has it: ReLU before each addition and none after it, and no skip around the third stage.
    /// For comparison with its vectors; no method uses it.
    pub reference: bool,
}

impl SeriesSpec {
    /// The benchmark's network.
    pub fn new(inputs: usize, classes: usize, dropout: f32) -> Self {
        Self { inputs, classes, width: 64, dropout, reference: false }
    }
}

/// Three times convolution with bias, batch norm, ReLU; `+ skip` before the last ReLU; dropout.
#[derive(Debug)]
struct Stage {
    convs: [(Conv, BatchNorm); 3],
    /// 1x1 convolution and batch norm, where the widths differ.
    residual: Option<(Conv, BatchNorm)>,
    dropout: Dropout,
    reference: bool,
}

impl Stage {
    fn new(at: &mut Builder<'_>, inputs: usize, outputs: usize, spec: SeriesSpec) -> Self {
        let convs = [0, 1, 2].map(|j| {
            let mut at = at.scope(format_args!("layers.{j}"));
            let from = if j == 0 { inputs } else { outputs };
            let conv = at.conv("layers.0", ConvSpec::series(from, outputs, KERNELS[j]).same().bias());
            let bn = BatchNormSpec::new(outputs);
            // In the last ReLU comes after the addition.
            let bn = if j < 2 || spec.reference { bn.relu() } else { bn };
            (conv, at.batch_norm("layers.1", bn))
        });
        let residual = (inputs != outputs).then(|| {
            let conv = at.conv("residual.0", ConvSpec::series(inputs, outputs, 1).bias());
            (conv, at.batch_norm("residual.1", BatchNormSpec::new(outputs)))
        });
        Self { convs, residual, dropout: at.dropout("dropout", spec.dropout), reference: spec.reference }
    }

    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut h = x.clone();
        for (conv, bn) in &self.convs {
            h = conv.forward(pass, &h)?;
            h = bn.forward(pass, &h)?;
        }
        h = match &self.residual {
            Some((conv, bn)) => {
                let r = conv.forward(pass, x)?;
                let r = bn.forward(pass, &r)?;
                add(pass, &h, &r)?
            }
            None if self.reference => h,
            None => add(pass, &h, x)?,
        };
        if !self.reference {
            h = relu(pass, &h)?;
        }
        self.dropout.forward(pass, &h)
    }
}

/// The network for series: `[N, L, C]` to `[N, classes]`, with the mean over time before the head.
#[derive(Debug)]
pub struct Series {
    stages: [Stage; 3],
    head: Linear,
}

impl Series {
    /// Builds it, with PyTorch's initial values.
    pub fn new(at: &mut Builder<'_>, spec: SeriesSpec) -> Self {
        let (m, i) = (spec.width, spec.inputs);
        let mut stage = |n: usize, i, o| Stage::new(&mut at.scope(format_args!("layers.{n}")), i, o, spec);
        let stages = [stage(0, i, m), stage(1, m, 2 * m), stage(2, 2 * m, 2 * m)];
        Self { stages, head: at.linear("final", LinearSpec::new(2 * m, spec.classes)) }
    }
}

impl Network for Series {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut x = x.clone();
        for stage in &self.stages {
            x = stage.forward(pass, &x)?;
        }
        let x = global_avg_pool(pass, &x)?;
        self.head.forward(pass, &x)
    }
}

//! Convolutions of images and series.

use autograd::{OpError, Tensor};

use super::Builder;
use crate::{Init, Layout, ParamId, Pass};
use kernels::ops::conv::conv::Conv as Op;

/// How the weight begins.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Begin {
    /// PyTorch's default, for the bias too.
    Torch,
    KaimingOut,
    /// Keras' two; the bias is 0.
    He,
    Glorot,
}

#[derive(Debug, Clone, Copy)]
enum Padding {
    Each(usize),
    Same,
}

/// What a convolution is; PyTorch's defaults, but no bias.
#[derive(Debug, Clone, Copy)]
pub struct ConvSpec {
    series: bool,
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: Padding,
    dilation: usize,
    groups: usize,
    bias: bool,
    begin: Begin,
}

impl ConvSpec {
    /// `k` x `k` over images.
    pub fn image(inputs: usize, outputs: usize, k: usize) -> Self {
        Self {
            series: false,
            inputs,
            outputs,
            kernel: [k, k],
            stride: 1,
            padding: Padding::Each(0),
            dilation: 1,
            groups: 1,
            bias: false,
            begin: Begin::Torch,
        }
    }

    /// `k` long over series.
    pub fn series(inputs: usize, outputs: usize, k: usize) -> Self {
        Self { series: true, kernel: [1, k], ..Self::image(inputs, outputs, k) }
    }

    /// Steps of this size (every direction).
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Zeros on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: Padding::Each(padding), ..self }
    }

    /// Zeros such that stride 1 keeps the size: dilation x (k - 1) in all, the smaller half first.
    #[must_use]
    pub fn same(self) -> Self {
        Self { padding: Padding::Same, ..self }
    }

    /// Distance of the taps.
    #[must_use]
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// Groups of channels; `groups = inputs` is depthwise.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Adds a bias.
    #[must_use]
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Begins with Kaiming's normal by fan-out instead of PyTorch's default.
    #[must_use]
    pub fn kaiming_normal(self) -> Self {
        Self { begin: Begin::KaimingOut, ..self }
    }

    /// Begins with Kaiming's normal by fan-in, and a bias at 0: Keras' `he_normal`, not truncated.
    #[must_use]
    pub fn he_normal(self) -> Self {
        Self { begin: Begin::He, ..self }
    }

    /// Begins with Glorot's uniform, and a bias at 0: Keras' default.
    #[must_use]
    pub fn glorot(self) -> Self {
        Self { begin: Begin::Glorot, ..self }
    }

    /// How weight and bias begin; `kaiming`: by Kaiming's normal where nothing is asked for.
    fn init(&self, kaiming: bool) -> [Init; 2] {
        let taps = self.kernel[0] * self.kernel[1];
        let (fan_in, fan_out) = (self.inputs / self.groups * taps, self.outputs * taps);
        match self.begin {
            Begin::Torch if kaiming => [Init::KaimingNormal { fan: fan_in }, Init::Uniform { fan_in }],
            Begin::Torch => [Init::Uniform { fan_in }; 2],
            Begin::KaimingOut => [Init::KaimingNormal { fan: fan_out }, Init::Uniform { fan_in }],
            Begin::He => [Init::KaimingNormal { fan: fan_in }, Init::Constant(0.0)],
            Begin::Glorot => [Init::Glorot { fan_in, fan_out }, Init::Constant(0.0)],
        }
    }

    fn op(&self) -> Op {
        let pad = |k: usize| match self.padding {
            Padding::Each(p) => [p, p],
            Padding::Same => {
                let all = self.dilation * (k - 1);
                [all / 2, all - all / 2]
            }
        };
        let [kh, kw] = self.kernel;
        Op {
            stride: if self.series { [1, self.stride] } else { [self.stride; 2] },
            padding: if self.series { [[0, 0], pad(kw)] } else { [pad(kh), pad(kw)] },
            dilation: if self.series { [1, self.dilation] } else { [self.dilation; 2] },
            groups: self.groups,
            bias: self.bias,
        }
    }
}

/// A convolution: `[N, H, W, C]` or `[N, L, C]`.
#[derive(Debug, Clone)]
pub struct Conv {
    name: String,
    weight: ParamId,
    bias: Option<ParamId>,
    op: Op,
}

impl Builder<'_> {
    /// A convolution: `weight`, `bias`.
    ///
    /// # Panics
    /// If the groups do not divide the channels, or the name is taken.
    pub fn conv(&mut self, name: &str, spec: ConvSpec) -> Conv {
        let ConvSpec { inputs, outputs, groups, kernel: [kh, kw], .. } = spec;
        let path = self.path(name);
        assert!(
            groups > 0 && inputs % groups == 0 && outputs % groups == 0,
            "'{path}': {inputs} to {outputs} channels in {groups} groups"
        );
        let [init, bias] = spec.init(self.kaiming);
        let mut at = self.scope(name);
        let weight = if spec.series {
            at.parameter("weight", [kw, inputs / groups, outputs], Layout::Conv1d, init)
        } else {
            at.parameter("weight", [kh, kw, inputs / groups, outputs], Layout::Conv2d, init)
        };
        let bias = spec.bias.then(|| at.parameter("bias", [outputs], Layout::Plain, bias));
        Conv { name: path, weight, bias, op: spec.op() }
    }
}

impl Conv {
    /// Its weight.
    pub fn weight(&self) -> ParamId {
        self.weight
    }

    /// Its bias.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// Convolves.
    ///
    /// # Errors
    /// If `x` has other channels, or is smaller than the kernel.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let w = pass.param(self.weight);
        match self.bias {
            None => pass.apply(&self.name, self.op, &[x, &w]),
            Some(b) => {
                let b = pass.param(b);
                pass.apply(&self.name, self.op, &[x, &w, &b])
            }
        }
    }
}

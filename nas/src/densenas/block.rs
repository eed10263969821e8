//! The two operations of the space: the basic block, and the skip (which needs nothing).

use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, add, relu};
use nn::{OpError, Pass, Tensor};

/// A convolution of the task's kind, `kernel` a side, padded so that stride 1 keeps the size, begun by Kaiming's normal.
pub(super) fn conv(series: bool, inputs: usize, outputs: usize, kernel: usize, stride: usize) -> ConvSpec {
    let spec = if series { ConvSpec::series } else { ConvSpec::image };
    spec(inputs, outputs, kernel).padding(kernel / 2).stride(stride).kaiming_normal()
}

/// Batch norm of derived networks (affine) and of supernets (not).
pub(super) fn batch_norm(channels: usize, affine: bool) -> BatchNormSpec {
    let spec = BatchNormSpec::new(channels);
    if affine { spec } else { spec.no_affine() }
}

/// What a basic block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicBlockSpec {
    /// Over series (kernels of 3) or images (3x3).
    pub series: bool,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Of the first convolution and the shortcut.
    pub stride: usize,
    /// Whether its batch norms are affine.
    pub affine: bool,
}

impl BasicBlockSpec {
    /// Whether the shortcut is a 1x1 convolution and batch norm, not the input itself.
    pub fn projects(&self) -> bool {
        self.stride != 1 || self.inputs != self.outputs
    }

    /// Trained numbers.
    pub fn parameters(&self) -> usize {
        let Self { inputs: i, outputs: o, .. } = *self;
        let (taps, norm) = (if self.series { 3 } else { 9 }, if self.affine { 2 * o } else { 0 });
        taps * o * (i + o) + 2 * norm + if self.projects() { i * o + norm } else { 0 }
    }

    /// Multiply-adds of the convolutions, for this many places of the output.
    pub fn multiply_adds(&self, places: u64) -> u64 {
        let plain = Self { affine: false, ..*self };
        places * plain.parameters() as u64
    }
}

/// The basic block of residual networks, post-activation: `conv3(stride), BN, ReLU, conv3, BN, + shortcut, ReLU`. The
/// shortcut is a 1x1 convolution and batch norm where the stride is not 1 or the widths differ, else the input.
#[derive(Debug, Clone)]
pub struct BasicBlock {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    downsample: Option<(Conv, BatchNorm)>,
}

impl BasicBlock {
    /// Builds it at the builder's scope.
    pub fn new(at: &mut Builder<'_>, spec: BasicBlockSpec) -> Self {
        let BasicBlockSpec { series, inputs, outputs, stride, affine } = spec;
        Self {
            conv1: at.conv("conv1", conv(series, inputs, outputs, 3, stride)),
            bn1: at.batch_norm("bn1", batch_norm(outputs, affine).relu()),
            conv2: at.conv("conv2", conv(series, outputs, outputs, 3, 1)),
            bn2: at.batch_norm("bn2", batch_norm(outputs, affine)),
            downsample: spec.projects().then(|| {
                let conv = at.conv("downsample.0", conv(series, inputs, outputs, 1, stride));
                (conv, at.batch_norm("downsample.1", batch_norm(outputs, affine)))
            }),
        }
    }

    /// Its output for `x`.
    ///
    /// # Errors
    /// What an op refuses.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let h = self.conv1.forward(pass, x)?;
        let h = self.bn1.forward(pass, &h)?;
        let h = self.conv2.forward(pass, &h)?;
        let h = self.bn2.forward(pass, &h)?;
        let sum = match &self.downsample {
            Some((conv, bn)) => {
                let r = conv.forward(pass, x)?;
                let r = bn.forward(pass, &r)?;
                add(pass, &h, &r)?
            }
            None => add(pass, &h, x)?,
        };
        relu(pass, &sum)
    }
}

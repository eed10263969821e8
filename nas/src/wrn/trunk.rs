//! What the image networks share: stem, three groups of pre-activation blocks, batch norm, ReLU.

use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, Dropout, add};
use nn::{OpError, Pass, Tensor};

/// Depth and widening: WRN-16-4 unless a test asks for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width {
    /// Layers with weights along the main path; (depth - 4) / 6 blocks a group.
    pub depth: usize,
    /// Multiple of 16, 32, 64 channels.
    pub widen: usize,
}

impl Width {
    /// The benchmark's.
    pub const WRN_16_4: Self = Self { depth: 16, widen: 4 };

    /// The same depth with `by` times the widening, a whole number of at least 1.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { widen: ((self.widen as f64 * by + 0.5) as usize).max(1), ..self }
    }
}

/// `bn1-relu-conv1-bn2-relu-dropout-conv2 + shortcut`, all convolutions 3x3 without bias.
///
/// Where the widths differ the shortcut is a 1x1 convolution of relu(bn1(x)), else x itself.
#[derive(Debug)]
struct Block {
    bn1: BatchNorm,
    conv1: Conv,
    bn2: BatchNorm,
    dropout: Dropout,
    conv2: Conv,
    shortcut: Option<Conv>,
}

impl Block {
    fn new(at: &mut Builder<'_>, inputs: usize, outputs: usize, stride: usize, dropout: f32) -> Self {
        let conv3 = |i| ConvSpec::image(i, outputs, 3).padding(1).kaiming_normal();
        Self {
            bn1: at.batch_norm("bn1", BatchNormSpec::new(inputs).relu()),
            conv1: at.conv("conv1", conv3(inputs).stride(stride)),
            bn2: at.batch_norm("bn2", BatchNormSpec::new(outputs).relu()),
            dropout: at.dropout("dropout", dropout),
            conv2: at.conv("conv2", conv3(outputs)),
            shortcut: (inputs != outputs)
                .then(|| at.conv("convShortcut", ConvSpec::image(inputs, outputs, 1).stride(stride).kaiming_normal())),
        }
    }

    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let active = self.bn1.forward(pass, x)?;
        let h = self.conv1.forward(pass, &active)?;
        let h = self.bn2.forward(pass, &h)?;
        let h = self.dropout.forward(pass, &h)?;
        let h = self.conv2.forward(pass, &h)?;
        match &self.shortcut {
            Some(conv) => {
                let r = conv.forward(pass, &active)?;
                add(pass, &h, &r)
            }
            None => add(pass, &h, x),
        }
    }
}

/// Everything before the head.
#[derive(Debug)]
pub struct Trunk {
    stem: Conv,
    blocks: Vec<Block>,
    bn: BatchNorm,
    channels: usize,
}

impl Trunk {
    /// Convolutions begin with Kaiming's normal by fan-out, batch norms with 1 and 0. `strides` are the groups'.
    pub fn new(at: &mut Builder<'_>, width: Width, inputs: usize, strides: [usize; 3], dropout: f32) -> Self {
        let stem = at.conv("conv1", ConvSpec::image(inputs, 16, 3).padding(1).kaiming_normal());
        let (mut blocks, mut channels) = (Vec::new(), 16);
        for (g, stride) in strides.into_iter().enumerate() {
            let outputs = (16 << g) * width.widen;
            for j in 0..(width.depth - 4) / 6 {
                let mut at = at.scope(format_args!("block{}.layer.{j}", g + 1));
                blocks.push(Block::new(&mut at, channels, outputs, if j == 0 { stride } else { 1 }, dropout));
                channels = outputs;
            }
        }
        let bn = at.batch_norm("bn1", BatchNormSpec::new(channels).relu());
        Self { stem, blocks, bn, channels }
    }

    /// Channels of the output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Images `[N, H, W, C]` to activated features.
    ///
    /// # Errors
    /// If `x` is no image with the right channels.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let mut x = self.stem.forward(pass, x)?;
        for block in &self.blocks {
            x = block.forward(pass, &x)?;
        }
        self.bn.forward(pass, &x)
    }
}

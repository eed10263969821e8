//! The head of a level: what is seen at one place, around it and on the whole map.

use kernels::ops::pool::Window;
use kernels::ops::pool::avg_pool::AvgPool;
use kernels::ops::shape::concat::Concat;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec};
use nn::{OpError, Pass, Tensor};

use super::cell::resized;

/// The mean of a map, `[N, 1, 1, C]`.
pub(in crate::autodl) fn pooled(pass: &mut Pass<'_>, layer: &str, x: &Tensor) -> Result<Tensor, OpError> {
    let window = Window::images([x.shape()[1], x.shape()[2]], [1, 1], [0, 0]);
    pass.apply(layer, AvgPool { window, count_include_pad: false }, &[x])
}

/// Spreads the pooled map, behind its convolution, over the places of the map, behind its batch norm. Of a single input the
/// norm comes behind the spreading: one value a channel has no variance, many equal ones have 0.
pub(in crate::autodl) fn spread(
    pass: &mut Pass<'_>,
    layer: &str,
    bn: &BatchNorm,
    x: &Tensor,
    size: [usize; 2],
) -> Result<Tensor, OpError> {
    if x.shape()[0] == 1 && pass.training() {
        let x = resized(pass, layer, x, size)?;
        return bn.forward(pass, &x);
    }
    let x = bn.forward(pass, x)?;
    resized(pass, layer, &x, size)
}

/// A 1x1 convolution, a dilated 3x3 one and the whole map's mean side by side; 1x1 to the same width, batch norm, 1x1 to the
/// answers.
#[derive(Debug)]
pub(super) struct Head {
    name: String,
    point: (Conv, BatchNorm),
    around: (Conv, BatchNorm),
    whole: (Conv, BatchNorm),
    join: (Conv, BatchNorm),
    last: Conv,
}

impl Head {
    /// Builds it for so many channels; `dilation` is that of the 3x3.
    pub(super) fn new(at: &mut Builder<'_>, channels: usize, dilation: usize, outputs: usize, eps: f32) -> Self {
        let (c, norm) = (channels, BatchNormSpec::new(channels));
        let around = ConvSpec::image(c, c, 3).dilation(dilation).padding(dilation);
        let mut pair = |conv: &str, spec: ConvSpec, bn: &str, norm| (at.conv(conv, spec), at.batch_norm(bn, norm));
        Self {
            point: pair("conv11.0", ConvSpec::image(c, c, 1), "conv11.1", norm),
            around: pair("conv33.0", around, "conv33.1", norm),
            whole: pair("conv_p.0", ConvSpec::image(c, c, 1), "conv_p.1", norm.relu()),
            join: pair("concate_conv", ConvSpec::image(3 * c, c, 1), "concate_bn", norm.eps(eps)),
            last: at.conv("final_conv", ConvSpec::image(c, outputs, 1)),
            name: at.path("aspp"),
        }
    }

    /// Answers at the places of the level's map.
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let size = [x.shape()[1], x.shape()[2]];
        let both = |pass: &mut Pass<'_>, (conv, bn): &(Conv, BatchNorm), x: &Tensor| {
            let x = conv.forward(pass, x)?;
            bn.forward(pass, &x)
        };
        let (point, around) = (both(pass, &self.point, x)?, both(pass, &self.around, x)?);
        let whole = pooled(pass, &self.name, x)?;
        let whole = self.whole.0.forward(pass, &whole)?;
        let whole = spread(pass, &self.name, &self.whole.1, &whole, size)?;
        let x = pass.apply(&self.name, Concat { dim: 3 }, &[&point, &around, &whole])?;
        let x = both(pass, &self.join, &x)?;
        self.last.forward(pass, &x)
    }
}

//! The network: a Fourier neural operator (Li et al., 2021, with GELU as in its later release).

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::shape::pad::Pad;
use nn::layers::{Builder, Conv, ConvSpec, Linear, LinearSpec, Spectral};
use nn::{Network, OpError, Pass, Tensor};

/// Channels of the head.
const HEAD: usize = 128;

/// How large one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FnoSpec {
    /// Spectral layers.
    pub layers: usize,
    /// Channels between them.
    pub width: usize,
    /// Frequencies that are kept in each direction.
    pub modes: usize,
    /// Zeros behind the last row and the last column, for what is not periodic.
    pub padding: usize,
}

impl FnoSpec {
    /// The published one.
    pub const PUBLISHED: Self = Self { layers: 4, width: 32, modes: 12, padding: 9 };
}

/// One answer a pixel: `[N, H, W, C]` to `[N, H, W, outputs]`.
///
/// A linear layer to `width` channels, zeros behind rows and columns, then layers `spectral(x) + conv1x1(x)` with GELU after
/// all but the last, the zeros' places cut off, and two linear layers over 128 channels with GELU between.
#[derive(Debug)]
pub struct Fno {
    padding: isize,
    fc0: Linear,
    layers: Vec<(Spectral, Conv)>,
    fc1: Linear,
    fc2: Linear,
}

impl Fno {
    /// Builds it; names are those of the published release, a complex weight being two entries, `.re` and `.im`.
    pub fn new(at: &mut Builder<'_>, spec: FnoSpec, inputs: usize, outputs: usize) -> Self {
        let FnoSpec { layers, width, modes, padding } = spec;
        let fc0 = at.linear("fc0", LinearSpec::new(inputs, width));
        let spectral: Vec<_> = (0..layers).map(|i| at.spectral(&format!("conv{i}"), width, width, modes)).collect();
        let one = ConvSpec::image(width, width, 1).bias();
        let layers = spectral.into_iter().enumerate().map(|(i, s)| (s, at.conv(&format!("w{i}"), one))).collect();
        let fc1 = at.linear("fc1", LinearSpec::new(width, HEAD));
        let fc2 = at.linear("fc2", LinearSpec::new(HEAD, outputs));
        Self { padding: padding as isize, fc0, layers, fc1, fc2 }
    }
}

impl Network for Fno {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let gelu = |pass: &mut Pass<'_>, x: &Tensor| pass.apply("gelu", Pointwise::gelu(), &[x]);
        let grown = Pad::images([0, self.padding], [0, self.padding]);
        let x = self.fc0.forward(pass, x)?;
        let mut x = pass.apply("padding", grown, &[&x])?;
        for (i, (spectral, conv)) in self.layers.iter().enumerate() {
            if i > 0 {
                x = gelu(pass, &x)?;
            }
            let (a, b) = (spectral.forward(pass, &x)?, conv.forward(pass, &x)?);
            x = pass.apply("sum", Binary::add(), &[&a, &b])?;
        }
        let x = pass.apply("padding", Pad::images([0, -self.padding], [0, -self.padding]), &[&x])?;
        let x = self.fc1.forward(pass, &x)?;
        let x = gelu(pass, &x)?;
        self.fc2.forward(pass, &x)
    }
}

//! Spectral convolution.

use kernels::ops::spectral::spectral_conv2d::SpectralConv2d;

use super::layout::Layout;
use super::record::apply;
use super::{Row, row};

pub(super) const ROWS: &[Row] = &[row("spectral_conv2d", |c| {
    let weights = ["w1_re", "w1_im", "w2_re", "w2_im"].map(|n| (n, Layout::Plain));
    let inputs: Vec<_> = [("x", Layout::ChannelsLast)].into_iter().chain(weights).collect();
    apply(c, &inputs, Layout::ChannelsLast, SpectralConv2d)
})];

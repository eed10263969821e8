//! Convolutions.

use kernels::ops::conv::conv::Conv;
use kernels::ops::conv::conv_transpose::ConvTranspose;

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row};

pub(super) const ROWS: &[Row] =
    &[row("conv2d", conv2d), row("conv1d", conv1d), row("conv_transpose2d", conv_transpose2d)];

fn conv2d(case: &Case) -> anyhow::Result<Vec<Got>> {
    conv(
        case,
        Conv {
            stride: case.pair("stride")?,
            padding: case.pair("padding")?.map(|p| [p, p]),
            dilation: case.pair("dilation")?,
            groups: case.whole("groups")?,
            bias: case.has("in.b"),
        },
    )
}

fn conv1d(case: &Case) -> anyhow::Result<Vec<Got>> {
    let (stride, dilation) = (case.whole("stride")?, case.whole("dilation")?);
    let kernel = case.shape("w")?.get(2).copied().unwrap_or(1);
    conv(
        case,
        Conv {
            stride: [1, stride],
            padding: [[0, 0], series_padding(case, kernel, stride, dilation)?],
            dilation: [1, dilation],
            groups: case.whole("groups")?,
            bias: case.has("in.b"),
        },
    )
}

/// Zeros before and behind a series: `pad`, which the file has worked out; without it what `padding` says.
pub(super) fn series_padding(case: &Case, kernel: usize, stride: usize, dilation: usize) -> anyhow::Result<[usize; 2]> {
    if !case.attr("pad").is_null() {
        return case.pair("pad");
    }
    if case.attr("padding") != "same" {
        return case.pair("padding");
    }
    // TensorFlow's: as many outputs as strides begun, the smaller half in front.
    let length = case.shape("x")?.last().copied().unwrap_or(0);
    let span = (length.div_ceil(stride).max(1) - 1) * stride + (kernel - 1) * dilation + 1;
    let all = span.saturating_sub(length);
    Ok([all / 2, all - all / 2])
}

fn conv(case: &Case, op: Conv) -> anyhow::Result<Vec<Got>> {
    let inputs = [("x", Layout::ChannelsLast), ("w", Layout::Weight), ("b", Layout::Plain)];
    apply(case, &inputs[..2 + usize::from(op.bias)], Layout::ChannelsLast, op)
}

/// The weight is a convolution's from y to x, and lies as one.
fn conv_transpose2d(case: &Case) -> anyhow::Result<Vec<Got>> {
    let op = ConvTranspose {
        stride: case.pair("stride")?,
        padding: case.pair("padding")?.map(|p| [p, p]),
        output_padding: case.pair("output_padding")?,
        dilation: case.pair("dilation")?,
        groups: case.whole("groups")?,
        bias: case.has("in.b"),
    };
    let inputs = [("x", Layout::ChannelsLast), ("w", Layout::Weight), ("b", Layout::Plain)];
    apply(case, &inputs[..2 + usize::from(op.bias)], Layout::ChannelsLast, op)
}

//! Pools.

use kernels::ops::pool::Window;
use kernels::ops::pool::adaptive_avg_pool::AdaptiveAvgPool;
use kernels::ops::pool::avg_pool::AvgPool;
use kernels::ops::pool::global_avg_pool::GlobalAvgPool;
use kernels::ops::pool::max_pool::MaxPool;

use super::conv::series_padding;
use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[
    row("max_pool1d", |c| last(c, MaxPool { window: series(c)? })),
    row("max_pool2d", |c| last(c, MaxPool { window: images(c)? })),
    row("avg_pool1d", |c| last(c, AvgPool { window: series(c)?, count_include_pad: counts_pad(c) })),
    row("avg_pool2d", |c| last(c, AvgPool { window: images(c)?, count_include_pad: counts_pad(c) })),
    row("adaptive_avg_pool1d", |c| last(c, AdaptiveAvgPool { size: [1, c.whole_first("output_size")?] })),
    row("adaptive_avg_pool2d", |c| last(c, AdaptiveAvgPool { size: c.pair("output_size")? })),
    row("global_avg_pool", |c| apply(c, &[("x", Layout::ChannelsLast)], Layout::Plain, GlobalAvgPool)),
];

fn last<O: kernels::Op>(case: &Case, op: O) -> anyhow::Result<Vec<Got>> {
    apply(case, &[("x", Layout::ChannelsLast)], Layout::ChannelsLast, op)
}

/// What the mean counts: PyTorch's default, except that `same` leaves the padding out.
fn counts_pad(case: &Case) -> bool {
    case.attr("count_include_pad").as_bool().unwrap_or(case.attr("padding") != "same")
}

fn stride(case: &Case, kernel: [usize; 2]) -> anyhow::Result<[usize; 2]> {
    if case.attr("stride").is_null() { Ok(kernel) } else { case.pair("stride") }
}

fn dilated(case: &Case) -> anyhow::Result<()> {
    match case.attr("dilation") {
        d if d.is_null() || case.wholes("dilation")?.iter().all(|&d| d == 1) => Ok(()),
        d => Err(unsupported(format!("a pool of dilation {d}"))),
    }
}

fn images(case: &Case) -> anyhow::Result<Window> {
    dilated(case)?;
    let kernel = case.pair("kernel")?;
    let padding = if case.attr("padding").is_null() { [0, 0] } else { case.pair("padding")? };
    Ok(Window::images(kernel, stride(case, kernel)?, padding).ceil(case.flag("ceil_mode")))
}

fn series(case: &Case) -> anyhow::Result<Window> {
    dilated(case)?;
    let kernel = case.whole_first("kernel")?;
    let [_, stride] = stride(case, [1, kernel])?;
    let padding = series_padding(case, kernel, stride, 1)?;
    Ok(Window::series(kernel, stride, padding).ceil(case.flag("ceil_mode")))
}

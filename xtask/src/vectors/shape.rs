//! Moving numbers.

use kernels::ops::resize::{upsample_bilinear::UpsampleBilinear, upsample_nearest::UpsampleNearest};
use kernels::ops::shape::{channel_shuffle::ChannelShuffle, concat::Concat, pad::Pad, pad_reflect::PadReflect};
use kernels::ops::shape::{permute::Permute, slice::Slice};

use super::layout::Layout;
use super::record::apply;
use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[
    row("concat", concat),
    row("slice", slice),
    row("permute", permute),
    row("pad", pad),
    row("channel_shuffle", |c| last(c, ChannelShuffle { groups: c.whole("groups")? })),
    row("upsample_bilinear2d", |c| {
        last(c, UpsampleBilinear { size: c.pair("size")?, align_corners: c.flag("align_corners") })
    }),
    row("upsample_nearest", upsample_nearest),
];

fn last<O: kernels::Op>(case: &Case, op: O) -> anyhow::Result<Vec<Got>> {
    apply(case, &[("x", Layout::ChannelsLast)], Layout::ChannelsLast, op)
}

fn concat(case: &Case) -> anyhow::Result<Vec<Got>> {
    let names = case.names("in.");
    let rank = case.shape(&names[0])?.len();
    let inputs: Vec<(&str, Layout)> = names.iter().map(|n| (n.as_str(), Layout::ChannelsLast)).collect();
    let dim = Layout::ChannelsLast.dim(rank, case.integer("dim")?)?;
    apply(case, &inputs, Layout::ChannelsLast, Concat { dim })
}

/// (start, stop, step) a dimension; counts from the end and beyond it as Python has them.
fn slice(case: &Case) -> anyhow::Result<Vec<Got>> {
    let shape = case.shape("x")?;
    let [start, stop, step] = ["start", "stop", "step"].map(|key| case.integers(key));
    let (start, stop, step) = (start?, stop?, step?);
    anyhow::ensure!(
        [&start, &stop, &step].iter().all(|l| l.len() == shape.len()),
        "not one start, stop and step for each dimension of {shape:?}"
    );
    let mut ranges = Vec::new();
    for d in Layout::ChannelsLast.order(shape.len()) {
        let size = shape[d] as i64;
        let place = |i: i64| (if i < 0 { i + size } else { i }).clamp(0, size) as usize;
        if step[d] < 1 {
            return Err(unsupported(format!("a slice with step {}", step[d])));
        }
        let from = place(start[d]);
        ranges.push((from, place(stop[d]).max(from), step[d] as usize));
    }
    last(case, Slice::new(&ranges))
}

/// The dimensions as they are: what moves is the op's to say.
fn permute(case: &Case) -> anyhow::Result<Vec<Got>> {
    let rank = case.shape("x")?.len() as i64;
    let dims: Vec<usize> =
        case.integers("dims")?.iter().map(|&d| (if d < 0 { d + rank } else { d }) as usize).collect();
    apply(case, &[("x", Layout::Plain)], Layout::Plain, Permute::new(&dims))
}

fn upsample_nearest(case: &Case) -> anyhow::Result<Vec<Got>> {
    match case.shape("x")?.len() {
        3 => last(case, UpsampleNearest::series(case.whole_first("size")?)),
        4 => last(case, UpsampleNearest::images(case.pair("size")?)),
        rank => Err(unsupported(format!("nearest of {rank} dimensions"))),
    }
}

/// `pad` begins with PyTorch's last dimension.
fn pad(case: &Case) -> anyhow::Result<Vec<Got>> {
    let (rank, pad) = (case.shape("x")?.len(), case.integers("pad")?);
    anyhow::ensure!(pad.len() % 2 == 0 && pad.len() <= 2 * rank, "pad {pad:?} of {rank} dimensions");
    let mut sides = vec![[0; 2]; rank];
    for (i, side) in pad.chunks_exact(2).enumerate() {
        sides[Layout::ChannelsLast.dim(rank, (rank - 1 - i) as i64)?] = [side[0] as isize, side[1] as isize];
    }
    match case.attr("mode").as_str().unwrap_or("zeros") {
        "zeros" => last(case, Pad::new(&sides)),
        "reflect" if sides.iter().flatten().all(|&n| n >= 0) => {
            let sides: Vec<[usize; 2]> = sides.iter().map(|s| s.map(isize::unsigned_abs)).collect();
            last(case, PadReflect::new(&sides))
        }
        other => Err(unsupported(format!("mode {other} with pad {pad:?}"))),
    }
}

//! `perf --scale`: how a training step's time grows with batch, width and length, and what an op costs by itself.

use std::time::Instant;

use kernels::ops::activation::Pointwise;
use kernels::ops::elementwise::binary::Binary;
use nas::wrn::{Point, Series, SeriesSpec, Width};
use nn::{Loss, OpError, Tape};
use serde::Serialize;

use super::workloads::{Step, Target, normal, train};
use super::{WARM_UP, middle, milliseconds};
use crate::{Ended, ui};

/// Ops of a chain that is timed for its overhead.
const CHAIN: usize = 1000;

/// One size of one row.
#[derive(Debug, Serialize)]
struct Grown {
    grows: &'static str,
    size: usize,
    median_s: f64,
    /// Time for each unit of work, beside that of the largest size: 1 is linear.
    relative: f64,
}

/// What one op on 16 numbers costs.
#[derive(Debug, Serialize)]
struct Overhead {
    overhead: &'static str,
    forward_us: f64,
    backward_us: f64,
}

/// A row: what grows, through which sizes, the work of a size, and the step.
type Row = (&'static str, &'static [usize], fn(usize) -> usize, fn(usize) -> Result<Step, OpError>);

const ROWS: [Row; 3] = [
    (
        "batch of wrn-10-1, 16x16",
        &[1, 2, 4, 8, 16, 32, 64],
        |n| n,
        |n| {
            train([n, 16, 16, 3], Loss::CrossEntropy, 0.1, Target::Classes(10), |at| {
                Box::new(Point::new(at, Width { depth: 10, widen: 1 }, 3, 10, 0.0))
            })
        },
    ),
    // The first convolution of each group takes 16 channels or the group's before: nearly the square of the width.
    (
        "widening of wrn-10, 16x16, 8 images",
        &[1, 2, 4, 8],
        |k| k * k,
        |k| {
            train([8, 16, 16, 3], Loss::CrossEntropy, 0.1, Target::Classes(10), |at| {
                Box::new(Point::new(at, Width { depth: 10, widen: k }, 3, 10, 0.0))
            })
        },
    ),
    (
        "length of resnet-1d of 16, 4 series",
        &[125, 250, 500, 1000, 2000, 4000],
        |n| n,
        |n| {
            train([4, n, 1], Loss::CrossEntropy, 0.1, Target::Classes(4), |at| {
                Box::new(Series::new(at, SeriesSpec { width: 16, ..SeriesSpec::new(1, 4, 0.0) }))
            })
        },
    ),
];

/// Runs the command.
///
/// # Errors
/// What an op refuses.
pub fn run(reps: usize, json: bool) -> anyhow::Result<Ended> {
    for (grows, sizes, work, make) in ROWS {
        let mut times = Vec::new();
        for &size in sizes {
            kernels::memory::trim();
            times.push(median(make(size)?, reps)?);
        }
        let unit = |i: usize| times[i] / work(sizes[i]) as f64;
        let last = sizes.len() - 1;
        let points: Vec<Grown> = (0..=last)
            .map(|i| Grown { grows, size: sizes[i], median_s: times[i], relative: unit(i) / unit(last) })
            .collect();
        if json {
            points.iter().try_for_each(|p| serde_json::to_string(p).map(|l| ui::line(&l)))?;
            continue;
        }
        let rows: Vec<Vec<String>> = points
            .iter()
            .map(|p| vec![p.size.to_string(), milliseconds(p.median_s), format!("{:.2}", p.relative)])
            .collect();
        ui::line(&format!("{}\n", ui::table(&[grows, "step", "time / work"], &[true; 3], &rows)));
    }
    for o in [overhead("relu", reps, false)?, overhead("add", reps, true)?] {
        if json {
            ui::line(&serde_json::to_string(&o)?);
        } else {
            let Overhead { overhead, forward_us, backward_us } = o;
            ui::line(&format!("{overhead} of 16 numbers: {forward_us:.2} us forward, {backward_us:.2} us backward"));
        }
    }
    Ok(Ended::Well)
}

fn median(mut step: Step, reps: usize) -> Result<f64, OpError> {
    for _ in 0..WARM_UP {
        step()?;
    }
    let mut times = Vec::with_capacity(reps);
    for _ in 0..reps {
        let begun = Instant::now();
        step()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(middle(&mut times).0)
}

/// A long chain of ops on 16 numbers, recorded and taken back: what an op costs besides its arithmetic.
fn overhead(name: &'static str, reps: usize, two: bool) -> Result<Overhead, OpError> {
    let (x, mut tape) = (normal([16], 0), Tape::new());
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for _ in 0..reps + WARM_UP {
        tape.clear();
        let first = tape.leaf(x.clone());
        let begun = Instant::now();
        let mut y = first.clone();
        for _ in 0..CHAIN {
            y = if two { tape.apply(Binary::add(), &[&y, &first])? } else { tape.apply(Pointwise::relu(), &[&y])? };
        }
        forward.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        tape.backward_from(&y, x.clone())?;
        backward.push(begun.elapsed().as_secs_f64());
    }
    let each = |times: &mut [f64]| middle(times).0 / CHAIN as f64 * 1e6;
    Ok(Overhead {
        overhead: name,
        forward_us: each(&mut forward[WARM_UP..]),
        backward_us: each(&mut backward[WARM_UP..]),
    })
}

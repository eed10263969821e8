//! How fast items are read beside how fast the WRN trains on them: each task's stand-in, augmented and transformed as in
//! training, at the protocol's width.

use std::time::Instant;

use anyhow::Context;
use kernels::pool;
use kernels::rng::{Key, Purpose};
use nas::method::Problem;
use nas::profile::Profile;
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::Loss;
use serde::Serialize;
use tasks::{Dataset, Kind, Silent, Sizes, Task};

use super::middle;
use super::workloads::{Target, train};
use crate::ui;

/// What the name of a row begins with.
pub const PREFIX: &str = "load_";
/// Training steps that are timed, after one to warm up.
const STEPS: usize = 2;
/// How many times faster reading should be.
const WANTED: f64 = 10.0;

/// One task.
#[derive(Debug, Serialize)]
struct Loaded {
    workload: String,
    /// Items of a batch.
    batch: usize,
    threads: usize,
    /// Median seconds to read a batch.
    median_s: f64,
    read_items_per_s: f64,
    train_items_per_s: f64,
    ratio: f64,
}

/// The row of a task.
pub fn name(task: &dyn Task) -> String {
    format!("{PREFIX}{}", task.facts().name)
}

/// Times the tasks and prints a table, or a JSON object a line.
///
/// # Errors
/// If stand-ins cannot be made.
pub fn run(tasks: &[&'static dyn Task], reps: usize, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for task in tasks {
        let name = name(*task);
        let m = one(*task, reps).with_context(|| name.clone())?;
        if json {
            ui::line(&serde_json::to_string(&m)?);
            continue;
        }
        let whole = |v: f64| ui::grouped((v + 0.5) as usize);
        let verdict = if m.ratio >= WANTED { String::new() } else { format!("below {WANTED}") };
        let ratio = format!("{:.1}", m.ratio);
        rows.push(vec![name, whole(m.read_items_per_s), whole(m.train_items_per_s), ratio, verdict]);
    }
    if !json {
        let head = ["loading", "items/s read", "items/s trained", "ratio", ""];
        ui::line(&format!("\n{}", ui::table(&head, &[false, true, true, true, false], &rows)));
    }
    Ok(())
}

fn one(task: &'static dyn Task, reps: usize) -> anyhow::Result<Loaded> {
    let (facts, scratch) = (task.facts(), tempfile::tempdir()?);
    let values = Profile::Paper.values(facts.name, "wrn");
    // Enough for a batch; of large inputs a smaller one, for the step's sake: rates hardly depend on it.
    let numbers: usize = facts.input.iter().product();
    let batch = values.batch.min((1 << 19) / numbers).max(1);
    let n = if facts.kind == Kind::Dense2d { 8 } else { 2 * batch };
    task.generate(Sizes { train: n, val: 4, test: 2 }, 0, scratch.path(), &Silent)?;
    let data = Dataset::open(scratch.path(), task)?;
    let fit = data.fit();
    let all: Vec<u32> = (0..fit.len() as u32).collect();
    let problem = Problem::new(&data, &fit, &all);
    let items = &all[..batch.min(all.len())];
    let (mut reads, mut shape) = (Vec::new(), Vec::new());
    for epoch in 0..reps as u64 + 2 {
        let begun = Instant::now();
        let (x, _) = fit.training_batch(items, Key::new(0, Purpose::Augment).at(epoch, 0));
        let x = problem.read(&x);
        reads.push(begun.elapsed().as_secs_f64());
        shape = x.shape()[..].to_vec();
    }
    let (median_s, _) = middle(&mut reads[2..]);

    let (channels, outputs) = (problem.form().channels(), problem.outputs);
    let dense = facts.kind == Kind::Dense2d;
    let (loss, target) =
        if dense { (Loss::Mse, Target::Pixels) } else { (Loss::CrossEntropy, Target::Classes(outputs as u64)) };
    let mut step = train(&shape[..], loss, 1e-3, target, |at| match facts.kind {
        Kind::Point2d => Box::new(Point::new(at, Width::WRN_16_4, channels, outputs, 0.0)),
        Kind::Dense2d => Box::new(Dense::new(at, Width::WRN_16_4, channels, 1, 0.0)),
        Kind::Series => Box::new(Series::new(at, SeriesSpec::new(channels, outputs, 0.0))),
    })?;
    step()?;
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        let begun = Instant::now();
        step()?;
        steps.push(begun.elapsed().as_secs_f64());
    }
    let (step_s, _) = middle(&mut steps);
    let (read, trained) = (items.len() as f64 / median_s, items.len() as f64 / step_s);
    Ok(Loaded {
        workload: name(task),
        batch: items.len(),
        threads: pool::threads(),
        median_s,
        read_items_per_s: read,
        train_items_per_s: trained,
        ratio: read / trained,
    })
}

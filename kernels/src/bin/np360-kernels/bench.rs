//! `bench`: how fast an op is, beside what the machine can do.

use std::time::Instant;

use kernels::check::Case;
use kernels::op::Backward;
use kernels::ops::Row;
use kernels::{Shape, Tensor, memory, pool, simd};

use super::line;
use super::peak::{self, Peak};

/// Cases that are taken from an op without timed ones: its largest.
const LARGEST: usize = 2;

/// A table of times: every timed case of every op, forward and backward.
pub fn run(rows: &[&Row], reps: usize) {
    let peak = peak::measure();
    line(format!(
        "{}, {} threads: {:.0} GFLOP/s of fused multiply-adds, {:.1} GB/s copied (read + written); \
         medians of {reps}, then the best",
        simd::level(),
        pool::threads(),
        peak.flops / 1e9,
        peak.bytes / 1e9
    ));
    let head = ["median", "best", "GFLOP/s", "of peak", "MB", "of copy"];
    line(format!("{:58} {}", "case", head.map(|h| format!("{h:>9}")).join(" ")));
    for row in rows {
        let mut cases = (row.cases)();
        if cases.iter().any(|c| c.speed_only) {
            cases.retain(|c| c.speed_only);
        } else {
            let numbers = |c: &Case| c.inputs.iter().map(|i| i.shape.len()).sum::<usize>();
            cases.sort_by_key(|c| std::cmp::Reverse(numbers(c)));
            cases.truncate(LARGEST);
        }
        for case in &cases {
            time(row.path, case, reps, peak);
            memory::trim();
        }
    }
}

/// What a direction reads and writes, in numbers.
fn numbers(tensors: &[Option<Tensor>]) -> usize {
    tensors.iter().flatten().map(Tensor::len).sum()
}

fn time(path: &str, case: &Case, reps: usize, peak: Peak) {
    let op = case.op.as_op();
    let inputs: Vec<Tensor> = case.inputs.iter().enumerate().map(|(i, x)| x.tensor(i as u64)).collect();
    let shapes: Vec<Shape> = inputs.iter().map(Tensor::shape).collect();
    let Ok(inferred) = op.infer(&shapes) else {
        return line(format!("{path}/{}: refused", case.name));
    };
    let mut outputs: Vec<Tensor> = inferred.all().iter().map(|&s| Tensor::zeros(s)).collect();
    let refs: Vec<&Tensor> = inputs.iter().collect();
    let flops = op.flops(&shapes).map(|f| f as f64);
    let forward = times(reps, || op.forward(&refs, &mut outputs));
    let moved: usize = inputs.iter().chain(&outputs).map(Tensor::len).sum();
    report(&format!("{path}/{} forward", case.name), &forward, flops, moved, peak);

    let keep = |mask: u32, all: &[Tensor]| -> Vec<Option<Tensor>> {
        all.iter().enumerate().map(|(i, t)| (mask >> i & 1 == 1).then(|| t.clone())).collect()
    };
    let (x, y) = (keep(op.saves().inputs, &inputs), keep(op.saves().outputs, &outputs));
    let dy: Vec<Option<Tensor>> =
        inferred.all()[..inferred.visible()].iter().map(|&s| Some(Tensor::full(s, 0.5))).collect();
    let wants: Vec<bool> = case.inputs.iter().map(|i| i.differentiate).collect();
    if !wants.contains(&true) {
        return;
    }
    let mut dx: Vec<Option<Tensor>> = vec![None; inputs.len()];
    let b = Backward { shapes: &shapes, inputs: &x, outputs: &y, dy: &dy, wants: &wants };
    let backward = times(reps, || {
        dx.fill(None);
        op.backward(&b, &mut dx);
    });
    // A product's gradients are two more products of its size.
    let flops = flops.map(|f| f * wants.iter().take(2).filter(|w| **w).count() as f64);
    let moved = numbers(&x) + numbers(&y) + numbers(&dy) + numbers(&dx);
    report(&format!("{path}/{} backward", case.name), &backward, flops, moved, peak);
}

/// Sorted seconds of `reps` calls, after two to warm up.
fn times(reps: usize, mut f: impl FnMut()) -> Vec<f64> {
    f();
    f();
    let mut all: Vec<f64> = (0..reps)
        .map(|_| {
            let begun = Instant::now();
            f();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

fn report(name: &str, times: &[f64], flops: Option<f64>, numbers: usize, peak: Peak) {
    let (median, bytes) = (times[times.len() / 2], (4 * numbers) as f64);
    let per = |limit: f64, amount: f64| format!("{:.0} %", 100.0 * amount / median / limit);
    let cells = [
        duration(median),
        duration(times[0]),
        flops.map_or_else(String::new, |f| format!("{:.1}", f / median / 1e9)),
        flops.map_or_else(String::new, |f| per(peak.flops, f)),
        format!("{:.1}", bytes / 1e6),
        per(peak.bytes, bytes),
    ];
    line(format!("{name:58} {}", cells.map(|c| format!("{c:>9}")).join(" ")));
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

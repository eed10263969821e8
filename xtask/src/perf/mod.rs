//! `perf`: times the standard workloads, loading beside training, and how time grows with size.

pub mod alloc;
mod controller;
mod load;
mod scale;
mod workloads;

use std::time::Instant;

use anyhow::Context;
use kernels::device::Choice;
use kernels::{memory, pool};
use serde::Serialize;

use crate::cli::PerfArgs;
use crate::{Ended, Usage, ui};
use workloads::{ALL, Step, Workload};

/// Steps before the clock runs.
const WARM_UP: usize = 2;

/// One line of the result.
#[derive(Debug, Serialize)]
struct Measured {
    workload: &'static str,
    median_s: f64,
    min_s: f64,
    threads: usize,
    flop: Option<u64>,
    /// How often the timed steps, all together, asked the system for memory.
    allocations: usize,
    /// Most memory in use, over what was in use when the process began.
    peak_bytes: usize,
}

/// Runs the command.
///
/// # Errors
/// A workload that there is not, or one that fails.
pub fn run(args: &PerfArgs) -> anyhow::Result<Ended> {
    if args.device != Choice::Cpu {
        return Err(Usage(format!("--device {} is not built yet; choose cpu", args.device)).into());
    }
    if let Some(threads) = args.threads {
        pool::set_threads(usize::from(threads));
    }
    let before = alloc::live();
    if args.scale {
        return scale::run(usize::from(args.reps), args.json);
    }
    let (loads, names): (Vec<&String>, Vec<&String>) = args.only.iter().partition(|n| n.starts_with(load::PREFIX));
    let loaded = loaded(&loads, args.only.is_empty())?;
    let mut rows = Vec::new();
    let workloads = if names.is_empty() && !loads.is_empty() { Vec::new() } else { chosen(&names)? };
    for w in workloads {
        memory::trim();
        alloc::reset_peak();
        let step = (w.make)().with_context(|| w.name)?;
        let m = measure(w, step, usize::from(args.reps), before).with_context(|| w.name)?;
        if args.json {
            ui::line(&serde_json::to_string(&m)?);
        } else {
            rows.push(cells(&m));
        }
    }
    if !args.json && !rows.is_empty() {
        let head = ["workload", "median", "best", "GFLOP/s", "allocations", "peak MB"];
        ui::line(&ui::table(&head, &[false, true, true, true, true, true], &rows));
    }
    if !loaded.is_empty() {
        load::run(&loaded, usize::from(args.reps), args.json)?;
    }
    if !args.json {
        ui::line(&format!("{}, {} threads", kernels::simd::level(), pool::threads()));
    }
    Ok(Ended::Well)
}

/// The tasks whose loading is asked for: all where nothing is named.
fn loaded(names: &[&String], all: bool) -> Result<Vec<&'static dyn tasks::Task>, Usage> {
    if all {
        return Ok(tasks::all().to_vec());
    }
    let find =
        |name: &&String| {
            tasks::all().iter().copied().find(|t| load::name(*t) == **name).ok_or_else(|| {
                Usage(format!("there is no workload '{name}'; loading is timed as {}TASK", load::PREFIX))
            })
        };
    names.iter().map(find).collect()
}

/// The workloads of these names; all without names.
fn chosen(only: &[&String]) -> anyhow::Result<Vec<&'static Workload>> {
    if only.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &&String| {
        ALL.iter().find(|w| w.name == name.as_str()).ok_or_else(|| {
            let all: Vec<&str> = ALL.iter().map(|w| w.name).collect();
            Usage(format!("there is no workload '{name}'; there are {}", all.join(", "))).into()
        })
    };
    only.iter().map(find).collect()
}

fn measure(w: &Workload, mut step: Step, reps: usize, before: usize) -> anyhow::Result<Measured> {
    for _ in 0..WARM_UP {
        step()?;
    }
    let mut times = Vec::with_capacity(reps);
    let calls = alloc::calls();
    for _ in 0..reps {
        let begun = Instant::now();
        step()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    let allocations = alloc::calls() - calls;
    let (median_s, min_s) = middle(&mut times);
    Ok(Measured {
        workload: w.name,
        median_s,
        min_s,
        threads: pool::threads(),
        flop: w.flop,
        allocations,
        peak_bytes: alloc::peak().saturating_sub(before),
    })
}

/// (median, smallest), the median of an even number being the mean of the two in the middle.
fn middle(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let n = times.len();
    ((times[(n - 1) / 2] + times[n / 2]) / 2.0, times[0])
}

fn cells(m: &Measured) -> Vec<String> {
    let rate = m.flop.map_or_else(String::new, |f| format!("{:.1}", f as f64 / m.median_s / 1e9));
    vec![
        m.workload.to_owned(),
        milliseconds(m.median_s),
        milliseconds(m.min_s),
        rate,
        m.allocations.to_string(),
        format!("{:.0}", m.peak_bytes as f64 / 1e6),
    ]
}

fn milliseconds(s: f64) -> String {
    format!("{:.2} ms", s * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(middle(&mut [3.0, 1.0, 2.0]), (2.0, 1.0));
        assert_eq!(middle(&mut [4.0, 1.0, 2.0, 3.0]), (2.5, 1.0));
    }

    #[test]
    fn names_are_refused_that_are_none() {
        let chosen_one = |s: &str| chosen(&[&s.to_owned()]);
        assert_eq!(chosen_one("gemm_1024").unwrap()[0].name, "gemm_1024");
        assert!(chosen_one("gemm_2048").is_err_and(|e| e.is::<Usage>() && e.to_string().contains("gemm_1024, ")));
        assert_eq!(chosen(&[]).unwrap().len(), 15);
        assert_eq!(loaded(&[], true).unwrap().len(), 10);
        assert_eq!(loaded(&[&"load_ecg".to_owned()], false).unwrap()[0].facts().name, "ecg");
        assert!(loaded(&[&"load_eeg".to_owned()], false).is_err_and(|e| e.0.contains("load_TASK")));
    }

    #[test]
    fn a_line_has_the_peers_keys() {
        let w = &ALL[7];
        let m = measure(w, (w.make)().unwrap(), 1, 0).unwrap();
        let line = serde_json::to_string(&m).unwrap();
        for key in ["workload", "median_s", "min_s", "threads", "flop", "allocations", "peak_bytes"] {
            assert!(line.contains(&format!("\"{key}\":")), "{line}");
        }
        assert!(line.starts_with("{\"workload\":\"dwconv3x3_4_32px\""), "{line}");
    }
}

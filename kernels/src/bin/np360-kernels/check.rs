//! `check`: every case of an op's table, asked all its questions.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use kernels::Device;
use kernels::check::{self, Case, THREADS};
use kernels::cuda::{driver, emu, nvrtc};
use kernels::ops::Row;
use kernels::simd::Level;

use super::line;

/// A line an op, then what failed; whether nothing did.
pub fn run(rows: &[&Row], device: Device) -> bool {
    let levels: Vec<&str> = Level::ALL.into_iter().filter(|l| l.available()).map(Level::name).collect();
    let ways = match driver::opened() {
        None => format!("{} levels x {} threads", levels.len(), THREADS.len()),
        Some(_) if emu::installed() => "2 orders of a block's threads".to_owned(),
        Some(_) => "1 card".to_owned(),
    };
    line(match driver::opened() {
        None => format!("levels {}; threads {}", levels.join(" "), THREADS.map(|n| n.to_string()).join(" ")),
        Some(card) => format!("{device}: {}, sm_{}; {}", card.name, card.capability, syntax()),
    });
    let width = rows.iter().map(|r| r.path.len()).max().unwrap_or(0);
    let (begun, mut all, mut wrong) = (Instant::now(), 0, 0);
    for row in rows {
        let begun = Instant::now();
        let cases: Vec<_> = (row.cases)().into_iter().filter(|c| !c.speed_only).collect();
        let gradients = cases.iter().filter(|c| !c.bits_only && device == Device::Cpu).count();
        let failed: Vec<String> =
            cases.iter().filter_map(|c| Some(format!("{}/{}:\n{}", row.path, c.name, failure(c, device)?))).collect();
        let verdict = if failed.is_empty() { "ok".to_owned() } else { format!("{} FAILED", failed.len()) };
        line(format!(
            "{:width$}  {:>3} cases x {ways}  {gradients:>3} gradients  {:>6.2} s  {verdict}",
            row.path,
            cases.len(),
            begun.elapsed().as_secs_f64()
        ));
        failed.iter().for_each(|f| line(f.trim_end()));
        all += cases.len();
        wrong += failed.len();
    }
    line(format!("checked in {:.1} s", begun.elapsed().as_secs_f64()));
    line(format!("{} passed, {wrong} failed", all - wrong));
    wrong == 0
}

/// What a case answers wrongly. A refusal, a panic or a failed card is that case's failure.
fn failure(case: &Case, device: Device) -> Option<String> {
    let asked = catch_unwind(AssertUnwindSafe(|| match device {
        Device::Cpu => check::case(case),
        card => check::case_on(case, card),
    }));
    match asked {
        Ok(answer) => answer.err(),
        Err(payload) => Some(match driver::caught(payload) {
            Ok(e) => e.to_string(),
            Err(_) => "it panics: see above".to_owned(),
        }),
    }
}

/// Who has read the kernels' text.
fn syntax() -> String {
    match nvrtc::version() {
        Ok((major, minor)) => format!("kernels compiled by NVRTC {major}.{minor}"),
        Err(_) => "no NVRTC: the host's compiler alone has read the kernels, CUDA's syntax is not checked".to_owned(),
    }
}

/// The support table of the documentation, in Markdown.
pub fn table(rows: &[&Row]) -> String {
    let mut text = "\
# Operations

Written by `cargo xtask kernels check --table`. Each case is compared bit for bit with its reference, forward and
backward, at every SIMD level and at 1, 2, 3 and 7 threads, and by its CUDA kernels on the emulated card with the threads
of a block in both orders (`--device emu`); *gradients* are the cases whose reference is also compared with central
differences, and whose f32 gradient with the f64 one; *timed* are the sizes of `kernels bench`. On a real card
(`--device cuda`) the same command asks the same questions; that has not been done yet.

| op | cases | gradients | timed | cpu | cuda |
|---|---|---|---|---|---|
"
    .to_owned();
    for row in rows {
        let cases = (row.cases)();
        let asked = cases.iter().filter(|c| !c.speed_only);
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | yes | yes |",
            row.path,
            asked.clone().count(),
            asked.filter(|c| !c.bits_only).count(),
            cases.iter().filter(|c| c.speed_only).count()
        );
    }
    text.trim_end().to_owned()
}

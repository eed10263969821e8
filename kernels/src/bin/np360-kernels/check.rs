//! `check`: every case of an op's table, asked all its questions.

use std::fmt::Write as _;
use std::time::Instant;

use kernels::check::{self, THREADS};
use kernels::ops::Row;
use kernels::simd::Level;

use super::line;

/// A line an op, then what failed; whether nothing did.
pub fn run(rows: &[&Row]) -> bool {
    let levels: Vec<&str> = Level::ALL.into_iter().filter(|l| l.available()).map(Level::name).collect();
    line(format!("levels {}; threads {}", levels.join(" "), THREADS.map(|n| n.to_string()).join(" ")));
    let width = rows.iter().map(|r| r.path.len()).max().unwrap_or(0);
    let (begun, mut all, mut wrong) = (Instant::now(), 0, 0);
    for row in rows {
        let begun = Instant::now();
        let cases: Vec<_> = (row.cases)().into_iter().filter(|c| !c.speed_only).collect();
        let gradients = cases.iter().filter(|c| !c.bits_only).count();
        let failed: Vec<String> = cases
            .iter()
            .filter_map(|c| {
                // A refusal or a panic of one case is that case's failure.
                let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check::case(c)));
                let what = asked.unwrap_or_else(|_| Err("it panics: see above\n".to_owned())).err()?;
                Some(format!("{}/{}:\n{what}", row.path, c.name))
            })
            .collect();
        let verdict = if failed.is_empty() { "ok".to_owned() } else { format!("{} FAILED", failed.len()) };
        line(format!(
            "{:width$}  {:>3} cases x {} levels x {} threads  {:>3} gradients  {:>6.2} s  {verdict}",
            row.path,
            cases.len(),
            levels.len(),
            THREADS.len(),
            gradients,
            begun.elapsed().as_secs_f64()
        ));
        failed.iter().for_each(|f| line(f.trim_end()));
        all += cases.len();
        wrong += failed.len();
    }
    line(format!("{} passed, {wrong} failed in {:.1} s", all - wrong, begun.elapsed().as_secs_f64()));
    wrong == 0
}

/// The support table of the documentation, in Markdown.
pub fn table(rows: &[&Row]) -> String {
    let mut text = "\
# Operations

Written by `cargo xtask kernels check --table`. Each case is compared bit for bit with its reference, forward and
backward, at every SIMD level and at 1, 2, 3 and 7 threads; *gradients* are the cases whose reference is also compared
with central differences, and whose f32 gradient with the f64 one; *timed* are the sizes of `kernels bench`.

| op | cases | gradients | timed | cpu | cuda |
|---|---|---|---|---|---|
"
    .to_owned();
    for row in rows {
        let cases = (row.cases)();
        let asked = cases.iter().filter(|c| !c.speed_only);
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | yes | not yet |",
            row.path,
            asked.clone().count(),
            asked.filter(|c| !c.bits_only).count(),
            cases.iter().filter(|c| c.speed_only).count()
        );
    }
    text.trim_end().to_owned()
}

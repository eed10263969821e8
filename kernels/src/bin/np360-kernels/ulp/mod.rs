//! `ulp`: every input of every f32 function of `kernels::math::single`, at every SIMD level, against an independent truth.
//!
//! Functions of one number are asked all 2^32 inputs, those of two 10^9 pairs that a counter numbers. The truth is std's
//! f64 function of the widened argument (erf, erfc: the C library's; sigmoid: its formula with std's exp): its own error
//! is some 2^-29 of what is measured.

mod functions;
mod progress;
mod state;
mod sweep;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kernels::simd::Level;

use self::functions::{Inputs, Row, TABLE};
use self::progress::Progress;
use self::state::State;
use self::sweep::{Sweep, Tally};
use super::{Refusal, USAGE, line};

/// What follows the command.
#[derive(Debug)]
struct Options {
    functions: Vec<String>,
    stride: u64,
    state: PathBuf,
    fresh: bool,
}

fn options(words: &[String]) -> Result<Options, Refusal> {
    let state = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/ulp");
    let mut o = Options { functions: Vec::new(), stride: 1, state, fresh: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Refusal::usage(format!("{word} wants a value\n{USAGE}")));
        let number = |v: &String, most: u64| {
            let n = v.parse().ok().filter(|n| (1..=most).contains(n));
            n.ok_or_else(|| Refusal::usage(format!("{word} {v}: give 1 to {most}")))
        };
        match word.as_str() {
            "--stride" => o.stride = number(value()?, 1 << 24)?,
            "--threads" => {
                kernels::pool::set_threads(number(value()?, kernels::pool::MAX_THREADS as u64)? as usize);
            }
            "--state" => o.state = PathBuf::from(value()?),
            "--fresh" => o.fresh = true,
            _ if word.starts_with('-') => return Err(Refusal::usage(format!("'{word}'?\n{USAGE}"))),
            _ => o.functions.push(word.clone()),
        }
    }
    Ok(o)
}

/// The functions of these names; all without one.
fn rows(names: &[String]) -> Result<Vec<&'static Row>, Refusal> {
    let find = |name: &String| {
        TABLE.iter().find(|r| r.name == name).ok_or_else(|| {
            let all: Vec<&str> = TABLE.iter().map(|r| r.name).collect();
            Refusal::usage(format!("no function '{name}'; there are {}", all.join(", ")))
        })
    };
    if names.is_empty() { Ok(TABLE.iter().collect()) } else { names.iter().map(find).collect() }
}

/// Runs the command; whether every function keeps its promises.
pub fn run(words: &[String]) -> Result<bool, Refusal> {
    let o = options(words)?;
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|&l| l > Level::Soft && l.available()).collect();
    let rows = rows(&o.functions)?;
    line(head());
    let mut all_well = true;
    for row in rows {
        let sweep = Sweep { row, stride: o.stride, levels: &levels };
        let state = State::new(&o.state, &sweep);
        if o.fresh {
            state.forget()?;
        }
        let tally = finish(&sweep, &state)?;
        line(report(&sweep, &tally));
        all_well &= well(row, &tally);
    }
    Ok(all_well)
}

/// Goes on with a sweep to its end, keeping what was found about every second.
fn finish(sweep: &Sweep<'_>, state: &State) -> Result<Tally, Refusal> {
    let mut tally = state.load()?;
    let mut progress = Progress::new(sweep.row.name, tally.done, sweep.len());
    let (mut saved, mut fault) = (Instant::now(), None);
    sweep.run(&mut tally, |t| {
        progress.show(t.done);
        if saved.elapsed() >= Duration::from_secs(1) || t.done == sweep.len() {
            saved = Instant::now();
            fault = state.save(t).err();
        }
        fault.is_none()
    });
    progress.clear();
    fault.map_or(Ok(tally), Err)
}

/// Whether a function keeps its promises: the same bits at every level, an error within bounds.
fn well(row: &Row, tally: &Tally) -> bool {
    tally.differing == 0 && tally.ulp <= row.bound
}

fn head() -> String {
    format!(
        "{:8} {:>10}  {:18} {:>11}  {:21} {:>10} {:>5}  {}",
        "function", "inputs", "levels", "max ulp", "at", "misrounded", "ties", "bits equal"
    )
}

/// A line of the table.
fn report(sweep: &Sweep<'_>, t: &Tally) -> String {
    let levels: Vec<&str> = sweep.levels.iter().map(|l| l.name()).collect();
    let at = |number| {
        let (x, y) = sweep.input(number);
        match sweep.row.inputs {
            Inputs::All => format!("{:#010x}", x.to_bits()),
            Inputs::Pairs => format!("{:#010x} {:#010x}", x.to_bits(), y.to_bits()),
        }
    };
    let equal =
        if t.differing == 0 { "yes".to_owned() } else { format!("NO: {}, first {}", t.differing, at(t.differs_at)) };
    let verdict = if t.ulp <= sweep.row.bound { "" } else { "  TOO FAR OFF" };
    format!(
        "{:8} {:>10}  {:18} {:>11.9}  {:21} {:>10} {:>5}  {equal}{verdict}",
        sweep.row.name,
        t.done,
        levels.join(" "),
        t.ulp,
        at(t.at),
        t.misrounded,
        t.ties
    )
}

#[cfg(test)]
mod tests;

//! What `cargo xtask kernels` runs: checks and timings of ops from their tables of cases, the CUDA compiler's report on
//! every kernel, the skeleton of a new op, and the sweep of the mathematical functions.
//! It is linked with the kernels alone, so that a changed kernel is compiled, linked and asked within seconds.

mod bench;
mod check;
mod compile;
mod law;
mod peak;
mod skeleton;
mod ulp;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use kernels::device::Choice;
use kernels::ops::{Row, TABLE};

/// Why nothing was done, and the exit code.
struct Refusal(u8, String);

impl Refusal {
    fn usage(what: impl Into<String>) -> Self {
        Self(2, what.into())
    }
}

const USAGE: &str = "\
Usage: np360-kernels check [OP] [--device cpu|cuda[:N]|emu] [--table]
       np360-kernels bench [OP] [--device cpu] [--threads N] [--reps N]
       np360-kernels compile [OP] [--arch sm_75,..] [--install]
       np360-kernels new FAMILY/OP
       np360-kernels ulp [FUNCTION..] [--stride N] [--threads N] [--state DIR] [--fresh]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(code) => code,
        Err(Refusal(code, what)) => {
            let _ = writeln!(std::io::stderr(), "error: {what}");
            ExitCode::from(code)
        }
    }
}

/// Prints a line; a reader that goes away ends the process.
fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// What follows the command.
#[derive(Debug, Default)]
struct Options {
    op: Option<String>,
    device: Choice,
    table: bool,
    threads: Option<usize>,
    reps: usize,
    archs: Vec<String>,
    install: bool,
    worker: bool,
}

fn options(words: &[String]) -> Result<Options, Refusal> {
    let mut o = Options { reps: 5, ..Options::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Refusal::usage(format!("{word} wants a value\n{USAGE}")));
        let number = |v: &String, most: usize| {
            let n = v.parse().ok().filter(|n| (1..=most).contains(n));
            n.ok_or_else(|| Refusal::usage(format!("{word} {v}: give 1 to {most}")))
        };
        match word.as_str() {
            "--device" => o.device = value()?.parse().map_err(Refusal::usage)?,
            "--table" => o.table = true,
            "--threads" => o.threads = Some(number(value()?, kernels::pool::MAX_THREADS)?),
            "--arch" => o.archs.extend(value()?.split(',').map(str::to_owned)),
            "--install" => o.install = true,
            "--worker" => o.worker = true,
            "--reps" => o.reps = number(value()?, 10_000)?,
            _ if word.starts_with('-') || o.op.is_some() => {
                return Err(Refusal::usage(format!("'{word}'?\n{USAGE}")));
            }
            _ => o.op = Some(word.trim_end_matches('/').to_owned()),
        }
    }
    Ok(o)
}

/// Whether `path` names an op: itself or its family; no path names all.
fn matches(op: &str, path: Option<&str>) -> bool {
    path.is_none_or(|p| op == p || op.strip_prefix(p).is_some_and(|rest| rest.starts_with('/')))
}

/// The ops that `path` names: one, or a family; all without a path.
fn rows(path: Option<&str>) -> Result<Vec<&'static Row>, Refusal> {
    let rows: Vec<&Row> = TABLE.iter().filter(|row| matches(row.path, path)).collect();
    if rows.is_empty() {
        let all: Vec<&str> = TABLE.iter().map(|r| r.path).collect();
        let path = path.unwrap_or_default();
        return Err(Refusal::usage(format!("no op or family '{path}'; there are {}", all.join(", "))));
    }
    Ok(rows)
}

fn run(words: &[String]) -> Result<ExitCode, Refusal> {
    let Some((command, rest)) = words.split_first() else { return Err(Refusal::usage(USAGE)) };
    kernels::simd::init().map_err(Refusal::usage)?;
    match (command.as_str(), rest) {
        ("check", _) => {
            let o = options(rest)?;
            let rows = rows(o.op.as_deref())?;
            if o.table {
                line(check::table(&rows));
                return Ok(ExitCode::SUCCESS);
            }
            let device = o.device.open().map_err(|e| Refusal(1, e))?;
            Ok(if check::run(&rows, device) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        ("bench", _) => {
            let o = options(rest)?;
            if o.device != Choice::Cpu {
                return Err(Refusal::usage(format!(
                    "bench times the processor's kernels; --device {} is not timed",
                    o.device
                )));
            }
            if let Some(n) = o.threads {
                kernels::pool::set_threads(n);
            }
            bench::run(&rows(o.op.as_deref())?, o.reps);
            Ok(ExitCode::SUCCESS)
        }
        ("compile", _) => compile::run(&options(rest)?),
        ("new", [path]) => {
            let ops = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
            for file in skeleton::write(&ops, path)? {
                line(format!("wrote kernels/src/ops/{file}"));
            }
            line(format!("next: docs/adding-an-op.md, then cargo xtask kernels check {path}"));
            Ok(ExitCode::SUCCESS)
        }
        ("ulp", _) => Ok(if ulp::run(rest)? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        _ => Err(Refusal::usage(USAGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(s: &str) -> Vec<String> {
        s.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_path_names_an_op_or_a_family() {
        let paths = |p| rows(Some(p)).ok().map(|r| r.iter().map(|r| r.path).collect::<Vec<_>>());
        assert_eq!(paths("conv/conv").unwrap(), ["conv/conv"]);
        assert!(paths("pool").unwrap().len() >= 4);
        assert_eq!(paths("softmax").unwrap(), ["softmax"]);
        assert!(paths("conv/con").is_none() && paths("po").is_none());
        assert!(rows(None).is_ok_and(|r| r.len() == TABLE.len()));
    }

    #[test]
    fn options_are_read_or_refused() {
        let o = options(&words("conv --device cpu --threads 2 --reps 9")).ok().unwrap();
        assert_eq!((o.op.as_deref(), o.threads, o.reps), (Some("conv"), Some(2), 9));
        for wrong in ["a b", "--nope", "--threads", "--threads 0", "--threads 65", "--device gpu"] {
            assert!(options(&words(wrong)).is_err_and(|e| e.0 == 2), "{wrong}");
        }
    }
}

//! The command line of NAS-Perf-360: parse, then one module a command.
//!
//! Exit codes: 0 done; 1 a run or a check failed; 2 wrong usage; 130 interrupted (the same command goes on).

pub mod arch;
pub mod bench;
pub mod cells;
pub mod cli;
pub mod data;
pub mod doctor;
pub mod dry_run;
pub mod engine;
pub mod estimate;
pub mod export;
pub mod fetch;
pub mod kernels;
pub mod live;
pub mod perf;
pub mod report;
pub mod reproduce;
pub mod sheet;
pub mod status;
pub mod table;
pub mod test;
pub mod ui;
pub mod vectors;

use clap::Parser;
use engine::Engine;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Wrong usage: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// How a command ended, when not by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything was done.
    Well,
    /// Something failed and was reported when it did.
    Failed,
    /// A program that it runs was used wrongly, and said so.
    Misused,
    /// The user interrupted it.
    Interrupted,
}

/// What the first panic said; the hook keeps it instead of printing it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs one command line and says how it ended. Errors are printed once, as one line, panics among them.
pub fn run(args: impl IntoIterator<Item = OsString>, engine: &dyn Engine) -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(format!("{what}{place}"));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
            usual(info);
        }
    }));
    let command = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli.command,
        Err(e) => {
            // Help and versions come this way too; a closed pipe is no news.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    match catch_unwind(AssertUnwindSafe(|| dispatch(command, engine))) {
        Ok(Ok(Ended::Well)) => ExitCode::SUCCESS,
        Ok(Ok(Ended::Failed)) => ExitCode::from(1),
        Ok(Ok(Ended::Misused)) => ExitCode::from(2),
        Ok(Ok(Ended::Interrupted)) => ExitCode::from(130),
        Ok(Err(e)) => {
            ui::error(&e);
            ExitCode::from(if e.is::<Usage>() { 2 } else { 1 })
        }
        Err(_) => {
            let what = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
            ui::error(&anyhow::anyhow!("a fault in the program: {what}; RUST_BACKTRACE=1 shows where it came from"));
            ExitCode::from(1)
        }
    }
}

fn dispatch(command: cli::Command, engine: &dyn Engine) -> anyhow::Result<Ended> {
    ::kernels::simd::init().map_err(Usage)?;
    match command {
        cli::Command::Bench(args) => bench::run(&args, engine),
        cli::Command::Status(args) => status::run(&args),
        cli::Command::Reproduce(args) => reproduce::run(&args, engine),
        cli::Command::Report(args) => report::run(&args),
        cli::Command::Arch(args) => arch::run(&args.command),
        cli::Command::Data(args) => data::run(&args.command),
        cli::Command::Vectors(args) => vectors::run(&args),
        cli::Command::Kernels(command) => kernels::run(&command),
        cli::Command::Perf(args) => perf::run(&args),
        cli::Command::Test => test::run(),
        cli::Command::Doctor(args) => doctor::run(&args.data),
    }
}

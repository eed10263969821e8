//! `cargo xtask`: see the library.

use std::io::Write;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let (code, why) = run(launch::program(&words));
    if let Some(why) = why {
        let _ = writeln!(std::io::stderr(), "error: cannot start cargo: {why}");
    }
    ExitCode::from(code)
}

/// Becomes the command: signals, exit code and process number are its own.
#[cfg(unix)]
fn run(mut command: Command) -> (u8, Option<std::io::Error>) {
    (1, Some(std::os::unix::process::CommandExt::exec(&mut command)))
}

/// Waits for it where a process cannot become another.
#[cfg(not(unix))]
fn run(mut command: Command) -> (u8, Option<std::io::Error>) {
    match command.status() {
        Ok(status) => (status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1), None),
        Err(e) => (1, Some(e)),
    }
}

//! `kernels`: hands the work to a small program of the kernels' own crate, which cargo builds first.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::Ended;
use crate::cli::KernelsCommand;

/// Runs the command.
///
/// # Errors
/// If cargo cannot be started.
pub fn run(command: &KernelsCommand) -> anyhow::Result<Ended> {
    let mut words: Vec<String> = Vec::new();
    match command {
        KernelsCommand::Check { op, device, table } => {
            words.extend(["check".to_owned(), "--device".to_owned(), device.to_string()]);
            words.extend(op.clone());
            words.extend(table.then(|| "--table".to_owned()));
        }
        KernelsCommand::Bench { op, device, threads, reps } => {
            words.extend(["bench".to_owned(), "--device".to_owned(), device.to_string()]);
            words.extend(op.clone());
            words.extend(threads.iter().flat_map(|n| ["--threads".to_owned(), n.to_string()]));
            words.extend(["--reps".to_owned(), reps.to_string()]);
        }
        KernelsCommand::New { path } => words.extend(["new".to_owned(), path.clone()]),
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    command.current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."));
    command.args(["run", "--quiet", "--release", "--package", "np360-kernels", "--bin", "np360-kernels", "--"]);
    crate::test::forget_package(command.args(&words));
    let status = command.status().with_context(|| format!("cannot start {}", cargo.display()))?;
    match status.code() {
        Some(0) => Ok(Ended::Well),
        Some(2) => Ok(Ended::Misused),
        _ => Ok(Ended::Failed),
    }
}

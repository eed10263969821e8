//! `kernels`: hands the work to a small program of the kernels' own crate, which cargo builds first.
//!
//! `cargo xtask` asks that program without coming here; this is for those who run this one directly.

use std::ffi::OsString;

use anyhow::Context;

use crate::Ended;
use crate::cli::KernelsCommand;

/// Runs the command.
///
/// # Errors
/// If cargo cannot be started.
pub fn run(command: &KernelsCommand) -> anyhow::Result<Ended> {
    let mut words: Vec<String> = vec!["kernels".to_owned()];
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
        KernelsCommand::Compile { op, arch, install } => {
            words.push("compile".to_owned());
            words.extend(op.clone());
            words.extend(arch.iter().flat_map(|a| ["--arch".to_owned(), a.clone()]));
            words.extend(install.then(|| "--install".to_owned()));
        }
        KernelsCommand::Ulp { functions, stride, threads, state, fresh } => {
            words.extend(["ulp".to_owned(), "--stride".to_owned(), stride.to_string()]);
            words.extend(functions.iter().cloned());
            words.extend(threads.iter().flat_map(|n| ["--threads".to_owned(), n.to_string()]));
            words.extend(state.iter().flat_map(|d| ["--state".to_owned(), d.clone()]));
            words.extend(fresh.then(|| "--fresh".to_owned()));
        }
        KernelsCommand::New { path } => words.extend(["new".to_owned(), path.clone()]),
    }
    let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    let status = launch::program(&words).status().context("cannot start cargo")?;
    match status.code() {
        Some(0) => Ok(Ended::Well),
        Some(2) => Ok(Ended::Misused),
        _ => Ok(Ended::Failed),
    }
}

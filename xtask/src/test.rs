//! `test`: everything CI needs, cheapest first, until something fails.

use crate::{Ended, ui};
use anyhow::Context;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// A check: its heading, cargo's arguments, an environment variable.
struct Check {
    name: &'static str,
    args: &'static [&'static str],
    env: Option<(&'static str, &'static str)>,
}

const CHECKS: [Check; 6] = [
    Check { name: "format", args: &["fmt", "--all", "--check"], env: None },
    Check {
        name: "lints",
        args: &["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: None,
    },
    Check {
        name: "documentation",
        args: &["doc", "--release", "--workspace", "--no-deps"],
        env: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
    Check { name: "tests", args: &["test", "--release", "--workspace"], env: None },
    Check {
        name: "kernels on the emulated card",
        args: &["run", "--release", "--package=np360-kernels", "--", "check", "--device", "emu"],
        env: None,
    },
    Check { name: COMPILE, args: &["run", "--release", "--package=np360-kernels", "--", "compile"], env: None },
];

/// The check that needs NVRTC.
const COMPILE: &str = "kernels for CUDA";

/// Installs NVRTC where it is missing; whether it is there. What needs it is left out without, except in CI.
fn nvrtc() -> anyhow::Result<bool> {
    let Err(why) = kernels::cuda::wheels::install() else { return Ok(true) };
    if std::env::var_os("CI").is_some_and(|v| !v.is_empty()) {
        anyhow::bail!("NVRTC cannot be installed: {why}");
    }
    ui::note(&format!("== no NVRTC, so no kernel is compiled for CUDA: {why}"));
    Ok(false)
}

/// Runs the command. This program is itself built by cargo, which lets go of its lock before starting it, so the checks
/// do not wait for each other; rebuilding the running program replaces its file, not its code.
///
/// # Errors
/// If cargo cannot be started, or CI gets no NVRTC.
pub fn run() -> anyhow::Result<Ended> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let (all, mut times) = (Instant::now(), Vec::new());
    let nvrtc = nvrtc()?;
    for check in &CHECKS {
        if check.name == COMPILE && !nvrtc {
            times.push(format!("{COMPILE} left out"));
            continue;
        }
        ui::note(&format!("== {}: cargo {}", check.name, check.args.join(" ")));
        let begun = Instant::now();
        let mut command = Command::new(&cargo);
        command.current_dir(&root).args(check.args).envs(check.env);
        launch::forget_package(&mut command);
        let status = command.status().with_context(|| format!("cannot start {}", cargo.display()))?;
        let took = ui::duration(begun.elapsed().as_secs_f64());
        if !status.success() {
            ui::note(&format!("== {} failed after {took}", check.name));
            return Ok(Ended::Failed);
        }
        ui::note(&format!("== {} passed in {took}", check.name));
        times.push(format!("{} {took}", check.name));
    }
    let total = ui::duration(all.elapsed().as_secs_f64());
    ui::line(&format!("all passed in {total}: {}", times.join(", ")));
    Ok(Ended::Well)
}

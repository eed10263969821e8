//! The command line as data: what clap parses and `--help` prints.

mod arch;
mod bench;
mod data;
mod kernels;

pub use arch::{ArchArgs, ArchCommand};
pub use bench::{BenchArgs, ReportArgs, StatusArgs};
pub use data::{DataArgs, DataCommand, DoctorArgs};
pub use kernels::{KernelsCommand, PerfArgs, VectorsArgs};

use crate::reproduce::ReproduceArgs;
use clap::{Parser, Subcommand};

/// Ten tasks, seven method rows, three seeds, one command; the same bits every time.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  cargo xtask bench all                     every cell that exists, on a small scale
  cargo xtask bench satellite wrn           one cell
  cargo xtask status --watch                how far the runs are, from another terminal
  cargo xtask reproduce runs/quick/satellite/wrn/0
  cargo xtask report --out report           the runs as tables, profiles, claims
  cargo xtask arch show runs/quick/darcy/gaea/0/arch.json
  cargo xtask data list                     which data are there
  cargo xtask kernels check conv            a family of operations, bit for bit
  cargo xtask perf                          the standard workloads' times
  cargo xtask test                          everything CI checks

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the same command goes on)."
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run methods on tasks and print the table
    ///
    /// Runs every cell of the given tasks and methods that exists, goes on where an earlier run was interrupted, and
    /// prints the table with the published figure beside each cell. Results depend on the seed, the data and the
    /// configuration alone: not on threads, SIMD level or interruptions. A finished cell is not run again.
    Bench(Box<BenchArgs>),
    /// Show where the runs of a folder stand, from another terminal or machine
    Status(StatusArgs),
    /// Run a finished run again, or every run of a lock file, and say whether the bits are the same
    Reproduce(ReproduceArgs),
    /// Write tables, performance profiles and the paper's claims, of runs, a file or the paper's own figures
    Report(ReportArgs),
    /// Show, count and export architecture files
    Arch(ArchArgs),
    /// Fetch, import, check and list data
    Data(DataArgs),
    /// Replay a folder of reference vectors: outputs and gradients against PyTorch's in float64
    Vectors(VectorsArgs),
    /// Check, compile, time and begin operations, one folder each
    #[command(subcommand)]
    Kernels(KernelsCommand),
    /// Time the standard workloads, or how time grows with size
    Perf(PerfArgs),
    /// Everything CI needs: format, lints, documentation, tests
    Test,
    /// What this machine offers and which data are there
    Doctor(DoctorArgs),
}

//! The command line of `reproduce`.

use clap::Args;
use kernels::device::Choice;
use std::path::PathBuf;

/// What is run again, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask reproduce runs/quick/satellite/wrn/0
  cargo xtask reproduce quick.lock --out again

RUN is a finished run's folder, or the file of `bench --lock`. The configuration is read from its
manifest; it is run again from the beginning and compared file by file. The last line is
`same bits: ...`, or `first difference: ...` with the place and both values; of a lock file
`N of N runs: same bits`. Exit code 1 if anything differs.

Another version of the code and other data are refused: bits are promised for the same of both.
Device, threads and SIMD level may be others. With --out an interrupted command goes on where it was.")]
pub struct ReproduceArgs {
    /// A finished run's folder, or a lock file
    #[arg(value_name = "RUN|FILE")]
    pub run: PathBuf,
    /// Folder of imported data; stand-ins are generated below it
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Folder of the new runs, which are kept [default: a temporary one, kept only where something differs]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads, 1 to 64 [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// Where to compute: cpu, cuda, cuda:N (a card), emu (the emulated card); results do not depend on it
    #[arg(long, default_value_t = Choice::Cpu, value_name = "DEVICE")]
    pub device: Choice,
}

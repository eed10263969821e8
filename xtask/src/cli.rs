//! The command line as data: what clap parses and `--help` prints.

use clap::{Args, Parser, Subcommand};
use kernels::Device;
use nas::profile::Profile;
use std::path::PathBuf;

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
  cargo xtask data list                     which data are there
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
    Bench(BenchArgs),
    /// Import, check and list data
    Data(DataArgs),
    /// Everything CI needs: format, lints, documentation, tests
    Test,
    /// What this machine offers and which data are there
    Doctor(DoctorArgs),
}

/// What is run, on what scale, where.
#[derive(Debug, Args)]
#[command(after_help = "\
Tasks:    cifar100 spherical ninapro fsd50k darcy psicov cosmic ecg satellite deepsea
Methods:  wrn densenas-random densenas wrn-asha gaea autodl amber fno

Examples:
  cargo xtask bench all
  cargo xtask bench satellite wrn --set epochs=30 --set batch=128
  cargo xtask bench darcy psicov gaea --profile paper --seeds 0,1,2

A run lives in <OUT>/<profile>/<task>/<method>/<seed>/. The environment variable NP360_SIMD
(scalar, avx2, avx512, soft) forces a SIMD level.")]
pub struct BenchArgs {
    /// Names of tasks and methods in any order; `all`, or nothing, is every cell that exists
    #[arg(value_name = "TASK|METHOD|all")]
    pub words: Vec<String>,
    /// How much of the protocol to run: smoke (about 2 s a cell), quick (about 15 s) or paper (all of it)
    #[arg(long, default_value_t = Profile::Quick, value_name = "PROFILE")]
    pub profile: Profile,
    /// Seeds, separated by commas [default: 0; with --profile paper 0,1,2]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS")]
    pub seeds: Vec<u64>,
    /// Override a value of the profile: epochs, batch, lr, momentum, weight_decay, dropout, train, val, test, width
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Threads, 1 to 64 [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// Where to compute: cpu
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    pub device: Device,
    /// Folder of imported data; stand-ins are generated below it
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Folder of the runs
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub out: PathBuf,
    /// Seconds of training between checkpoints; they change no bit
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub checkpoint_seconds: f64,
    /// Move runs that are there aside (to SEED.old-N) and begin anew
    #[arg(long)]
    pub fresh: bool,
}

/// Import, check and list data.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// The commands about data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Turn a task's original files into the store that training reads
    #[command(after_help = "\
Example:
  cargo xtask data import satellite --from Downloads/satellite

The originals are only read. Files with gaps make a partial copy, which is named as such. A store
that is there is replaced once the new one is whole.")]
    Import {
        /// The task
        task: String,
        /// The folder of the original files
        #[arg(long, value_name = "PATH")]
        from: PathBuf,
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
    /// Read imported data whole and compare them with their hashes
    Verify {
        /// The task; none: every task that is there
        task: Option<String>,
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
    /// Make data by a task's own process, where nothing was imported
    #[command(after_help = "\
Example:
  cargo xtask data generate satellite --train 20000 --val 2000 --test 5000

Item i of a split is a function of the task, the seed, the split and i alone, so a larger set begins with the smaller one.
Without sizes, the published ones.")]
    Generate {
        /// The task
        task: String,
        /// Training items [default: as published]
        #[arg(long, value_name = "N")]
        train: Option<usize>,
        /// Validation items [default: as published]
        #[arg(long, value_name = "N")]
        val: Option<usize>,
        /// Test items [default: as published]
        #[arg(long, value_name = "N")]
        test: Option<usize>,
        /// The seed
        #[arg(long, default_value_t = 0, value_name = "S")]
        seed: u64,
        /// Threads, 1 to 64 [default: the machine's cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
        threads: Option<u16>,
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
    /// Show what a task's data are: shapes, class counts, a contact sheet as PNG
    Show {
        /// The task
        task: String,
        /// Where the contact sheet goes [default: <DATA>/<TASK>.png]
        #[arg(long, value_name = "FILE")]
        png: Option<PathBuf>,
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
    /// Write a task's data for Python: one .npz with an array for each tensor of each split
    Export {
        /// The task
        task: String,
        /// As NumPy's .npz
        #[arg(long, required = true)]
        npz: bool,
        /// The file to write [default: <TASK>.npz]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
    /// List the ten tasks, their published sizes, and what is there
    List {
        /// The folder of imported data
        #[arg(long, default_value = "data", value_name = "DIR")]
        data: PathBuf,
    },
}

/// What this machine offers and which data are there.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The folder of imported data
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
}

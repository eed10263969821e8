//! What is run, and where it stands.

use crate::bench::engines::EngineArgs;
use clap::Args;
use kernels::cuda::Mode;
use kernels::device::Choice;
use nas::profile::Profile;
use std::path::PathBuf;

/// What is run, on what scale, where.
#[derive(Debug, Args)]
#[command(after_help = "\
Tasks:    cifar100 spherical ninapro fsd50k darcy psicov cosmic ecg satellite deepsea
Methods:  wrn densenas-random densenas wrn-asha gaea autodl amber fno; to compare with: constant linear

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
    /// How much of the protocol to run: smoke (about 2 s a cell), quick (about half a minute) or paper (all of it)
    #[arg(long, default_value_t = Profile::Quick, value_name = "PROFILE")]
    pub profile: Profile,
    /// Seeds, separated by commas [default: 0; with --profile paper 0,1,2]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS")]
    pub seeds: Vec<u64>,
    /// Override a value of the profile: epochs, batch, lr, momentum, weight_decay, dropout, train, val, test, or one of a
    /// method's own (width, search_epochs, search_batch, trials, ...)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Train the network of this arch.json instead of searching for one
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// corrected: the paper's text done right; published: with every departure of the benchmark's own code that is offered
    #[arg(long, default_value = "corrected", value_name = "PROTOCOL")]
    pub protocol: String,
    /// Put one such departure back (docs/deviations.md lists them); may be given several times
    #[arg(long, value_name = "NAME")]
    pub quirk: Vec<String>,
    /// Threads, 1 to 64 [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// Where to compute: cpu, cuda, cuda:N (a card), emu (the emulated card); results do not depend on it
    #[arg(long, default_value_t = Choice::Cpu, value_name = "DEVICE")]
    pub device: Choice,
    /// exact: our kernels, the same bits on every device; speed: convolutions on a card through cuDNN, the same bits on the
    /// same card and versions alone. Part of what a run is
    #[arg(long, default_value_t = Mode::Exact, value_name = "MODE")]
    pub mode: Mode,
    /// Folder of imported data; stand-ins are generated below it
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Folder of the runs
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub out: PathBuf,
    /// Seconds of training between checkpoints; they change no bit
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub checkpoint_seconds: f64,
    /// Run nothing but a few steps, to time them: print what each cell would take, the published data's shapes assumed
    #[arg(long)]
    pub dry_run: bool,
    /// Move runs that are there aside (to SEED.old-N) and begin anew
    #[arg(long)]
    pub fresh: bool,
    /// Tell what happens as JSON, one event a line on the standard output, and no table
    #[arg(long, conflicts_with = "dry_run")]
    pub json: bool,
    /// Write what others need to reproduce the finished runs: configuration, hashes of data, digests of results
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// Who makes the runs.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// Which runs are looked at, and how often.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask status
  cargo xtask status --runs /shared/runs --profile paper --watch

Only the folders are read: the runs may be made by any process on any machine. A run is done, running (host, process,
epoch, time left), interrupted (the same bench goes on with it), or waiting (nothing of it is saved yet). With --json
one object a line for each run.")]
pub struct StatusArgs {
    /// Folder of the runs
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs: PathBuf,
    /// Only runs of this profile
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<Profile>,
    /// Look again every 2 s, until every run is done or Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// As JSON
    #[arg(long, conflicts_with = "watch")]
    pub json: bool,
}

/// What is reported, and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask report --out report                      the runs in runs/
  cargo xtask report --from figures.csv --out report   other figures, in the paper's units
  cargo xtask report --paper --out report              the paper's Table 2, which gives its Table 3

A file is task,method,seed,metric,value or task,method,metric,mean,std with an optional n; its header
says which. Methods that the benchmark has not become rows of their own. table2.csv can be read back.")]
pub struct ReportArgs {
    /// Folder of the runs, or of one profile's
    #[arg(long, default_value = "runs", value_name = "DIR", conflicts_with_all = ["from", "paper"])]
    pub runs: PathBuf,
    /// Figures of a CSV file instead
    #[arg(long, value_name = "FILE.csv", conflicts_with = "paper")]
    pub from: Option<PathBuf>,
    /// The figures that the paper published instead
    #[arg(long)]
    pub paper: bool,
    /// The folder to write; files of an earlier report in it are replaced
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The profile of the runs [default: the fullest of which any are finished]
    #[arg(long, value_name = "PROFILE", conflicts_with_all = ["from", "paper"])]
    pub profile: Option<Profile>,
}

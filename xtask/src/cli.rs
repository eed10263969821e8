//! The command line as data: what clap parses and `--help` prints.

use crate::bench::engines::EngineArgs;
use crate::reproduce::ReproduceArgs;
use clap::{Args, Parser, Subcommand};
use kernels::cuda::Mode;
use kernels::device::Choice;
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
    Bench(BenchArgs),
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

/// Show, count and export architecture files.
#[derive(Debug, Args)]
pub struct ArchArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ArchCommand,
}

/// The commands about architecture files.
#[derive(Debug, Subcommand)]
pub enum ArchCommand {
    /// Print an architecture, and draw it as an SVG
    #[command(after_help = "\
Example:
  cargo xtask arch show runs/quick/cifar100/gaea/0/arch.json

Cells are drawn as graphs, a path of blocks through the widths that its space offers, other networks as their stages.
The picture is one file that needs no other; it is light or dark as the reader's screen is.")]
    Show {
        /// The architecture file
        file: PathBuf,
        /// Where the drawing goes [default: beside FILE, with the ending .svg]
        #[arg(long, value_name = "OUT.svg")]
        svg: Option<PathBuf>,
    },
    /// Count parameters and multiply-adds, and compare them with what the file records
    #[command(after_help = "\
Example:
  cargo xtask arch count runs/quick/cifar100/gaea/0/arch.json

Exit code 1 if the file records other counts.")]
    Count {
        /// The architecture file
        file: PathBuf,
    },
    /// Write the network for PyTorch: a module, its weights, the architecture
    #[command(after_help = "\
Examples:
  cargo xtask arch export runs/quick/satellite/wrn/0/arch.json --pytorch satellite-wrn
  cargo xtask arch export arch.json --pytorch fresh --initial 0

DIR/network.py needs torch alone; network.load() gives the network in evaluation mode, with logits within 1e-5 of this
program's. Weights are those of the finished run that FILE lies in, else one of the two options must say which.")]
    Export {
        /// The architecture file
        file: PathBuf,
        /// The folder to write
        #[arg(long, value_name = "DIR", required = true)]
        pytorch: PathBuf,
        /// Weights of this file: safetensors with PyTorch's names and layouts
        #[arg(long, value_name = "FILE.safetensors", conflicts_with = "initial")]
        weights: Option<PathBuf>,
        /// Initial weights of this seed, which nothing has trained
        #[arg(long, value_name = "SEED")]
        initial: Option<u64>,
    },
}

/// Fetch, import, check and list data.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// The commands about data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download a task's originals from where they are published
    #[command(after_help = "\
Examples:
  cargo xtask data fetch cifar100
  cargo xtask data fetch ecg --to Downloads/ecg --mirror http://mirror.example.org

Interrupted at any time, the same command goes on where it was. A file that is there is not fetched again;
one whose checksum is wrong is set aside. Addresses that are gone are named with what replaces them.")]
    Fetch {
        /// The task
        task: String,
        /// The folder of the original files [default: originals/TASK]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Fetch from this host: it replaces scheme and host of every address
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
    },
    /// Turn a task's original files into the store that training reads
    #[command(after_help = "\
Example:
  cargo xtask data import satellite --from Downloads/satellite

The originals are only read. Files with gaps make a partial copy, which is named as such. A store
that is there is replaced once the new one is whole.")]
    Import {
        /// The task
        task: String,
        /// The folder of the original files, or the archive that they come in
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
        /// Where the contact sheet goes [default: DATA/TASK.png]
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
        /// The file to write [default: TASK.npz]
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

/// Which vectors are replayed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask vectors vectors
  cargo xtask vectors vectors --skip networks
  cargo xtask vectors vectors --only networks/wrn*,networks/resnet1d*,conv2d

DIR holds <family>/<case>.safetensors. A line for each case that fails or is not supported says what is
off, by how much, and what is allowed; the last line is `N passed, N failed`. Exit code 1 if any failed.")]
pub struct VectorsArgs {
    /// The folder of vectors
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Only these: FAMILY or FAMILY/CASE, where * stands for anything
    #[arg(long, value_delimiter = ',', value_name = "P,..")]
    pub only: Vec<String>,
    /// Not these
    #[arg(long, value_delimiter = ',', value_name = "P,..")]
    pub skip: Vec<String>,
}

/// The commands about operations.
#[derive(Debug, Subcommand)]
pub enum KernelsCommand {
    /// Ask every case of an op's table: bits, gradients
    #[command(after_help = "\
Examples:
  cargo xtask kernels check
  cargo xtask kernels check conv/conv

Every case runs at every SIMD level of this machine and at 1, 2, 3 and 7 threads, forward and backward;
its bits must be the reference's. Where that makes sense, the f64 reference's gradient is compared with
central differences (1e-7), and the f32 gradient with the f64 one (8 eps). A line an op; then, for each
case that fails, the level, the threads, the element and both values. Exit code 1 if any fails.")]
    Check {
        /// An op or a family: conv/conv, pool [default: all]
        op: Option<String>,
        /// Where to compute: cpu, cuda, cuda:N (a card), emu (the emulated card)
        #[arg(long, default_value_t = Choice::Cpu, value_name = "DEVICE")]
        device: Choice,
        /// Check nothing; print the support table of docs/ops.md
        #[arg(long)]
        table: bool,
    },
    /// Time an op's cases beside what this machine can do
    #[command(after_help = "\
Example:
  cargo xtask kernels bench conv --threads 2

Measures this machine's rate of fused multiply-adds and its copy bandwidth first, at the SIMD level and
the threads in force, then each timed case forward and backward: the median and the best time, GFLOP/s
where arithmetic is the point, the bytes that must move at least once, and both as shares of the limits.")]
    Bench {
        /// An op or a family: conv/conv, pool [default: all]
        op: Option<String>,
        /// Where to compute: cpu
        #[arg(long, default_value_t = Choice::Cpu, value_name = "DEVICE")]
        device: Choice,
        /// Threads, 1 to 64 [default: the machine's cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
        threads: Option<u16>,
        /// Timed calls of each case
        #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        reps: u16,
    },
    /// Compile every CUDA kernel: registers, shared memory, spills, and what the law of numbers forbids
    #[command(after_help = "\
Examples:
  cargo xtask kernels compile --install
  cargo xtask kernels compile conv --arch sm_90

Needs NVRTC and no card. A line a kernel and architecture; then what is wrong: a spill, an atomic,
`.approx`, `.ftz`, a floating product or sum without `.rn`, an error of the compiler. The last line is
`N kernels x M architectures: ok`. Exit code 1 if anything is wrong. Reports are kept in the cache.")]
    Compile {
        /// An op, a family or a shared file of kernels: conv/conv, pool, product [default: all]
        op: Option<String>,
        /// Architectures [default: sm_75,sm_80,sm_90,sm_70; sm_70 needs NVRTC 12]
        #[arg(long, value_delimiter = ',', value_name = "SM,..")]
        arch: Vec<String>,
        /// Install NVRTC 13.0 and 12.9 under target/ first, by Python's venv and pip
        #[arg(long)]
        install: bool,
    },
    /// Write the skeleton of a new op: a folder that compiles and passes, and the lines that name it
    #[command(after_help = "\
Example:
  cargo xtask kernels new pool/median_pool

Then follow docs/adding-an-op.md, asking `cargo xtask kernels check pool/median_pool` as you go.")]
    New {
        /// FAMILY/OP, lower case; the family may be new
        #[arg(value_name = "FAMILY/OP")]
        path: String,
    },
    /// Sweep every input of the mathematical functions: the bits of all SIMD levels, the error in ulp
    #[command(after_help = "\
Functions: exp expm1 ln ln_1p sin cos tan tanh sigmoid erf erfc pow atan2

Examples:
  cargo xtask kernels ulp exp
  cargo xtask kernels ulp --stride 65521

Each f32 function of one number is asked all 2^32 inputs, each of two numbers 10^9 pairs, at every SIMD level
of this machine, whose bits must be equal; the error is the distance from std's f64 function (erf, erfc: the C
library's). Minutes a function; at a prime stride, a second for all. Ctrl-C at any time: the same command goes
on where it was, unless the functions' code has changed. A line a function: inputs, levels, the largest error
and where, results that are not the truth rounded, results that the truth is too close to a tie to decide.
Exit code 1 if levels differ or an error is out of bounds.")]
    Ulp {
        /// Which functions [default: all]
        #[arg(value_name = "FUNCTION")]
        functions: Vec<String>,
        /// Ask every Nth input
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
        stride: u32,
        /// Threads, 1 to 64 [default: the machine's cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
        threads: Option<u16>,
        /// Folder of what was found so far [default: target/ulp]
        #[arg(long, value_name = "DIR")]
        state: Option<String>,
        /// Forget what was found so far
        #[arg(long)]
        fresh: bool,
    },
}

/// Which workloads are timed, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask perf
  cargo xtask perf --json --only conv3x3_64_32px,wrn16_4_train_b64 --threads 2 --reps 15
  cargo xtask perf --scale

With --json one line for each workload: workload, median_s, min_s, threads, flop (null where arithmetic
is not the point), allocations (calls for memory in all timed steps together), peak_bytes (most memory
in use, over what was in use when the program began). docs/performance.md compares with PyTorch.")]
pub struct PerfArgs {
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only these workloads
    #[arg(long, value_delimiter = ',', value_name = "NAME,..", conflicts_with = "scale")]
    pub only: Vec<String>,
    /// Threads, 1 to 64 [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// Timed steps of each workload, after two to warm up
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub reps: u16,
    /// Where to compute: cpu, cuda, cuda:N (a card), emu (the emulated card)
    #[arg(long, default_value_t = Choice::Cpu, value_name = "DEVICE")]
    pub device: Choice,
    /// Time a small network's step against batch, width and length, and the overhead of an op
    #[arg(long)]
    pub scale: bool,
}

/// What this machine offers and which data are there.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The folder of imported data
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
}

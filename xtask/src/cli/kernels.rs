//! About operations: vectors, kernels, times.

use clap::{Args, Subcommand};
use kernels::device::Choice;
use std::path::PathBuf;

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

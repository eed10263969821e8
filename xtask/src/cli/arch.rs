//! About architecture files.

use clap::{Args, Subcommand};
use std::path::PathBuf;

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

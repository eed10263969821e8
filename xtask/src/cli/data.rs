//! About data.

use clap::{Args, Subcommand};
use std::path::PathBuf;

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

/// What this machine offers and which data are there.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The folder of imported data
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
}

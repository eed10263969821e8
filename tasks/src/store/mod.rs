//! The mapped store: one safetensors file a split, `<data>/<task>/{train,val,test}.safetensors`.
//!
//! The header stands in a reserved room of fixed size, filled up with spaces, so the data begin at a multiple of 64 and can
//! be written before the header is known. Its metadata are two keys: `np360`, whose value is canonical JSON ([`Meta`]), and
//! `header`, the BLAKE3 of everything before the data (length, header, spaces) with its own 64 digits as zeros. So a changed
//! bit is found wherever it is: before the data when the file is opened, in the data by [`Stored::verify`]. Python's
//! safetensors opens these files.

mod reader;
mod writer;

pub use reader::Stored;
pub use writer::{SplitWriter, StoreWriter};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Bytes before the data: the header's length (8) and the header.
pub const HEADER_ROOM: usize = 16 * 1024;
/// Version of the layout; stores of another are refused.
pub const LAYOUT: u32 = 2;

/// Where data come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The task's own data, all of them.
    Original,
    /// Made here by the process that made the originals.
    Generated,
    /// Made here by a process that only resembles the originals'.
    StandIn,
    /// The task's own format, with gaps or other sizes; the notices say which.
    Partial,
}

impl Provenance {
    /// As the metadata and the results spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Generated => "generated",
            Self::StandIn => "stand-in",
            Self::Partial => "partial",
        }
    }
}

/// The parts of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What a search fits.
    Train,
    /// What it selects by.
    Val,
    /// What the final stage reports.
    Test,
}

impl Part {
    /// In the order of the store.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// As its file is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// Its file in a task's folder.
    pub fn file(self, folder: &Path) -> PathBuf {
        folder.join(self.name()).with_extension("safetensors")
    }
}

/// A file that a store was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// BLAKE3 of its bytes.
    pub blake3: String,
    /// Their number.
    pub bytes: u64,
    /// Its name, without folders.
    pub name: String,
}

impl Source {
    /// A file of this name with these bytes.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { blake3: blake3::hash(bytes).to_hex().to_string(), bytes: bytes.len() as u64, name: name.to_owned() }
    }
}

/// What is common to the three splits of one import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Grows whenever the importer would write other bytes.
    pub preprocessing: u32,
    /// Where the data come from.
    pub provenance: Provenance,
    /// Seed of generated data.
    pub seed: Option<u64>,
    /// Files they were made from.
    pub sources: Vec<Source>,
    /// Name of the task.
    pub task: String,
    /// Classes, labels, or channels of a dense answer.
    pub outputs: usize,
    /// What is missing or unusual, a line each.
    pub notices: Vec<String>,
}

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// BLAKE3 of the data section.
    pub blake3: String,
    /// Version of the layout.
    pub layout: u32,
    /// Which split.
    pub split: Part,
    /// What it shares with the other splits.
    #[serde(flatten)]
    pub origin: Origin,
}

/// JSON with sorted keys (serde_json's maps are) and no spaces: the same value is the same text.
pub fn canonical_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_value(value)?.to_string())
}

/// What stands for the header's hash while it is taken.
const UNHASHED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// BLAKE3 (hexadecimal) of all bytes before the data, the hash itself, which begins at `at`, as zeros.
fn header_hash(room: &[u8], at: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&room[..at]).update(UNHASHED.as_bytes()).update(&room[at + UNHASHED.len()..]);
    hasher.finalize().to_hex().to_string()
}

/// Where a hash stands in the bytes before the data.
fn place_of(room: &[u8], hash: &str) -> Option<usize> {
    room.windows(UNHASHED.len()).position(|w| w == hash.as_bytes())
}

#[cfg(test)]
mod tests;

//! Where a table comes from: the paper, a file, run folders.

pub mod file;
mod metric;
pub mod names;
pub mod paper;
pub mod runs;

use std::fmt;
use std::path::{Path, PathBuf};

/// Why there is no table, one line: where, what, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// The line, from 1, where it is one line's fault.
    pub line: Option<usize>,
    /// The column's name, where it is one column's.
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Error {
    pub(crate) fn new(path: &Path, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, column: None, what: what.into(), fix: fix.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}; {}", self.what, self.fix)
    }
}

impl std::error::Error for Error {}

//! What can go wrong with a run's folder: one line each, with the path, the cause in plain words and what to do.

use super::identity::Difference;
use std::io;
use std::path::{Path, PathBuf};

/// A run's folder refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The file system refused.
    #[error("cannot {verb} {}: {}; {}", path.display(), words(source), advice(source))]
    Io {
        /// What was tried (`write`).
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds a run of another configuration.
    #[error(
        "{} holds a run of another configuration ({}); choose another folder with --out, or move that run aside with --fresh",
        path.display(),
        list(differences)
    )]
    Different {
        /// The folder.
        path: PathBuf,
        /// Every field that differs.
        differences: Vec<Difference>,
    },
    /// A live process works on the folder.
    #[error("{} belongs to a running process (host {host}, pid {pid}); wait for it, stop it, or choose another folder with --out", path.display())]
    Owned {
        /// The folder.
        path: PathBuf,
        /// The owner's host.
        host: String,
        /// The owner's process.
        pid: u32,
    },
    /// Another process took the folder over while this one was silent (suspended, or cut off from the file system).
    #[error("{} was taken over by another process; this one wrote nothing since and stops", path.display())]
    Lost {
        /// The folder.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{}: {what}; {fix}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        fix: &'static str,
    },
}

impl RunError {
    pub(crate) fn io<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { verb, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
            fix: "move the run aside with --fresh to begin it anew",
        }
    }
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The cause in plain words.
fn words(e: &io::Error) -> String {
    use io::ErrorKind::*;
    match e.kind() {
        StorageFull => "no space left on the disk".to_owned(),
        QuotaExceeded => "the disk quota is used up".to_owned(),
        ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        PermissionDenied => "permission denied".to_owned(),
        NotFound => "no such file or folder".to_owned(),
        NotADirectory => "a part of the path is a file, not a folder".to_owned(),
        IsADirectory => "it is a folder, not a file".to_owned(),
        _ => e.to_string(),
    }
}

/// What to do about it.
fn advice(e: &io::Error) -> &'static str {
    use io::ErrorKind::*;
    match e.kind() {
        StorageFull | QuotaExceeded => {
            "free some, then give the same command again: it goes on from the last checkpoint"
        }
        ReadOnlyFilesystem | PermissionDenied => "choose a folder that can be written with --out",
        NotFound | NotADirectory | IsADirectory => "check the path, or choose another with --out",
        _ => "the same command goes on from the last checkpoint once this is mended",
    }
}

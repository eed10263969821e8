//! The one error of this crate: which file, what is wrong with it, what to do.

use std::io;
use std::path::{Path, PathBuf};

/// What sort of trouble; the text is for people, this is for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A file or a store is not there.
    Missing,
    /// A file is there and is not what it should be.
    Invalid,
    /// A file asks for code to be run.
    Unsafe,
    /// Not built, or a name that nobody has.
    Unsupported,
    /// Somebody else is at work on the same store.
    Busy,
    /// The system refused.
    Io,
}

/// Something about data went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}; {fix}", .path.as_ref().map(|p| format!("{}: ", p.display())).unwrap_or_default())]
pub struct Error {
    /// What sort of trouble.
    pub kind: ErrorKind,
    /// The file or folder, where there is one.
    pub path: Option<PathBuf>,
    /// What is wrong.
    pub what: String,
    /// What the reader of this line can do.
    pub fix: String,
}

impl Error {
    /// `what` is wrong, `fix` is what to do.
    pub fn new(kind: ErrorKind, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { kind, path: None, what: what.into(), fix: fix.into() }
    }

    /// A file that is not what it should be.
    pub fn invalid(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, what, fix)
    }

    /// A file that ends too early.
    pub(crate) fn cut_short(what: impl Into<String>) -> Self {
        Self::invalid(format!("the file is cut short: {}", what.into()), "copy or download it again")
    }

    /// The system refused to `verb` this path.
    pub(crate) fn io(path: &Path, verb: &str, e: &io::Error) -> Self {
        let (kind, fix) = match e.kind() {
            io::ErrorKind::NotFound => (ErrorKind::Missing, "check the path"),
            io::ErrorKind::PermissionDenied => (ErrorKind::Io, "check its permissions"),
            io::ErrorKind::StorageFull => (ErrorKind::Io, "free some disk space"),
            _ => (ErrorKind::Io, "check the disk and the path"),
        };
        Self::new(kind, format!("cannot {verb}: {e}"), fix).at(path)
    }

    /// Names the file, unless an inner one did.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }
}

/// `1234567` as `1,234,567`, as numbers stand in messages.
pub(crate) fn grouped(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_names_the_file_what_and_what_to_do() {
        let e = Error::invalid("holds no 'label'", "give the task's own file").at(Path::new("a/b.npy"));
        assert_eq!(e.to_string(), "a/b.npy: holds no 'label'; give the task's own file");
        assert_eq!(e.clone().at(Path::new("outer")), e);
        assert_eq!(["7", "900", "1,000", "900,000"], [7u64, 900, 1_000, 900_000].map(grouped).each_ref().map(|s| &**s));
    }
}

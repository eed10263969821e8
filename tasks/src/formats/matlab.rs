//! MATLAB's files, whichever of their two containers they are in.

use std::path::Path;
use std::sync::Arc;

use super::Mapped;
use super::mat5::Mat5;
use super::mat73::Mat73;
use crate::Error;

/// The numbers of a variable, first index fastest (MATLAB's order), read once from the first to the last.
pub trait Numbers {
    /// MATLAB's dimensions.
    fn dims(&self) -> &[usize];

    /// The next `out.len()` numbers.
    fn read(&mut self, out: &mut [f64]) -> Result<(), Error>;

    /// To be called after the last number: checks that the variable ends here, and whole.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A file of named variables.
pub enum Matlab<'a> {
    /// Versions 5 to 7.2.
    V5(Mat5<'a>),
    /// Version 7.3: HDF5.
    V73(Mat73),
}

impl<'a> Matlab<'a> {
    /// Looks at the file at `path`, whose content is `bytes`.
    pub fn open(path: &Path, bytes: &'a [u8]) -> Result<Self, Error> {
        Self::of(bytes, || Mat73::open(path))
    }

    /// Looks at a file that is mapped, and may have no name.
    pub fn mapped(bytes: &'a Arc<Mapped>) -> Result<Self, Error> {
        Self::of(bytes, || Mat73::mapped(bytes))
    }

    fn of(bytes: &'a [u8], hdf5: impl FnOnce() -> Result<Mat73, Error>) -> Result<Self, Error> {
        const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
        if bytes.is_empty() {
            return Err(Error::invalid("the file is empty", "copy or download it again"));
        }
        if bytes.starts_with(HDF5) || bytes.get(512..).is_some_and(|b| b.starts_with(HDF5)) {
            return hdf5().map(Self::V73);
        }
        if bytes.starts_with(b"MATLAB 7.3") {
            return Err(Error::cut_short("a MATLAB 7.3 file without its HDF5 part"));
        }
        Mat5::parse(bytes).map(Self::V5)
    }

    /// Names of the variables, in no particular order.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::V5(file) => file.names(),
            Self::V73(file) => file.names(),
        }
    }

    /// The numbers of a variable.
    pub fn numbers(&self, name: &str) -> Result<Box<dyn Numbers + 'a>, Error> {
        let found = match self {
            Self::V5(file) => file.numbers(name)?.map(|n| Box::new(n) as Box<dyn Numbers + 'a>),
            Self::V73(file) => file.numbers(name)?.map(|n| Box::new(n) as Box<dyn Numbers + 'a>),
        };
        if let Some(numbers) = found {
            return Ok(numbers);
        }
        let names: Vec<String> = self.names()?.iter().take(8).map(|n| format!("'{}'", n.escape_debug())).collect();
        let has = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Err(Error::invalid(format!("has no variable '{name}' (it has {has})"), "give the task's own file"))
    }
}

/// Checks that a variable of these dimensions is not more than `bytes` of a file can inflate to (deflate makes at most
/// 1,032 bytes of one), and gives its length.
pub(super) fn plausible(name: &str, dims: &[usize], bytes: usize) -> Result<usize, Error> {
    let most = bytes.saturating_mul(1_032).saturating_add(4_096);
    super::array::extent(dims, 1).map(|(n, _)| n).filter(|&n| n <= most).ok_or_else(|| {
        let what = format!("'{}' of dimensions {dims:?} does not fit into {bytes} bytes", name.escape_debug());
        Error::cut_short(what)
    })
}

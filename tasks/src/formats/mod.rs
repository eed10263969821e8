//! Readers of the originals' containers. They take bytes from anywhere and trust none of them: every length is checked
//! against the bytes that are there before anything is allocated for it, and nothing is ever executed.

pub mod array;
pub mod bundle;
pub mod mat4;
pub mod mat5;
pub mod mat73;
pub mod matlab;
pub mod npy;
pub mod pickle;
pub mod spool;
pub mod wav;
pub mod zip;

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::Error;

/// A file's bytes, mapped.
#[derive(Debug)]
pub struct Mapped(Option<Mmap>);

impl Mapped {
    /// Maps a file; an empty one is no bytes.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| Error::io(path, "open", &e))?;
        let info = file.metadata().map_err(|e| Error::io(path, "look at", &e))?;
        if !info.is_file() {
            return Err(Error::invalid("is not a file", "give the file itself").at(path));
        }
        Self::of(&file, path)
    }

    /// Maps an open file; `path` is what messages call it.
    pub(crate) fn of(file: &File, path: &Path) -> Result<Self, Error> {
        if file.metadata().is_ok_and(|i| i.len() == 0) {
            return Ok(Self(None));
        }
        // SAFETY: a store is written under another name, renamed when whole and never written again, and an importer's
        // source is a file at rest. As with every mapped file, a process that truncates it meanwhile ends this one by a
        // signal; that is accepted, and documented, for not copying data larger than memory.
        let map = unsafe { Mmap::map(file) }.map_err(|e| Error::io(path, "map", &e))?;
        Ok(Self(Some(map)))
    }
}

impl Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}

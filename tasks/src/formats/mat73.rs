//! MATLAB's files of version 7.3: HDF5 behind 512 bytes of MATLAB's, dimensions written last index first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hdf5_pure::{DType, Dataset, File};

use super::matlab::{Numbers, plausible};
use crate::Error;

/// Bytes read at once, unless one chunk of the file is more.
const WINDOW: usize = 64 << 20;

/// An open file.
pub struct Mat73 {
    path: PathBuf,
    file: File,
}

/// Calls the library. It answers damaged files with errors; should one make it panic, that is an error too.
fn ask<T>(what: &str, f: impl FnOnce() -> Result<T, hdf5_pure::Error>) -> Result<T, Error> {
    let damaged = |why: String| {
        Error::invalid(format!("{what} cannot be read as HDF5 ({why})"), "copy or download the file again")
    };
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(damaged(e.to_string().replace('\n', " "))),
        Err(_) => Err(damaged("the reader gave up".to_owned())),
    }
}

impl Mat73 {
    /// Opens a file; numbers are read from it as they are asked for.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = ask("the file", || File::open_streaming(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Names of the variables that are arrays.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        ask("the list of variables", || self.file.root().datasets())
    }

    /// The numbers of a variable; `None` if there is none of this name.
    pub fn numbers(&self, name: &str) -> Result<Option<Rows>, Error> {
        if !self.names()?.iter().any(|n| n == name) {
            return Ok(None);
        }
        let shown = format!("'{}'", name.escape_debug());
        let (data, shape, dtype, chunk) = ask(&shown, || {
            let data = self.file.dataset(name)?;
            let (shape, dtype, chunk) = (data.shape()?, data.dtype()?, data.chunk_shape()?);
            Ok((data, shape, dtype, chunk))
        })?;
        use DType::*;
        if !matches!(dtype, F32 | F64 | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64) {
            return Err(Error::invalid(format!("{shown} holds {dtype}, not numbers"), "give the task's own .mat file"));
        }
        let size = |d: &u64| usize::try_from(*d).unwrap_or(usize::MAX);
        let dims: Vec<usize> = shape.iter().rev().map(size).collect();
        let bytes = std::fs::metadata(&self.path).map_err(|e| Error::io(&self.path, "look at", &e))?.len();
        let len = plausible(name, &dims, size(&bytes))?;
        let rows = dims.last().copied().unwrap_or(1);
        let row = len.checked_div(rows).unwrap_or(0);
        let chunk = chunk.and_then(|c| c.first().map(size)).unwrap_or(1).clamp(1, rows.max(1));
        let window = (WINDOW / 8 / row.max(1) / chunk).max(1).saturating_mul(chunk);
        Ok(Some(Rows { name: shown, data, dims, window, next: 0, buffer: Vec::new(), at: 0 }))
    }
}

/// The numbers of one variable, a window of HDF5's first (MATLAB's last) index at a time.
pub struct Rows {
    name: String,
    data: Dataset,
    dims: Vec<usize>,
    window: usize,
    next: usize,
    buffer: Vec<f64>,
    /// Numbers of the buffer that were read.
    at: usize,
}

impl Numbers for Rows {
    fn dims(&self) -> &[usize] {
        &self.dims
    }

    fn read(&mut self, mut out: &mut [f64]) -> Result<(), Error> {
        while !out.is_empty() {
            if self.at == self.buffer.len() {
                let (next, window) = (self.next as u64, self.window as u64);
                self.buffer = ask(&self.name, || self.data.read_f64_rows(next, window))?;
                (self.next, self.at) = (self.next + self.window, 0);
                if self.buffer.is_empty() {
                    return Err(Error::cut_short(format!("{} does not end", self.name)));
                }
            }
            let n = out.len().min(self.buffer.len() - self.at);
            let (now, later) = out.split_at_mut(n);
            now.copy_from_slice(&self.buffer[self.at..][..n]);
            self.at += n;
            out = later;
        }
        Ok(())
    }
}

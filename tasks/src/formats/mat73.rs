//! MATLAB's files of version 7.3: HDF5 behind 512 bytes of MATLAB's, dimensions written last index first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use hdf5_pure::{DType, Dataset, File, FormatError, Source};

use super::Mapped;
use super::matlab::{Numbers, plausible};
use crate::Error;

/// Bytes of numbers read at once, unless one chunk of the file is more.
const WINDOW: usize = 64 << 20;
/// Bytes of numbers read at once where chunks are more: they are then unpacked once for each window that meets them.
const MOST: usize = 512 << 20;

/// An open file.
pub struct Mat73 {
    file: File,
    /// Of the file.
    bytes: usize,
}

/// Mapped bytes as the library reads them.
struct Map(Arc<Mapped>);

impl Source for Map {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), FormatError> {
        let start = usize::try_from(offset).ok();
        let found = start.and_then(|s| self.0.get(s..s.checked_add(buf.len())?));
        let found = found.ok_or_else(|| FormatError::Source("reads past the file's end".to_owned()))?;
        buf.copy_from_slice(found);
        Ok(())
    }
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
        let bytes = std::fs::metadata(path).map_err(|e| Error::io(path, "look at", &e))?.len();
        let file = ask("the file", || File::open_streaming(path))?;
        Ok(Self { file, bytes: usize::try_from(bytes).unwrap_or(usize::MAX) })
    }

    /// The same of a file that is mapped, and may have no name.
    pub fn mapped(bytes: &Arc<Mapped>) -> Result<Self, Error> {
        let file = ask("the file", || File::from_source(Map(Arc::clone(bytes))))?;
        Ok(Self { file, bytes: bytes.len() })
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
        let len = plausible(name, &dims, self.bytes)?;
        let rows = dims.last().copied().unwrap_or(1);
        let row = len.checked_div(rows).unwrap_or(0);
        let chunk = chunk.and_then(|c| c.first().map(size)).unwrap_or(1).clamp(1, rows.max(1));
        let small = matches!(dtype, U8);
        let row = row.max(1).saturating_mul(if small { 1 } else { 8 });
        if row > MOST {
            let what = format!("{shown} of dimensions {dims:?} has {row} bytes at one last index, {MOST} can be read");
            return Err(Error::invalid(what, "give the task's own .mat file"));
        }
        let window = (WINDOW / row / chunk).max(1).saturating_mul(chunk).min(MOST / row);
        Ok(Some(Rows { name: shown, data, dims, small, window, next: 0, buffer: Buffer::Numbers(Vec::new()), at: 0 }))
    }
}

/// The numbers of one variable, a window of HDF5's first (MATLAB's last) index at a time.
pub struct Rows {
    name: String,
    data: Dataset,
    dims: Vec<usize>,
    /// Bytes stay bytes until they are asked for.
    small: bool,
    window: usize,
    next: usize,
    buffer: Buffer,
    /// Numbers of the buffer that were read.
    at: usize,
}

/// A window.
enum Buffer {
    Bytes(Vec<u8>),
    Numbers(Vec<f64>),
}

impl Buffer {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(b) => b.len(),
            Self::Numbers(n) => n.len(),
        }
    }
}

impl Numbers for Rows {
    fn dims(&self) -> &[usize] {
        &self.dims
    }

    fn read(&mut self, mut out: &mut [f64]) -> Result<(), Error> {
        while !out.is_empty() {
            if self.at == self.buffer.len() {
                let (next, window) = (self.next as u64, self.window as u64);
                // The last window goes before the next one comes.
                self.buffer = Buffer::Bytes(Vec::new());
                self.buffer = ask(&self.name, || {
                    Ok(if self.small {
                        Buffer::Bytes(self.data.read_u8_rows(next, window)?)
                    } else {
                        Buffer::Numbers(self.data.read_f64_rows(next, window)?)
                    })
                })?;
                (self.next, self.at) = (self.next + self.window, 0);
                if self.buffer.len() == 0 {
                    return Err(Error::cut_short(format!("{} does not end", self.name)));
                }
            }
            let n = out.len().min(self.buffer.len() - self.at);
            let (now, later) = out.split_at_mut(n);
            match &self.buffer {
                Buffer::Bytes(b) => now.iter_mut().zip(&b[self.at..]).for_each(|(o, &b)| *o = f64::from(b)),
                Buffer::Numbers(v) => now.copy_from_slice(&v[self.at..][..n]),
            }
            self.at += n;
            out = later;
        }
        Ok(())
    }
}

//! Tar archives, one pass.

use std::io::{self, Read};

use tar::Archive;

use super::{AGAIN, Visit, inside, unreadable};
use crate::Error;

/// An archive is made of blocks,
const BLOCK: u64 = 512;
/// and ends with two of zeros.
const END: u64 = 2 * BLOCK;

/// Visits each file until the callback says that this is enough.
pub(super) fn each(from: impl Read, visit: &mut Visit<'_, bool>) -> Result<(), Error> {
    let mut archive = Archive::new(Tail { inner: from, done: 0, zeros: 0 });
    let entries = archive.entries().map_err(|e| damaged(&e))?;
    let mut last = 0;
    for entry in entries {
        let mut entry = entry.map_err(|e| damaged(&e))?;
        last = entry.raw_file_position().saturating_add(entry.size());
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_contiguous() && !kind.is_gnu_sparse() {
            continue; // folders; links and devices, which no original has
        }
        if kind.is_gnu_sparse() {
            return Err(Error::invalid("holds a sparse file", "pack the archive again without --sparse"));
        }
        let size = entry.header().entry_size().map_err(|e| damaged(&e))?;
        let path = entry.path_bytes().into_owned();
        let name = String::from_utf8(path).map_err(|_| Error::invalid("holds a name that is not UTF-8", AGAIN))?;
        let name = name.strip_prefix("./").unwrap_or(&name);
        inside(name)?;
        let size = entry.size().max(size);
        let mut content = Whole { inner: &mut entry, left: size };
        if !visit(name, size, &mut content)? {
            return Ok(());
        }
        io::copy(&mut content, &mut io::sink()).map_err(|e| unreadable(name, &e))?;
    }
    // The archive's end, and whatever stands behind it: gzip's checksum is compared there.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|e| damaged(&e))?;
    // Zeros that a file ends with are not the archive's.
    let behind = rest.done.saturating_sub(last.div_ceil(BLOCK).saturating_mul(BLOCK));
    if rest.zeros.min(behind) < END || !rest.done.is_multiple_of(BLOCK) {
        return Err(Error::cut_short("the archive has no end"));
    }
    Ok(())
}

fn damaged(e: &io::Error) -> Error {
    let e: String = e.to_string().chars().take(120).flat_map(char::escape_debug).collect();
    Error::invalid(format!("is no sound tar archive: {e}"), AGAIN)
}

/// Knows how many zeros it ended with.
struct Tail<R> {
    inner: R,
    done: u64,
    zeros: u64,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.done += n as u64;
        let zeros = to[..n].iter().rev().take_while(|b| **b == 0).count();
        self.zeros = if zeros == n { self.zeros + n as u64 } else { zeros as u64 };
        Ok(n)
    }
}

/// A file that is as long as its header says.
struct Whole<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.left = self.left.saturating_sub(n as u64);
        if n == 0 && !to.is_empty() && self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} bytes are missing", self.left)));
        }
        Ok(n)
    }
}

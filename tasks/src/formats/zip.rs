//! Zip archives, one file of them at a time and never to disk.
//!
//! The names and sizes of the archive's directory are checked when it is opened; a file may be no longer than it says and
//! than its reader allows, and all of them no more than 64 times the archive. Checksums are verified.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::Error;

/// What a whole archive may unpack to: so many times its own bytes,
const MOST: u64 = 64;
/// and this much besides.
const SPARE: u64 = 1 << 20;
const FIX: &str = "copy or download it again";

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the archive.
    pub name: String,
    /// Its bytes, unpacked.
    pub size: u64,
    index: usize,
}

/// An archive.
#[derive(Debug)]
pub struct Zip<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    entries: Vec<Entry>,
}

impl<'a> Zip<'a> {
    /// Reads and checks the directory of an archive.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::invalid("the file is empty", FIX));
        }
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged("directory", &e))?;
        let (mut entries, mut total) = (Vec::new(), 0u64);
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(|e| damaged("directory", &e))?;
            let name = file.name().map_err(|e| damaged("directory", &e))?.into_owned();
            let shown = name.chars().take(80).flat_map(char::escape_debug).collect::<String>();
            if !stays_inside(&name) {
                let what = format!("holds a file named '{shown}', which leads out of the archive's folder");
                return Err(Error::invalid(what, "such an archive may be malicious: get the task's own file"));
            }
            if file.encrypted() {
                return Err(Error::invalid(format!("'{shown}' is encrypted"), "give the task's own file"));
            }
            total = total.saturating_add(file.size());
            if file.is_file() {
                entries.push(Entry { size: file.size(), name, index });
            }
        }
        if total > MOST * bytes.len() as u64 + SPARE {
            let what = format!("would unpack {} bytes to {total}", bytes.len());
            return Err(Error::invalid(what, "such an archive may be malicious: get the task's own file"));
        }
        Ok(Self { archive, entries })
    }

    /// Its files, in the directory's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Hands one file to `f` as a stream, and reads what `f` leaves, so that its length and its checksum are compared.
    ///
    /// # Errors
    /// What `f` says, or that the file is damaged.
    ///
    /// # Panics
    /// If there is no entry of this number.
    pub fn stream<R>(&mut self, entry: usize, f: impl FnOnce(&mut dyn Read) -> Result<R, Error>) -> Result<R, Error> {
        let Entry { name, size, index } = &self.entries[entry];
        let shown = name.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        let file = self.archive.by_index(*index).map_err(|e| damaged(&shown, &e))?;
        let mut content = Exact { inner: file, left: *size };
        let done = f(&mut content)?;
        io::copy(&mut content, &mut io::sink()).map_err(|e| damaged(&shown, &ZipError::Io(e)))?;
        Ok(done)
    }

    /// Unpacks one file, of at most `most` bytes, into `out`.
    ///
    /// # Panics
    /// If there is no entry of this number.
    pub fn read(&mut self, entry: usize, most: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        let Entry { name, size, index } = &self.entries[entry];
        let shown = name.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        if *size > most {
            let what = format!("'{shown}' has {size} bytes, at most {most} are expected");
            return Err(Error::invalid(what, "give the task's own file"));
        }
        let file = self.archive.by_index(*index).map_err(|e| damaged(&shown, &e))?;
        out.clear();
        // One byte more than it says, to see whether there is more; the end is where the checksum is compared.
        let got = file.take(size + 1).read_to_end(out);
        got.map_err(|e| damaged(&shown, &ZipError::Io(e)))?;
        if out.len() as u64 != *size {
            let what = format!("'{shown}' is damaged: it does not have the {size} bytes that the directory says");
            return Err(Error::invalid(what, FIX));
        }
        Ok(())
    }
}

/// A file of as many bytes as the directory says.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        let odd = if n == 0 && !to.is_empty() { self.left > 0 } else { self.left < n as u64 };
        if odd {
            return Err(io::Error::other("it does not have the bytes that the directory says"));
        }
        self.left -= n as u64;
        Ok(n)
    }
}

/// Whether a name is a plain path below the archive's folder.
pub(super) fn stays_inside(name: &str) -> bool {
    let odd = name.is_empty() || name.contains(['\\', ':', '\0']) || name.starts_with('/');
    !odd && name.trim_end_matches('/').split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn damaged(what: &str, e: &ZipError) -> Error {
    let e: String = e.to_string().chars().take(120).flat_map(char::escape_debug).collect();
    Error::invalid(format!("is no sound zip archive: {what}: {e}"), FIX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut w = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            w.start_file(*name, SimpleFileOptions::default()).unwrap();
            w.write_all(bytes).unwrap();
        }
        w.finish().unwrap().into_inner()
    }

    fn refused(bytes: &[u8]) -> String {
        Zip::parse(bytes).err().unwrap().to_string()
    }

    #[test]
    fn files_come_back() {
        let bytes = archive(&[("a/b.txt", b"hello"), ("c", &[7; 3_000])]);
        let mut z = Zip::parse(&bytes).unwrap();
        let names: Vec<_> = z.entries().iter().map(|e| (&*e.name, e.size)).collect();
        assert_eq!(names, [("a/b.txt", 5), ("c", 3_000)]);
        let mut out = vec![1];
        z.read(1, 3_000, &mut out).unwrap();
        assert_eq!(out, [7; 3_000]);
        z.read(0, 5, &mut out).unwrap();
        assert_eq!(out, b"hello");
        let e = z.read(1, 2_999, &mut out).unwrap_err().to_string();
        assert!(e.contains("'c' has 3000 bytes, at most 2999 are expected"), "{e}");
    }

    #[test]
    fn odd_archives_are_refused() {
        for name in ["../a", "a/../../b", "/etc/x", "a\\b", "C:x", "a//b", "./a"] {
            let e = refused(&archive(&[(name, b"x")]));
            assert!(e.contains("leads out of the archive's folder"), "{name}: {e}");
        }
        let e = refused(&archive(&[("zeros", &vec![0; 8 << 20])]));
        assert!(e.contains("bytes to 8388608; such an archive may be malicious"), "{e}");
        assert!(refused(b"").contains("the file is empty"));
        assert!(refused(b"PK\x03\x04 and no more").contains("is no sound zip archive: directory"));
    }

    #[test]
    fn damage_is_found() {
        let good = archive(&[("a.txt", &b"some bytes that do not repeat: 0123456789 qwertz"[..])]);
        let mut out = Vec::new();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            // Dates, versions and flags may change; what comes back may not.
            if let Ok(mut z) = Zip::parse(&bad)
                && !z.entries().is_empty()
                && z.read(0, 1_000, &mut out).is_ok()
            {
                assert!(out.starts_with(b"some bytes") && out.ends_with(b"qwertz"), "{at}");
            }
            assert!(Zip::parse(&good[..at]).is_err());
        }
    }
}

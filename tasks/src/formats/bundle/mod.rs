//! One view of what publishers ship: a folder, a `.zip`, a `.tar`, a `.tar.gz`, or one file in a `.gz`, as named members.
//!
//! Archives are read as they lie and never unpacked to disk; a member is a stream, so no more of it is in memory than its
//! reader takes. Names that lead out of the archive are refused, links and devices in it are passed over; it may unpack to no
//! more than 64 times its own bytes (and one megabyte), and ends that are cut off or changed are errors.

mod index;
mod tar;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

pub use index::Index;

use super::Mapped;
use super::zip::{Zip, stays_inside};
use crate::progress::{Progress, Unit};
use crate::{Error, ErrorKind};

/// What a whole archive may unpack to: so many times its own bytes,
pub(super) const MOST: u64 = 64;
/// and this much besides.
pub(super) const SPARE: u64 = 1 << 20;
pub(super) const AGAIN: &str = "copy or download it again";
/// Folders within folders.
const DEEPEST: usize = 16;

/// What is done with a member: its name, its size, its content.
pub type Visit<'v, R> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<R, Error> + 'v;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Zip,
    Tar,
    TarGz,
    Gz,
}

/// A folder or an archive.
pub struct Bundle<'p> {
    path: PathBuf,
    kind: Kind,
    bytes: u64,
    progress: Option<(&'p dyn Progress, String)>,
}

impl<'p> Bundle<'p> {
    /// Looks at what `path` is, by its first bytes; its name says nothing.
    ///
    /// # Errors
    /// If it is not there, or is none of the kinds.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let info = std::fs::metadata(path).map_err(|e| Error::io(path, "open", &e))?;
        let kind = if info.is_dir() { Kind::Folder } else { kind_of_file(path).map_err(|e| e.at(path))? };
        Ok(Self { path: path.to_owned(), kind, bytes: info.len(), progress: None })
    }

    /// Reports as members are read.
    #[must_use]
    pub fn with_progress(self, progress: &'p dyn Progress, message: &str) -> Self {
        Self { progress: Some((progress, message.to_owned())), ..self }
    }

    /// Bytes of the archive as it lies; 0 of a folder.
    pub fn bytes(&self) -> u64 {
        if self.kind == Kind::Folder { 0 } else { self.bytes }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// Every member in the stored order (a folder's by name), one pass: its path with `/` between the parts, its size, its
    /// content, of which as much is read as the callback likes.
    ///
    /// # Errors
    /// What is wrong with the archive, or what the callback says.
    pub fn each(&self, visit: &mut Visit<'_, ()>) -> Result<(), Error> {
        self.pass(&mut |name, size, content| visit(name, size, content).map(|()| true))
    }

    /// Names and sizes of the members; of a tar this takes a pass over all of it. The one member of a `.gz` has the size 0.
    ///
    /// # Errors
    /// What is wrong with the archive.
    pub fn names(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut names = Vec::new();
        self.each(&mut |name, size, _| {
            names.push((name.to_owned(), size));
            Ok(())
        })?;
        Ok(names)
    }

    /// One member of at most `most` bytes, by its path or the last parts of it.
    ///
    /// # Errors
    /// If there is none, it has more bytes, or it is damaged.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Error> {
        let mut found = None;
        self.pass(&mut |member, _, content| {
            let end = member.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
            if end {
                found = Some(read_all(member, content, most)?);
            }
            Ok(!end)
        })?;
        found.ok_or_else(|| {
            let what = format!("holds no file '{name}'");
            Error::new(ErrorKind::Missing, what, "give the folder or archive that holds it").at(&self.path)
        })
    }

    /// The same until the callback says that this is enough.
    fn pass(&self, visit: &mut Visit<'_, bool>) -> Result<(), Error> {
        let pass = match self.kind {
            Kind::Folder => self.folder(visit),
            Kind::Zip => self.zip(visit),
            Kind::Tar => tar::each(self.packed()?, visit),
            Kind::TarGz => tar::each(self.unpacked()?, visit),
            Kind::Gz => self.gz(visit),
        };
        pass.map_err(|e| e.at(&self.path))
    }

    fn report(&self, done: u64, total: u64) {
        if let Some((progress, message)) = &self.progress {
            progress.report(message, done, total, Unit::Bytes);
        }
    }

    /// The file's bytes, reported as they are read.
    fn packed(&self) -> Result<impl Read + '_, Error> {
        let file = File::open(&self.path).map_err(|e| Error::io(&self.path, "open", &e))?;
        Ok(Counted {
            inner: BufReader::with_capacity(1 << 18, file),
            done: 0,
            seen: |done| self.report(done, self.bytes),
        })
    }

    /// What a gzip unpacks to, as far as is allowed.
    fn unpacked(&self) -> Result<impl Read + '_, Error> {
        let inner = MultiGzDecoder::new(BufReader::with_capacity(1 << 18, self.packed()?));
        Ok(Limited { inner, left: self.bytes.saturating_mul(MOST).saturating_add(SPARE) })
    }

    fn folder(&self, visit: &mut Visit<'_, bool>) -> Result<(), Error> {
        let mut files = Vec::new();
        list(&self.path, "", 0, &mut files)?;
        let (total, mut done) = (files.iter().map(|f| f.1).sum(), 0);
        for (name, size) in files {
            let path = self.path.join(&name);
            let mut file = File::open(&path).map_err(|e| Error::io(&path, "open", &e))?;
            let more = visit(&name, size, &mut file).map_err(|e| e.at(&path))?;
            done += size;
            self.report(done, total);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn zip(&self, visit: &mut Visit<'_, bool>) -> Result<(), Error> {
        let map = Mapped::open(&self.path)?;
        let mut zip = Zip::parse(&map)?;
        let (total, mut done) = (zip.entries().iter().map(|e| e.size).sum(), 0);
        for entry in 0..zip.entries().len() {
            let (name, size) = (zip.entries()[entry].name.clone(), zip.entries()[entry].size);
            let more = zip.stream(entry, |content| visit(&name, size, content))?;
            done += size;
            self.report(done, total);
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// One member: the file's name without `.gz`.
    fn gz(&self, visit: &mut Visit<'_, bool>) -> Result<(), Error> {
        let name = self.path.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let mut content = self.unpacked()?;
        if visit(&name, 0, &mut content)? {
            io::copy(&mut content, &mut io::sink()).map_err(|e| unreadable(&name, &e))?;
        }
        Ok(())
    }
}

/// What is left of a stream, `most` bytes at most.
pub(crate) fn read_all(name: &str, content: &mut dyn Read, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    content.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| unreadable(name, &e))?;
    if bytes.len() as u64 > most {
        let what = format!("'{}' has more than the {most} bytes that are expected", shown(name));
        return Err(Error::invalid(what, "give the task's own file"));
    }
    Ok(bytes)
}

/// A member that cannot be read to its end.
pub(crate) fn unreadable(name: &str, e: &io::Error) -> Error {
    let e: String = e.to_string().chars().take(120).flat_map(char::escape_debug).collect();
    Error::invalid(format!("'{}' is damaged or cut short: {e}", shown(name)), AGAIN)
}

/// A name that may come from anywhere, fit for a line of text.
fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

fn kind_of_file(path: &Path) -> Result<Kind, Error> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", &e))?;
    let first = first_of(file).map_err(|e| Error::io(path, "read", &e))?;
    let is_tar = |first: &[u8]| first.get(257..262) == Some(b"ustar");
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    if first.starts_with(b"PK\x07\x08") || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("z01")) {
        let fix = "join its parts first (zip -s 0 ARCHIVE.zip --out whole.zip), or unpack them";
        return Err(Error::new(ErrorKind::Unsupported, "is one part of a split archive", fix));
    }
    if first.starts_with(&[0x1f, 0x8b]) {
        let file = File::open(path).map_err(|e| Error::io(path, "open", &e))?;
        // What cannot be unpacked is no tar; whoever reads the one member will hear of it.
        let inner = first_of(MultiGzDecoder::new(BufReader::new(file))).unwrap_or_default();
        return Ok(if is_tar(&inner) { Kind::TarGz } else { Kind::Gz });
    }
    if is_tar(&first) {
        return Ok(Kind::Tar);
    }
    Err(Error::invalid("is no folder and no archive (zip, tar, tar.gz, gz)", "give the task's own files"))
}

fn first_of(file: impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(512);
    file.take(512).read_to_end(&mut first)?;
    Ok(first)
}

/// Files below `root/inside` by name, depth first.
fn list(root: &Path, inside: &str, depth: usize, files: &mut Vec<(String, u64)>) -> Result<(), Error> {
    let folder = root.join(inside);
    if depth > DEEPEST {
        let what = format!("holds more than {DEEPEST} folders within each other");
        return Err(Error::invalid(what, "give the folder of the task's own files").at(&folder));
    }
    let listed = std::fs::read_dir(&folder).map_err(|e| Error::io(&folder, "list", &e))?;
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(|e| Error::io(&folder, "list", &e))?;
        // A name that is not Unicode is none of the originals'.
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort_unstable();
    for name in names {
        let name = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        let path = root.join(&name);
        let Ok(info) = std::fs::metadata(&path) else { continue }; // a link to nothing
        if info.is_dir() {
            list(root, &name, depth + 1, files)?;
        } else if info.is_file() {
            files.push((name, info.len()));
        }
    }
    Ok(())
}

/// Tells how many bytes have been read.
struct Counted<R, F> {
    inner: R,
    done: u64,
    seen: F,
}

impl<R: Read, F: Fn(u64)> Read for Counted<R, F> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.done += n as u64;
        (self.seen)(self.done);
        Ok(n)
    }
}

/// Fails once more has been unpacked than an honest archive holds.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it unpacks to more than {MOST} times its bytes; such an archive may be malicious"
            ))
        })?;
        Ok(n)
    }
}

/// Refuses a member whose name leads out of the archive.
pub(super) fn inside(name: &str) -> Result<(), Error> {
    if stays_inside(name) {
        return Ok(());
    }
    let what = format!("holds a file named '{}', which leads out of the archive's folder", shown(name));
    Err(Error::invalid(what, "such an archive may be malicious: get the task's own file"))
}

#[cfg(test)]
mod tests;

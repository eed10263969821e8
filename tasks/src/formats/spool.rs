//! A member of an archive as mapped bytes: unpacked to a file without a name, which goes when it is let go of.

use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;

use super::Mapped;
use super::bundle::unreadable;
use crate::Error;

/// Writes what `content` holds, `most` bytes at most, to a nameless file in `folder` and maps it. However this process ends,
/// nothing is left of it.
///
/// # Errors
/// If `content` is damaged or holds more, or the folder cannot be written.
pub fn spool(folder: &Path, name: &str, content: &mut dyn Read, most: u64) -> Result<Mapped, Error> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", &e))?;
    let file = tempfile::tempfile_in(folder).map_err(|e| Error::io(folder, "create a file in", &e))?;
    let mut to = BufWriter::with_capacity(1 << 20, &file);
    let (mut left, mut buffer) = (most, vec![0; 1 << 16]);
    loop {
        let n = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unreadable(name, &e)),
        };
        left = left.checked_sub(n as u64).ok_or_else(|| {
            let what = format!("'{}' unpacks to more than {most} bytes", name.escape_debug());
            Error::invalid(what, "give the task's own file")
        })?;
        to.write_all(&buffer[..n]).map_err(|e| Error::io(folder, "write to", &e))?;
    }
    to.flush().map_err(|e| Error::io(folder, "write to", &e))?;
    drop(to);
    Mapped::of(&file, Path::new(name))
}

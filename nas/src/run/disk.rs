//! The few operations on files that a run needs. Tests stop the process, or fill the disk, at any one of them.

use super::error::RunError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The file system; with a fault in tests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) fault: Option<std::sync::Arc<tests::Fault>>,
}

/// A name for a temporary file that no other process or call uses.
pub(crate) fn unique(folder: &Path, stem: &str, end: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    folder.join(format!("{stem}.{}-{}{end}", std::process::id(), NEXT.fetch_add(1, Relaxed)))
}

/// The end of temporary files' names.
pub(crate) const TEMPORARY: &str = ".tmp";

impl Disk {
    /// Before each operation that changes something.
    #[allow(clippy::unused_self)]
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(fault) = &self.fault {
            fault.step()?;
        }
        Ok(())
    }

    pub(crate) fn create_dir_all(&self, path: &Path) -> Result<(), RunError> {
        let create = || {
            self.step()?;
            fs::create_dir_all(path)
        };
        create().map_err(RunError::io("create", path))
    }

    /// Creates a file that must not be there.
    pub(crate) fn create_new(&self, path: &Path) -> io::Result<File> {
        self.step()?;
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Writes all bytes; a fault leaves half of them.
    pub(crate) fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if let Err(e) = self.step() {
            file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(e);
        }
        file.write_all(bytes)
    }

    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.step()?;
        file.sync_all()
    }

    pub(crate) fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        self.step()?;
        file.set_len(len)
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        fs::rename(from, to)
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        fs::remove_file(path)
    }

    pub(crate) fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        fs::hard_link(from, to)
    }

    /// Makes the names in a folder last. File systems that cannot say so are believed.
    pub(crate) fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        if let Ok(f) = File::open(folder) {
            let _ = f.sync_all();
        }
        Ok(())
    }

    /// Puts a whole file under its name, or leaves what was there: temporary file, sync, `check`, rename, sync.
    pub(crate) fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        check: impl Fn() -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = unique(folder, &format!(".{name}"), TEMPORARY);
        let put = || -> io::Result<()> {
            let mut file = self.create_new(&temporary)?;
            self.write(&mut file, bytes)?;
            self.sync(&file)
        };
        let put = put().map_err(RunError::io("write", path)).and_then(|()| check()).and_then(|()| {
            self.rename(&temporary, path).map_err(RunError::io("write", path))?;
            self.sync_dir(folder).map_err(RunError::io("write", path))
        });
        if put.is_err() {
            let _ = self.remove(&temporary);
        }
        put
    }
}

/// A file's bytes, or nothing if it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, RunError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(RunError::io("read", path)(e)),
    }
}

/// A file's JSON, or nothing if it is not there.
pub(crate) fn read_json(path: &Path) -> Result<Option<serde_json::Value>, RunError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| RunError::damaged(path, format!("not readable as JSON ({e})")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicI64};

    /// What happens at one operation.
    #[derive(Debug)]
    pub(crate) struct Fault {
        left: AtomicI64,
        /// The error of that operation; `None`: the process ends there, so every later one fails too.
        kind: Option<io::ErrorKind>,
        happened: AtomicBool,
    }

    impl Fault {
        pub(crate) fn step(&self) -> io::Result<()> {
            if self.left.fetch_sub(1, Relaxed) == 0 {
                self.happened.store(true, Relaxed);
                return Err(self.kind.unwrap_or(io::ErrorKind::Other).into());
            }
            if self.kind.is_none() && self.happened() {
                return Err(io::ErrorKind::Other.into());
            }
            Ok(())
        }

        pub(crate) fn happened(&self) -> bool {
            self.happened.load(Relaxed)
        }
    }

    impl Disk {
        /// A disk on which operation `n` is the process' last (`kind` is none) or fails.
        pub(crate) fn failing(n: i64, kind: Option<io::ErrorKind>) -> (Self, Arc<Fault>) {
            let fault = Arc::new(Fault { left: AtomicI64::new(n), kind, happened: AtomicBool::new(false) });
            (Self { fault: Some(fault.clone()) }, fault)
        }
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("f");
        Disk::default().replace(&path, b"old!", || Ok(())).unwrap();
        for n in 0.. {
            let (disk, fault) = Disk::failing(n, Some(io::ErrorKind::StorageFull));
            let put = disk.replace(&path, b"new!", || Ok(()));
            let now = fs::read(&path).unwrap();
            if !fault.happened() {
                assert_eq!(now, b"new!");
                break;
            }
            let text = put.unwrap_err().to_string();
            assert!(text.contains("no space left") && text.contains("/f:") && !text.contains('\n'), "{text}");
            assert!(now == b"old!" || now == b"new!");
            assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "the temporary file is gone");
        }
    }

    #[test]
    fn a_real_full_disk_gives_one_clear_line() {
        let scratch = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "np360-test"])
            .arg(scratch.path())
            .output()
            .is_ok_and(|o| o.status.success());
        if !mounted {
            skipped("a real full disk: a tmpfs may not be mounted here");
            return;
        }
        let path = scratch.path().join("checkpoint.safetensors");
        let small = Disk::default().replace(&path, &[1; 4096], || Ok(()));
        let big = Disk::default().replace(&path, &vec![2; 1 << 20], || Ok(()));
        let kept = fs::read(&path);
        let names = fs::read_dir(scratch.path()).unwrap().count();
        let _ = std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(scratch.path()).output();
        let read_only = Disk::default().replace(&path, &[3; 16], || Ok(()));
        let _ = std::process::Command::new("umount").arg(scratch.path()).output();
        small.unwrap();
        assert!(big.unwrap_err().to_string().contains("no space left on the disk; free some"));
        assert!(read_only.unwrap_err().to_string().contains("the file system is read-only; choose a folder"));
        assert_eq!((kept.unwrap(), names), (vec![1; 4096], 1));
    }

    #[allow(clippy::print_stderr, reason = "a test that cannot be made here says so")]
    fn skipped(what: &str) {
        eprintln!("skipped: {what}");
    }
}

//! The files under a folder, named by their path below it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

/// Folders below one another beyond which nothing of the task's lies.
const DEEPEST: usize = 8;

/// What [`Files::each`] hands a file to: its name, its bytes' number, and where to read it.
type Visit<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<(), Error> + 'a;

/// The files of a folder, sorted by name.
pub(super) struct Files {
    files: Vec<(String, PathBuf)>,
}

impl Files {
    pub(super) fn open(from: &Path) -> Result<Self, Error> {
        if !from.is_dir() {
            let fix = "give the folder of npy_train and npy_test, as the archives unpack to it";
            return Err(Error::new(ErrorKind::Missing, "there is no such folder", fix).at(from));
        }
        let mut files = Vec::new();
        list(from, "", DEEPEST, &mut files)?;
        files.sort();
        Ok(Self { files })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(name, _)| &**name)
    }

    /// Hands over each file; its errors name it.
    pub(super) fn each(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        for (name, path) in &self.files {
            let mut file = File::open(path).map_err(|e| Error::io(path, "open", &e))?;
            let size = file.metadata().map_err(|e| Error::io(path, "look at", &e))?.len();
            visit(name, size, &mut file).map_err(|e| e.at(path))?;
        }
        Ok(())
    }
}

fn list(folder: &Path, below: &str, deeper: usize, files: &mut Vec<(String, PathBuf)>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, "list", &e))? {
        let entry = entry.map_err(|e| Error::io(folder, "list", &e))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if path.is_dir() && deeper > 0 {
            list(&path, &name, deeper - 1, files)?;
        } else if path.is_file() {
            files.push((name, path));
        }
    }
    Ok(())
}

//! The files of the original wherever they lie: in a folder, in the publisher's two archives, or in one of everything.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::original::Place;
use crate::Error;
use crate::formats::bundle::Bundle;
use crate::progress::Progress;

/// The publisher's archives of the two halves; a copy may be gzipped.
pub(super) const ARCHIVES: [&str; 2] = ["deepCR.ACS-WFC.train.tar", "deepCR.ACS-WFC.test.tar"];

/// What [`Files::each`] hands a file to: its place, and its content.
type Visit<'a> = dyn FnMut(Place<'_>, &mut dyn Read) -> Result<(), Error> + 'a;

/// A folder, archives, or both.
pub(super) struct Files {
    sources: Vec<PathBuf>,
}

impl Files {
    /// An archive as it is; of a folder, each half from its files or, where there are none, from its archive.
    pub(super) fn open(from: &Path) -> Result<Self, Error> {
        let bundle = Bundle::open(from)?;
        if !bundle.is_folder() {
            return Ok(Self { sources: vec![from.to_owned()] });
        }
        let (mut unpacked, mut archives) = ([false; 2], [None, None]);
        for (name, _) in bundle.names()? {
            if let Some(place) = Place::of(&name) {
                unpacked[place.half] = true;
            }
            let last = name.rsplit('/').next().unwrap_or(&name);
            let half = ARCHIVES.iter().position(|a| *a == last.strip_suffix(".gz").unwrap_or(last));
            if let Some(half) = half {
                archives[half].get_or_insert_with(|| from.join(&name));
            }
        }
        let packed = archives.into_iter().zip(unpacked).filter_map(|(archive, unpacked)| archive.filter(|_| !unpacked));
        let mut sources: Vec<PathBuf> = packed.collect();
        if sources.is_empty() || unpacked.contains(&true) {
            sources.insert(0, from.to_owned());
        }
        Ok(Self { sources })
    }

    /// Whether some come out of an archive.
    pub(super) fn are_packed(&self) -> bool {
        self.sources.iter().any(|path| !path.is_dir())
    }

    /// Hands over each file that has a place, as they are stored; its errors name it.
    pub(super) fn each(&self, doing: &str, progress: &dyn Progress, visit: &mut Visit<'_>) -> Result<(), Error> {
        for path in &self.sources {
            let bundle = Bundle::open(path)?;
            let archive = path.file_name().filter(|_| !bundle.is_folder());
            let message = archive.map_or(doing.to_owned(), |name| format!("{doing} from {}", name.display()));
            bundle.with_progress(progress, &message).each(&mut |name, _, content| match Place::of(name) {
                Some(place) => visit(place, content).map_err(|e| e.at(&path.join(name))),
                None => Ok(()),
            })?;
        }
        Ok(())
    }
}

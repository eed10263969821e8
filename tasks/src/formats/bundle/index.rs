//! Members by name, in any order.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use super::{Bundle, Kind, list, read_all};
use crate::formats::Mapped;
use crate::formats::zip::Zip;
use crate::{Error, ErrorKind};

/// The files of a folder or a zip, found by their names or the last parts of them.
pub struct Index<'a> {
    from: From<'a>,
    /// By last part, in the stored order.
    names: BTreeMap<String, Vec<(String, usize)>>,
    path: PathBuf,
}

enum From<'a> {
    Folder,
    Zip(Box<Zip<'a>>),
}

impl Bundle<'_> {
    /// Hands `use_it` the members by name. Archives that can only be read from end to end are refused.
    ///
    /// # Errors
    /// If it is such an archive, or damaged, or what `use_it` says.
    pub fn index<R>(&self, use_it: impl FnOnce(&mut Index<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let map = if self.kind == Kind::Zip { Some(Mapped::open(&self.path)?) } else { None };
        let (from, names): (_, Vec<String>) = match (&map, self.kind) {
            (Some(map), _) => {
                let zip = Zip::parse(map).map_err(|e| e.at(&self.path))?;
                let names = zip.entries().iter().map(|e| e.name.clone()).collect();
                (From::Zip(Box::new(zip)), names)
            }
            (None, Kind::Folder) => {
                let mut files = Vec::new();
                list(&self.path, "", 0, &mut files)?;
                (From::Folder, files.into_iter().map(|f| f.0).collect())
            }
            _ => {
                let fix = "unpack it and give the folder";
                let what = "its many files are read in another order than such an archive has them";
                return Err(Error::new(ErrorKind::Unsupported, what, fix).at(&self.path));
            }
        };
        let mut by_name = BTreeMap::<String, Vec<(String, usize)>>::new();
        for (i, name) in names.into_iter().enumerate() {
            by_name.entry(last_part(&name).to_owned()).or_default().push((name, i));
        }
        use_it(&mut Index { from, names: by_name, path: self.path.clone() })
    }
}

impl Index<'_> {
    fn entry(&self, end: &str) -> Option<&(String, usize)> {
        let ends = |name: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        self.names.get(last_part(end))?.iter().find(|(name, _)| ends(name))
    }

    /// The whole name of the first file whose name ends so.
    pub fn find(&self, end: &str) -> Option<&str> {
        self.entry(end).map(|(name, _)| name.as_str())
    }

    /// All whole names, by their last parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.values().flatten().map(|(name, _)| name.as_str())
    }

    /// A file of at most `most` bytes, by the end of its name.
    ///
    /// # Errors
    /// If there is none, it has more bytes, or it is damaged.
    pub fn read(&mut self, end: &str, most: u64) -> Result<Vec<u8>, Error> {
        let Some((name, entry)) = self.entry(end).cloned() else {
            let what = format!("holds no file '{}'", end.escape_debug());
            return Err(Error::new(ErrorKind::Missing, what, "give the folder or archive that holds it").at(&self.path));
        };
        match &mut self.from {
            From::Zip(zip) => {
                let mut bytes = Vec::new();
                zip.read(entry, most, &mut bytes).map_err(|e| e.at(&self.path))?;
                Ok(bytes)
            }
            From::Folder => {
                let path = self.path.join(&name);
                let mut file = std::fs::File::open(&path).map_err(|e| Error::io(&path, "open", &e))?;
                read_all(&name, &mut file.by_ref(), most).map_err(|e| e.at(&path))
            }
        }
    }

    /// A file's place, for messages.
    pub fn place(&self, end: &str) -> PathBuf {
        self.find(end).map_or_else(|| self.path.clone(), |name| self.path.join(name))
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

//! The challenge's own files: `REFERENCE-v3.csv`, and for each record a `.mat` (version 4) and a `.hea` (WFDB header), in
//! `training2017.zip` or in the folder that it unpacks to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::import::{MOST_SAMPLES, Records};
use super::{CLASSES, class};
use crate::Error;
use crate::error::grouped;
use crate::formats::array::Class;
use crate::formats::mat4::Mat4;
use crate::formats::zip::Zip;
use crate::store::Source;

/// Labels, newest version first.
pub(super) const REFERENCES: [&str; 2] = ["REFERENCE-v3.csv", "REFERENCE.csv"];
/// Most bytes of a `.mat`, of a header, of the labels.
const MAT: u64 = 2 * MOST_SAMPLES as u64 + 1_024;
const HEA: u64 = 4 << 10;
const CSV: u64 = 1 << 20;
const FIX: &str = "give the challenge's own training2017.zip";

/// Files by name, wherever they are.
pub(super) enum Files<'a> {
    /// Names without folders, and numbers in the archive.
    Zip(Zip<'a>, BTreeMap<String, usize>),
    Folder(PathBuf),
}

impl<'a> Files<'a> {
    pub(super) fn zip(bytes: &'a [u8]) -> Result<Self, Error> {
        let zip = Zip::parse(bytes)?;
        let mut names = BTreeMap::new();
        for (i, entry) in zip.entries().iter().enumerate() {
            let name = entry.name.rsplit('/').next().unwrap_or_default();
            if !name.starts_with('.') && names.insert(name.to_owned(), i).is_some() {
                let what = format!("holds two files named {}", name.escape_debug());
                return Err(Error::invalid(what, FIX));
            }
        }
        Ok(Self::Zip(zip, names))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Zip(_, names) => names.contains_key(name),
            Self::Folder(folder) => folder.join(name).is_file(),
        }
    }

    /// Reads a file of at most `most` bytes.
    fn read(&mut self, name: &str, most: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Zip(zip, names) => {
                let entry = *names.get(name).ok_or_else(|| Error::invalid(format!("holds no {name}"), FIX))?;
                zip.read(entry, most, out)
            }
            Self::Folder(folder) => read(&folder.join(name), most, out),
        }
    }

    /// Names the file that an error is in: in an archive as part of what is wrong, in a folder as the path.
    fn inside(&self, name: &str, e: Error) -> Error {
        match self {
            Self::Zip(..) => Error { what: format!("{name}: {}", e.what), ..e },
            Self::Folder(folder) => e.at(&folder.join(name)),
        }
    }
}

fn read(path: &Path, most: u64, out: &mut Vec<u8>) -> Result<(), Error> {
    let file = fs::File::open(path).map_err(|e| Error::io(path, "open", &e))?;
    out.clear();
    let got = io::Read::read_to_end(&mut io::Read::take(file, most + 1), out);
    got.map_err(|e| Error::io(path, "read", &e))?;
    if out.len() as u64 > most {
        let what = format!("has more than the {} bytes that are expected", grouped(most));
        return Err(Error::invalid(what, FIX).at(path));
    }
    Ok(())
}

/// The records of the challenge that have all their files, by name.
pub(super) struct Challenge<'a> {
    files: Files<'a>,
    names: Vec<String>,
    labels: Vec<i32>,
    notices: Vec<String>,
    /// Labels that lie beside the archive, as a source.
    pub(super) beside: Option<Source>,
    bytes: Vec<u8>,
}

impl<'a> Challenge<'a> {
    /// Reads the labels: of version 3 among the files or in the folder `beside` them, else of whatever version is there.
    pub(super) fn open(mut files: Files<'a>, beside: &Path) -> Result<Self, Error> {
        let mut csv = Vec::new();
        let outside = beside.join(REFERENCES[0]);
        let (name, mut source) = match REFERENCES.into_iter().find(|r| files.has(r)) {
            Some(name) if name == REFERENCES[0] || !outside.is_file() => (name, None),
            None if !outside.is_file() => {
                return Err(Error::invalid(format!("there is no {} in it", REFERENCES[0]), FIX));
            }
            _ => (REFERENCES[0], Some(outside)),
        };
        let listed = match &source {
            None => files.read(name, CSV, &mut csv).and_then(|()| reference(&csv)).map_err(|e| files.inside(name, e)),
            Some(path) => read(path, CSV, &mut csv).and_then(|()| reference(&csv)).map_err(|e| e.at(path)),
        }?;
        let mut notices = Vec::new();
        if name != REFERENCES[0] {
            notices.push(format!("labels of {name}, not of {}", REFERENCES[0]));
        }
        let all = listed.len();
        let whole = |n: &String| files.has(&format!("{n}.mat")) && files.has(&format!("{n}.hea"));
        let (names, labels): (Vec<_>, Vec<_>) = listed.into_iter().filter(|(n, _)| whole(n)).unzip();
        if names.len() < all {
            notices.push(format!("{} listed records are not there", grouped((all - names.len()) as u64)));
        }
        let beside = source.take().map(|_| crate::store::Source::of(name, &csv));
        Ok(Self { files, names, labels, notices, beside, bytes: Vec::new() })
    }

    /// One hash and the bytes of all that is read, for a folder, which is no file that could be hashed.
    pub(super) fn digest(&mut self) -> Result<(String, u64), Error> {
        let (mut hasher, mut total) = (blake3::Hasher::new(), 0);
        let mut bytes = Vec::new();
        for (name, label) in self.names.iter().zip(&self.labels) {
            hasher.update(format!("{name} {}\n", CLASSES[*label as usize]).as_bytes());
            for (end, most) in [("hea", HEA), ("mat", MAT)] {
                self.files.read(&format!("{name}.{end}"), most, &mut bytes)?;
                hasher.update(&bytes);
                total += bytes.len() as u64;
            }
        }
        Ok((hasher.finalize().to_hex().to_string(), total))
    }
}

impl Records for Challenge<'_> {
    fn labels(&self) -> &[i32] {
        &self.labels
    }

    fn notices(&self) -> &[String] {
        &self.notices
    }

    fn read(&mut self, i: usize, out: &mut Vec<f64>) -> Result<(), Error> {
        let (mat, hea) = (format!("{}.mat", self.names[i]), format!("{}.hea", self.names[i]));
        let parsed = self.files.read(&mat, MAT, &mut self.bytes).and_then(|()| samples(&self.bytes, out));
        parsed.map_err(|e| self.files.inside(&mat, e))?;
        let parsed = self.files.read(&hea, HEA, &mut self.bytes);
        let parsed = parsed.and_then(|()| header(&self.bytes, &self.names[i], out.len()));
        parsed.map_err(|e| self.files.inside(&hea, e))
    }
}

/// `A00001,N` and so on, sorted by name.
fn reference(csv: &[u8]) -> Result<Vec<(String, i32)>, Error> {
    let text = std::str::from_utf8(csv).map_err(|_| Error::invalid("is not text", FIX))?;
    let mut found = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let wrong = |what: String| Error::invalid(format!("line {}: {what}", i + 1), FIX);
        let shown: String = line.chars().take(40).flat_map(char::escape_debug).collect();
        let (name, label) = line.trim().split_once(',').ok_or_else(|| wrong(format!("'{shown}' is no name,label")))?;
        // Names become names of files.
        if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(wrong(format!("'{shown}' begins with no record's name")));
        }
        let label = class(label).ok_or_else(|| wrong(format!("'{shown}' has none of the labels N, A, O and ~")))?;
        if found.insert(name.to_owned(), label).is_some() {
            return Err(wrong(format!("{name} is listed twice")));
        }
    }
    Ok(found.into_iter().collect())
}

/// The samples of a `.mat`.
fn samples(bytes: &[u8], out: &mut Vec<f64>) -> Result<(), Error> {
    let mat = Mat4::parse(bytes)?;
    let (shape, element) = (mat.matrix.shape(), mat.matrix.element());
    if mat.name != "val" || shape[0] != 1 || element.class != Class::Int {
        let what = format!("holds '{}', {shape:?} of {}, not 'val', a row of integers", mat.name, element.name());
        return Err(Error::invalid(what, FIX));
    }
    out.resize(mat.matrix.len(), 0.0);
    mat.matrix.numbers(0, out);
    Ok(())
}

/// Checks a header against what the `.mat` holds: one lead, 300 Hz, 1,000 units a millivolt.
fn header(bytes: &[u8], name: &str, samples: usize) -> Result<(), Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::invalid("is not text", FIX))?;
    let mut lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let mut fields = || lines.next().unwrap_or_default().split_ascii_whitespace().collect::<Vec<_>>();
    let (record, lead) = (fields(), fields());
    let field = |line: &[&str], i: usize| line.get(i).copied().unwrap_or("nothing").escape_debug().to_string();
    let rate = field(&record, 2).parse::<f64>().ok();
    for (what, right, got, want) in [
        ("record", field(&record, 0) == name, field(&record, 0), name.to_owned()),
        ("number of leads", field(&record, 1) == "1", field(&record, 1), "1".into()),
        ("rate", rate == Some(300.0), field(&record, 2), "300 Hz".into()),
        ("length", field(&record, 3).parse() == Ok(samples), field(&record, 3), format!("{samples}, as in the .mat")),
        ("file", field(&lead, 0) == format!("{name}.mat"), field(&lead, 0), format!("{name}.mat")),
        ("format", field(&lead, 1) == "16+24", field(&lead, 1), "16+24".into()),
        ("gain", field(&lead, 2) == "1000/mV", field(&lead, 2), "1000/mV".into()),
    ] {
        if !right {
            let got: String = got.chars().take(40).collect();
            return Err(Error::invalid(format!("the header's {what} is {got}, not {want}"), FIX));
        }
    }
    Ok(())
}

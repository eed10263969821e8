//! From the originals to a store: which file was given, which record goes where.

use std::path::{Path, PathBuf};

use super::archive::{Challenge, Files, REFERENCES};
use super::pickled::Pickled;
use super::{CLASSES, FACTS, WINDOWS, write_split};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::pickle::Pickle;
use crate::numpy_random::permutation;
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Summary};

/// Most samples of a record: an hour.
pub(super) const MOST_SAMPLES: usize = 3_600 * 300;
const ZIP: &str = "training2017.zip";
const FOLDER: &str = "training2017";
const PICKLE: &str = "challenge2017.pkl";

/// Records of whatever original, in the order that the split is drawn from.
pub(super) trait Records {
    /// Their classes.
    fn labels(&self) -> &[i32];
    /// What is missing, a line each.
    fn notices(&self) -> &[String];
    /// The samples of record `i`.
    fn read(&mut self, i: usize, out: &mut Vec<f64>) -> Result<(), Error>;
}

enum Found {
    Zip(PathBuf),
    Folder(PathBuf),
    Pickle(PathBuf),
}

/// What `from` is or holds.
fn find(from: &Path) -> Result<Found, Error> {
    if !from.is_dir() {
        let map = Mapped::open(from)?;
        let zip = map.starts_with(b"PK") || from.extension().is_some_and(|e| e == "zip");
        return Ok(if zip { Found::Zip(from.to_owned()) } else { Found::Pickle(from.to_owned()) });
    }
    let unpacked = |folder: &Path| REFERENCES.iter().any(|r| folder.join(r).is_file()) && !from.join(ZIP).is_file();
    let (zip, pickle, below) = (from.join(ZIP), from.join(PICKLE), from.join(FOLDER));
    let mut found = Vec::new();
    if zip.is_file() {
        found.push(Found::Zip(zip));
    } else if below.is_dir() {
        found.push(Found::Folder(below));
    } else if unpacked(from) {
        found.push(Found::Folder(from.to_owned()));
    }
    if pickle.is_file() {
        found.push(Found::Pickle(pickle));
    }
    match found.len() {
        0 => {
            let what = format!("there is no {ZIP} in it, no folder {FOLDER} and no {PICKLE}");
            Err(Error::new(ErrorKind::Missing, what, "give one of these, or the folder that holds it").at(from))
        }
        1 => Ok(found.remove(0)),
        _ => {
            let what = format!("holds both the challenge's records and {PICKLE}");
            Err(Error::invalid(what, "name the file itself").at(from))
        }
    }
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    match find(from)? {
        Found::Zip(path) => {
            let map = Mapped::open(&path)?;
            let beside = path.parent().unwrap_or(Path::new(""));
            let files = Files::zip(&map).map_err(|e| e.at(&path))?;
            let mut records = Challenge::open(files, beside).map_err(|e| e.at(&path))?;
            let mut sources = vec![Source::of(ZIP, &map)];
            sources.extend(records.beside.take());
            store(&mut records, &path, sources, data_dir, progress)
        }
        Found::Folder(path) => {
            let beside = path.parent().unwrap_or(Path::new(""));
            let mut records = Challenge::open(Files::Folder(path.clone()), beside).map_err(|e| e.at(&path))?;
            let (blake3, bytes) = records.digest()?;
            let mut sources = vec![Source { blake3, bytes, name: FOLDER.to_owned() }];
            sources.extend(records.beside.take());
            store(&mut records, &path, sources, data_dir, progress)
        }
        Found::Pickle(path) => {
            let map = Mapped::open(&path)?;
            let pickle = Pickle::parse(&map).map_err(|e| e.at(&path))?;
            let mut records = Pickled::open(&pickle).map_err(|e| e.at(&path))?;
            store(&mut records, &path, vec![Source::of(PICKLE, &map)], data_dir, progress)
        }
    }
}

/// The numbers of the records of each part, ascending: a fifth is held out by NumPy's permutation, and half of it, by
/// another of its own, is the test part.
pub(super) fn split(n: usize) -> [Vec<i32>; 3] {
    let all = permutation(0, n as u32);
    let (held, train) = all.split_at(n.div_ceil(5));
    let order = permutation(0, held.len() as u32);
    let (test, val) = order.split_at(held.len().div_ceil(2));
    let of = |order: &[u32]| order.iter().map(|&i| held[i as usize]).collect::<Vec<_>>();
    [train.to_vec(), of(val), of(test)].map(|mut part| {
        part.sort_unstable();
        part.into_iter().map(|i| i as i32).collect()
    })
}

fn store(
    records: &mut dyn Records,
    path: &Path,
    sources: Vec<Source>,
    data_dir: &Path,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    let labels = records.labels().to_vec();
    let (n, published) = (labels.len(), FACTS.sizes);
    let parts = split(n);
    if parts.iter().any(Vec::is_empty) {
        let what = format!("has {n} records, too few to hold a fifth out and to halve that");
        return Err(Error::invalid(what, "give at least 6").at(path));
    }
    let mut notices = records.notices().to_vec();
    let all = published.train + published.val + published.test;
    if n != all {
        notices.push(format!("{} of {} records", grouped(n as u64), grouped(all as u64)));
    }
    let provenance = if notices.is_empty() { Provenance::Original } else { Provenance::Partial };
    for (what, part) in ["training", "validation", "test"].into_iter().zip(&parts) {
        let missing = |k: &usize| part.iter().all(|&r| labels[r as usize] != *k as i32);
        for k in (0..CLASSES.len()).filter(missing) {
            notices.push(format!("{what} holds no record of class {}", CLASSES[k]));
        }
    }
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance,
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: CLASSES.len(),
        notices,
    };
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut done = 0;
    for (part, numbers) in Part::ALL.into_iter().zip(&parts) {
        let mut split = store.split(part)?;
        let classes: Vec<i32> = numbers.iter().map(|&r| labels[r as usize]).collect();
        write_split(&mut split, numbers, &classes, |i, out| {
            if done % 64 == 0 {
                progress.report("importing ecg", done, n as u64, Unit::Items);
            }
            done += 1;
            let record = numbers[i] as usize;
            records.read(record, out).map_err(|e| e.at(path))?;
            if !(WINDOWS.length..=MOST_SAMPLES).contains(&out.len()) {
                let what = format!("record {} has {} samples", grouped(record as u64), grouped(out.len() as u64));
                let fix = "records of 1,000 to 1,080,000 can be read: remove it";
                return Err(Error::invalid(what, fix).at(path));
            }
            Ok(())
        })?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing ecg", n as u64, n as u64, Unit::Items);
    Summary::of(data_dir, &super::Ecg)
}

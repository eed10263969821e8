//! The publisher's archives: pickles of Python 2 (`train`, `test`, `meta`), or records of bytes (`train.bin`, `test.bin`,
//! `fine_label_names.txt`); packed or unpacked.

use std::path::Path;

use super::FACTS;
use crate::formats::Mapped;
use crate::formats::bundle::{Bundle, read_all};
use crate::formats::pickle::Pickle;
use crate::formats::spool::spool;
use crate::images::{classes, interleave, labels, notices, validation, write_split};
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary};

const FIX: &str = "give cifar-100-python.tar.gz or cifar-100-binary.tar.gz, or the folder of either";
const SHAPE: [usize; 3] = [32, 32, 3];
/// Bytes of a picture, plane by plane.
const BYTES: usize = 3_072;
/// Before a picture in the binary archive: the coarse class, the class.
const HEAD: usize = 2;
/// No published file is larger than a fifth of this.
const MOST: u64 = 1 << 30;
/// Pictures between two reports.
const STRIDE: usize = 4_096;

/// Training, test, names of the classes: as one archive calls them, and as the other.
const PICKLED: [&str; 3] = ["train", "test", "meta"];
const BINARY: [&str; 3] = ["train.bin", "test.bin", "fine_label_names.txt"];

/// A file that was found.
struct Found {
    name: String,
    bytes: Mapped,
}

/// One file's pictures, plane by plane, each after `skip` bytes.
struct Pictures<'a> {
    bytes: &'a [u8],
    skip: usize,
    labels: Vec<i32>,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let (files, pickled) = find(from, data_dir, progress)?;
    let at = |i: usize, e: Error| e.at(&from.join(&files[i].name));
    let pickle = |i: usize| match pickled {
        true => Pickle::parse(&files[i].bytes).map(Some).map_err(|e| at(i, e)),
        false => Ok(None),
    };
    let pickles = [pickle(0)?, pickle(1)?, pickle(2)?];
    let pictures = |i: usize| {
        let read = pickles[i].as_ref().map_or_else(|| of_records(&files[i].bytes), of_pickle);
        read.map_err(|e| at(i, e))
    };
    let [fit, test] = [pictures(0)?, pictures(1)?];
    let outputs = pickles[2].as_ref().map_or_else(|| lines(&files[2].bytes), names).map_err(|e| at(2, e))?;
    let seen = classes(&[&fit.labels, &test.labels]);
    if seen > outputs {
        let what = format!("names {outputs} classes where a picture has class {}", seen - 1);
        return Err(at(2, Error::invalid(what, FIX)));
    }
    let n = fit.labels.len();
    let val = validation(n, FACTS.sizes, &from.join(&files[0].name))?;
    let sizes = Sizes { train: n - val, val, test: test.labels.len() };
    let splits = [&fit.labels[..n - val], &fit.labels[n - val..], &test.labels];
    let notices = notices(&FACTS, sizes, outputs, splits);
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance: if notices.is_empty() { Provenance::Original } else { Provenance::Partial },
        seed: None,
        sources: files.iter().map(|f| Source::of(&f.name, &f.bytes)).collect(),
        task: FACTS.name.to_owned(),
        outputs,
        notices,
    };
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (total, mut before) = ((n + sizes.test) as u64, 0);
    for (part, from, first, labels) in
        [(Part::Train, &fit, 0, splits[0]), (Part::Val, &fit, n - val, splits[1]), (Part::Test, &test, 0, splits[2])]
    {
        let mut split = store.split(part)?;
        write_split(&mut split, &SHAPE, labels, |i, to| {
            if i % STRIDE == 0 {
                progress.report("importing cifar100", before + i as u64, total, Unit::Items);
            }
            let start = (first + i) * (from.skip + BYTES) + from.skip;
            interleave(&from.bytes[start..start + BYTES], 3, to);
            Ok(())
        })?;
        store.finish(split, &origin)?;
        before += labels.len() as u64;
    }
    store.publish()?;
    progress.report("importing cifar100", total, total, Unit::Items);
    Summary::of(data_dir, &super::Cifar100)
}

/// The three files of whichever archive is there, and whether they are pickles.
fn find(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<([Found; 3], bool), Error> {
    let bundle = Bundle::open(from)?.with_progress(progress, "reading cifar100");
    let mut found: [[Option<Found>; 3]; 2] = Default::default();
    bundle.each(&mut |name, _, content| {
        let last = name.rsplit('/').next().unwrap_or(name);
        for (names, found) in [PICKLED, BINARY].iter().zip(&mut found) {
            let Some(i) = names.iter().position(|n| *n == last).filter(|&i| found[i].is_none()) else { continue };
            // A file is mapped where it lies, a member of an archive from a nameless copy.
            let path = from.join(name);
            let bytes = if bundle.is_folder() { Mapped::open(&path)? } else { spool(data_dir, name, content, MOST)? };
            found[i] = Some(Found { name: if bundle.is_folder() { name } else { last }.to_owned(), bytes });
        }
        Ok(())
    })?;
    let have = found.each_ref().map(|f| f.iter().flatten().count());
    let pickled = have[0] >= have[1];
    let (names, found) = if pickled { (PICKLED, found.into_iter().next()) } else { (BINARY, found.into_iter().nth(1)) };
    let mut found = found.unwrap_or_default();
    if let Some(i) = found.iter().position(Option::is_none) {
        let what = format!("holds no file '{}'", names[i]);
        return Err(Error::new(ErrorKind::Missing, what, FIX).at(from));
    }
    let mut take = |i: usize| found[i].take().expect("all are there");
    Ok(([take(0), take(1), take(2)], pickled))
}

/// A dict with `data` u1 `[N, 3072]` and `fine_labels`.
fn of_pickle<'a>(pickle: &'a Pickle<'_>) -> Result<Pictures<'a>, Error> {
    let wrong = |what: String| Error::invalid(what, FIX);
    let field = |name: &str| pickle.root().get(name).ok_or_else(|| wrong(format!("holds no dict with '{name}'")));
    let data = field("data")?;
    let array = data.array().ok_or_else(|| wrong(format!("'data' is {}, not an array of numbers", data.what())))?;
    let (&[n, BYTES], Some(bytes)) = (array.shape(), array.octets()) else {
        let (element, shape) = (array.element().name(), array.shape());
        return Err(wrong(format!("'data' is an array of {element} of shape {shape:?}, not of u1 and (N, {BYTES})")));
    };
    Ok(Pictures { bytes, skip: 0, labels: labels(field("fine_labels")?, "fine_labels", n, FIX)? })
}

/// Records of a coarse class, a class and a picture.
fn of_records(bytes: &[u8]) -> Result<Pictures<'_>, Error> {
    let records = bytes.chunks_exact(HEAD + BYTES);
    if !records.remainder().is_empty() {
        let what = format!("{} bytes are no whole number of records of {}", bytes.len(), HEAD + BYTES);
        return Err(Error::cut_short(what));
    }
    Ok(Pictures { bytes, skip: HEAD, labels: records.map(|r| r[1].into()).collect() })
}

/// How many classes `meta` names.
fn names(meta: &Pickle<'_>) -> Result<usize, Error> {
    let names = meta.root().get("fine_label_names").and_then(|n| Some(n.items()?.len()));
    names.filter(|&n| n > 0).ok_or_else(|| Error::invalid("holds no dict with a list 'fine_label_names'", FIX))
}

/// How many lines are not empty.
fn lines(bytes: &[u8]) -> Result<usize, Error> {
    let text = read_all("fine_label_names.txt", &mut &*bytes, 1 << 20)?;
    let names = String::from_utf8(text).ok().map(|t| t.lines().filter(|l| !l.trim().is_empty()).count());
    names.filter(|&n| n > 0).ok_or_else(|| Error::invalid("holds no names of classes, a line each", FIX))
}

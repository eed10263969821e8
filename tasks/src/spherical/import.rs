//! The benchmark's file: `s2_cifar100.gz`, a gzip of a pickled dict `train`, `test`, each a dict `images`, `labels`.

use std::path::{Path, PathBuf};

use super::FACTS;
use crate::formats::Mapped;
use crate::formats::bundle::Bundle;
use crate::formats::pickle::Pickle;
use crate::formats::spool::spool;
use crate::images::{classes, interleave, labels, notices, validation, write_split};
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Sizes, Summary};

const NAMES: [&str; 2] = ["s2_cifar100.gz", "s2_cifar100"];
const FIX: &str = "give the task's own file, s2_cifar100.gz";
/// The published file unpacks to 649 MB.
const MOST: u64 = 8 << 30;
/// Pictures between two reports.
const STRIDE: usize = 4_096;

/// One half's pictures, plane by plane.
struct Pictures<'a> {
    /// Channels, rows, columns.
    shape: [usize; 3],
    planes: &'a [u8],
    labels: Vec<i32>,
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let path = find(from)?;
    let packed = Mapped::open(&path)?;
    let bytes = if packed.starts_with(&[0x1f, 0x8b]) {
        let mut bytes = None;
        Bundle::open(&path)?.with_progress(progress, "unpacking spherical").each(&mut |name, _, content| {
            bytes = Some(spool(data_dir, name, content, MOST)?);
            Ok(())
        })?;
        bytes.ok_or_else(|| Error::invalid("holds no file", FIX).at(&path))?
    } else {
        Mapped::open(&path)?
    };
    let at = |e: Error| e.at(&path);
    let pickle = Pickle::parse(&bytes).map_err(at)?;
    let [fit, test] = [read(&pickle, "train").map_err(at)?, read(&pickle, "test").map_err(at)?];
    if fit.shape != test.shape {
        let what = format!("has test images of {:?} where training's are {:?}", test.shape, fit.shape);
        return Err(Error::invalid(what, FIX).at(&path));
    }
    let [c, h, w] = fit.shape;
    let n = fit.labels.len();
    let val = validation(n, FACTS.sizes, &path)?;
    let sizes = Sizes { train: n - val, val, test: test.labels.len() };
    let splits = [&fit.labels[..n - val], &fit.labels[n - val..], &test.labels];
    // A file may lack the largest classes; a class more than the task's is other data.
    let outputs = classes(&[&fit.labels, &test.labels]).max(if c == 3 { FACTS.outputs } else { 0 });
    let mut notices = notices(&FACTS, sizes, outputs, splits);
    if [h, w, c] != FACTS.input {
        notices.push(format!("{h} x {w} points of {c} channels instead of 60 x 60 of 3"));
    }
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance: if notices.is_empty() { Provenance::Original } else { Provenance::Partial },
        seed: None,
        sources: vec![Source::of(&path.file_name().unwrap_or_default().to_string_lossy(), &packed)],
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
        write_split(&mut split, &[h, w, c], labels, |i, to| {
            if i % STRIDE == 0 {
                progress.report("importing spherical", before + i as u64, total, Unit::Items);
            }
            interleave(&from.planes[(first + i) * c * h * w..][..c * h * w], c, to);
            Ok(())
        })?;
        store.finish(split, &origin)?;
        before += labels.len() as u64;
    }
    store.publish()?;
    progress.report("importing spherical", total, total, Unit::Items);
    Summary::of(data_dir, &super::Spherical)
}

/// The file itself, or the folder that holds it, packed or not.
fn find(from: &Path) -> Result<PathBuf, Error> {
    if !from.is_dir() {
        return Ok(from.to_owned());
    }
    NAMES.iter().map(|n| from.join(n)).find(|p| p.is_file()).ok_or_else(|| {
        let what = format!("holds no file '{}' and no '{}'", NAMES[0], NAMES[1]);
        Error::new(ErrorKind::Missing, what, FIX).at(from)
    })
}

/// `images` u1 `[N, c, h, w]` and `labels` of one half.
fn read<'a>(pickle: &'a Pickle<'_>, half: &str) -> Result<Pictures<'a>, Error> {
    let wrong = |what: String| Error::invalid(what, FIX);
    let dict = pickle.root().get(half).ok_or_else(|| wrong(format!("holds no dict with '{half}'")))?;
    let field = |name: &str| dict.get(name).ok_or_else(|| wrong(format!("'{half}' has no '{name}'")));
    let images = field("images")?;
    let array =
        images.array().ok_or_else(|| wrong(format!("'images' is {}, not an array of numbers", images.what())))?;
    let (&[n, c, h, w], Some(planes)) = (array.shape(), array.octets()) else {
        let (element, shape) = (array.element().name(), array.shape());
        return Err(wrong(format!(
            "'images' is an array of {element} of shape {shape:?}, not of u1 and (N, 3, 60, 60)"
        )));
    };
    if [c, h, w].contains(&0) {
        return Err(wrong(format!("'images' has the shape {:?}", array.shape())));
    }
    Ok(Pictures { shape: [c, h, w], planes, labels: labels(field("labels")?, "labels", n, FIX)? })
}

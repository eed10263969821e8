//! The original files: `satellite_train.npy` and `satellite_test.npy`, each a dict with `data` and `label`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{FACTS, write_split};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::array::{Array, Class};
use crate::formats::npy::Npy;
use crate::formats::pickle::Object;
use crate::progress::{Progress, Unit};
use crate::store::{Origin, Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FILES: [&str; 2] = ["satellite_train.npy", "satellite_test.npy"];
const FIX: &str = "give the task's own files, satellite_train.npy and satellite_test.npy";
/// Rows between two reports.
const STRIDE: usize = 4_096;

/// One file's content, checked.
struct Content<'a> {
    path: PathBuf,
    data: Array<'a>,
    labels: Vec<i32>,
}

impl Content<'_> {
    fn dates(&self) -> usize {
        self.data.shape()[1]
    }

    fn series(&self, row: usize, out: &mut [f64]) -> Result<(), Error> {
        let numbers = self.data.numbers(row * self.dates(), out);
        if !numbers || out.iter().any(|v| !v.is_finite()) {
            let what = format!("'data' has a value that is no finite number in row {}", grouped(row as u64));
            return Err(Error::invalid(what, "repair or remove that row").at(&self.path));
        }
        Ok(())
    }
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let paths = FILES.map(|f| from.join(f));
    if let Some(missing) = paths.iter().find(|p| !p.exists()) {
        let fix = "give the folder that holds satellite_train.npy and satellite_test.npy";
        return Err(Error::new(ErrorKind::Missing, "there is no such file", fix).at(missing));
    }
    let maps = [Mapped::open(&paths[0])?, Mapped::open(&paths[1])?];
    let read = |i: usize| Npy::parse(&maps[i]).map_err(|e| e.at(&paths[i]));
    let files = [read(0)?, read(1)?];
    let [train, test] = [check(&files[0], &paths[0])?, check(&files[1], &paths[1])?];

    if train.dates() != test.dates() {
        let what = format!("has series of {} dates where {} has {}", test.dates(), FILES[0], train.dates());
        return Err(Error::invalid(what, "take both files from the same dataset").at(&test.path));
    }
    let (n, dates) = (train.labels.len(), train.dates());
    let val = n * FACTS.sizes.val / (FACTS.sizes.train + FACTS.sizes.val);
    if val == 0 {
        let what = format!("has {n} series, too few to keep a ninth for validation");
        return Err(Error::invalid(what, "give at least 9").at(&train.path));
    }
    let classes = train.labels.iter().chain(&test.labels).fold(0, |most, &l| if l >= most { l + 1 } else { most });
    let classes = classes as usize;

    let published = FACTS.sizes;
    let mut notices = Vec::new();
    let mut gap = |have: usize, want: usize, what: &str| {
        if have != want {
            notices.push(format!("{} of {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    };
    gap(n, published.train + published.val, "training series");
    gap(test.labels.len(), published.test, "test series");
    if dates != FACTS.input[0] {
        notices.push(format!("{dates} dates instead of {}", FACTS.input[0]));
    }
    if classes != FACTS.outputs {
        notices.push(format!("{classes} classes instead of {}", FACTS.outputs));
    }
    let provenance = if notices.is_empty() { Provenance::Original } else { Provenance::Partial };
    let rows = cut(&train.labels, val, classes, &mut notices);
    for (what, rows) in [("training", &rows[..n - val]), ("validation", &rows[n - val..])] {
        let seen = seen(&train.labels, rows);
        if seen < classes {
            notices.push(format!("{what} holds {seen} of {classes} classes"));
        }
    }
    let sources = FILES.iter().zip(&maps).map(|(name, map)| Source::of(name, map)).collect();
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance,
        seed: None,
        sources,
        task: FACTS.name.to_owned(),
        outputs: classes,
        notices,
    };

    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let total = (n + test.labels.len()) as u64;
    let all: Vec<usize> = (0..test.labels.len()).collect();
    for (part, content, rows, before) in [
        (Part::Train, &train, &rows[..n - val], 0),
        (Part::Val, &train, &rows[n - val..], n - val),
        (Part::Test, &test, &all[..], n),
    ] {
        let labels: Vec<i32> = rows.iter().map(|&r| content.labels[r]).collect();
        let mut split = store.split(part)?;
        write_split(&mut split, dates, &labels, |i, out| {
            if i % STRIDE == 0 {
                progress.report("importing satellite", (before + i) as u64, total, Unit::Items);
            }
            content.series(rows[i], out)
        })?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing satellite", total, total, Unit::Items);
    Summary::of(data_dir, &super::Satellite)
}

/// How many classes these rows have.
fn seen(labels: &[i32], rows: &[usize]) -> usize {
    rows.iter().map(|&r| labels[r]).collect::<BTreeSet<_>>().len()
}

/// The rows of training, then the `val` of validation: the last ones, as the benchmark has it. A file that is sorted by class,
/// as UCR's "Crop" is, would so lose classes from training; of such a file the rows with the smallest BLAKE3 of their number
/// (u64, little endian) are held out, and a notice says so.
fn cut(labels: &[i32], val: usize, classes: usize, notices: &mut Vec<String>) -> Vec<usize> {
    let n = labels.len();
    let mut rows: Vec<usize> = (0..n).collect();
    if seen(labels, &rows[..n - val]) == classes || !labels.is_sorted() {
        return rows;
    }
    notices.push("sorted by class: validation is a ninth by BLAKE3 of the row's number, not the last ninth".to_owned());
    rows.sort_by_cached_key(|&r| std::cmp::Reverse(*blake3::hash(&(r as u64).to_le_bytes()).as_bytes()));
    rows[..n - val].sort_unstable();
    rows[n - val..].sort_unstable();
    rows
}

fn check<'a>(file: &'a Npy<'a>, path: &Path) -> Result<Content<'a>, Error> {
    let wrong = |what: String| Error::invalid(what, FIX).at(path);
    let Npy::Objects(pickle) = file else {
        return Err(wrong("holds an array, not the dict of 'data' and 'label'".into()));
    };
    let dict = pickle.root().only().ok_or_else(|| wrong("holds no dict of 'data' and 'label'".into()))?;
    let Some(keys) = dict.keys() else {
        return Err(wrong(format!("holds {}, not the dict of 'data' and 'label'", dict.what())));
    };
    let keys: Vec<String> = keys.take(8).map(|k| format!("'{}'", k.escape_debug())).collect();
    let field = |name: &str| {
        let found = dict.get(name);
        found.ok_or_else(|| wrong(format!("its dict has no '{name}' (it has {})", keys.join(", "))))
    };
    let array = |name: &str, object: Object<'a>| {
        object.array().ok_or_else(|| match object.array_type() {
            Some((element, _)) => wrong(format!("'{name}' is an array of {}, not of numbers", element.name())),
            None => wrong(format!("'{name}' is {}, not an array", object.what())),
        })
    };
    let (data, label) = (field("data")?, field("label")?);
    let (data, label) = (array("data", data)?, array("label", label)?);
    if !matches!(data.element().class, Class::Float | Class::Int | Class::UInt) {
        return Err(wrong(format!("'data' is an array of {}, not of numbers", data.element().name())));
    }
    if !matches!(label.element().class, Class::Int | Class::UInt) {
        return Err(wrong(format!("'label' is an array of {}, not of integers", label.element().name())));
    }
    let &[rows, dates] = data.shape() else {
        return Err(wrong(format!("'data' has shape {:?}, not (series, dates)", data.shape())));
    };
    if !matches!(label.shape(), [_] | [_, 1]) {
        return Err(wrong(format!("'label' has shape {:?}, not one class a series", label.shape())));
    }
    if rows != label.len() {
        let (rows, labels) = (grouped(rows as u64), grouped(label.len() as u64));
        return Err(wrong(format!("'data' has {rows} series and 'label' has {labels}")));
    }
    if rows == 0 || dates == 0 {
        return Err(wrong(format!("'data' has shape {:?}: there is nothing in it", data.shape())));
    }
    // A class above the number of series would make a network of absurd width out of one damaged label.
    let most = (rows as i64).max(FACTS.outputs as i64);
    let mut labels = Vec::with_capacity(rows);
    for i in 0..rows {
        match label.integer(i) {
            Some(l) if (1..=most).contains(&l) => labels.push((l - 1) as i32),
            l => {
                let l = l.map_or("too large a number".to_owned(), |l| l.to_string());
                let what = format!("'label' is {l} in row {}; classes count from 1", grouped(i as u64));
                return Err(wrong(what));
            }
        }
    }
    Ok(Content { path: path.to_owned(), data, labels })
}

//! The benchmark's files: windows `ninapro_{train,val,test}.npy` `(N, 52, 16)` and classes `label_{train,val,test}.npy`
//! `(N)`, as plain arrays or pickled.

use std::path::{Path, PathBuf};

use super::{FACTS, Ninapro, Writing, missing_classes, origin, part_by_hash};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::array::{Array, Class};
use crate::formats::npy::Npy;
use crate::formats::pickle::{Object, Pickle};
use crate::progress::{Progress, Unit};
use crate::store::Source;
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FIX: &str = "give the task's own files, ninapro_{train,val,test}.npy and label_{train,val,test}.npy";
/// Windows between two reports.
const STRIDE: usize = 1_024;
/// Most electrodes or samples of a window.
const MOST: usize = 1 << 16;

fn names(part: Part) -> [String; 2] {
    ["ninapro", "label"].map(|what| format!("{what}_{}.npy", part.name()))
}

/// The folder of the benchmark's files, if `from` is one or a file of one.
pub(super) fn folder(from: &Path) -> Option<&Path> {
    let folder = if from.extension().is_some_and(|e| e == "npy") { from.parent()? } else { from };
    let any = Part::ALL.into_iter().flat_map(names).any(|n| folder.join(n).is_file());
    any.then_some(folder)
}

/// A file as it is saved.
enum File<'a> {
    Npy(Npy<'a>),
    /// `numpy.load` reads a bare pickle too.
    Pickle(Pickle<'a>),
}

impl<'a> File<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        match bytes.first() {
            Some(0x80) => Pickle::parse(bytes).map(Self::Pickle),
            _ => Npy::parse(bytes).map(Self::Npy),
        }
    }

    /// Its array, or the object in place of one.
    fn content(&self) -> Result<Array<'_>, Object<'_>> {
        let root = match self {
            Self::Npy(Npy::Array(array)) => return Ok(array.clone()),
            Self::Npy(Npy::Objects(pickle)) | Self::Pickle(pickle) => pickle.root(),
        };
        let object = root.only().unwrap_or(root);
        object.array().ok_or(object)
    }
}

/// Windows of one shape: an array of all, or one an item.
enum Windows<'a> {
    All(Array<'a>),
    Each(Vec<Array<'a>>),
}

impl Windows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::All(array) => array.shape()[0],
            Self::Each(arrays) => arrays.len(),
        }
    }

    /// Samples and electrodes.
    fn shape(&self) -> Option<[usize; 2]> {
        match self {
            Self::All(array) => Some([array.shape()[1], array.shape()[2]]),
            Self::Each(arrays) => arrays.first().map(|a| [a.shape()[0], a.shape()[1]]),
        }
    }

    /// The numbers of a window, samples by electrodes.
    fn read(&self, item: usize, out: &mut [f64]) -> bool {
        match self {
            Self::All(array) => array.numbers(item * out.len(), out),
            Self::Each(arrays) => arrays[item].numbers(0, out),
        }
    }
}

/// The two files of a part.
struct Given {
    part: Part,
    paths: [PathBuf; 2],
    maps: [Mapped; 2],
}

/// A part's files, checked.
struct Content<'a> {
    part: Part,
    path: &'a Path,
    windows: Windows<'a>,
    labels: Vec<i32>,
}

/// The parts that are there; training has to be.
fn find(from: &Path, notices: &mut Vec<String>) -> Result<Vec<Given>, Error> {
    let mut given = Vec::new();
    for part in Part::ALL {
        let [windows, labels] = names(part);
        let paths = [from.join(&windows), from.join(&labels)];
        match paths.each_ref().map(|p| p.is_file()) {
            [true, true] => {
                let maps = [Mapped::open(&paths[0])?, Mapped::open(&paths[1])?];
                given.push(Given { part, paths, maps });
            }
            [false, false] if part != Part::Train => notices.push(format!("{windows} and {labels} are not there")),
            [has_windows, _] => {
                let missing = &paths[usize::from(has_windows)];
                return Err(Error::new(ErrorKind::Missing, "there is no such file", FIX).at(missing));
            }
        }
    }
    Ok(given)
}

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let mut notices = Vec::new();
    let given = find(from, &mut notices)?;
    let mut files = Vec::new();
    for Given { paths, maps, .. } in &given {
        let parse = |i: usize| File::parse(&maps[i]).map_err(|e| e.at(&paths[i]));
        files.push([parse(0)?, parse(1)?]);
    }
    let parts = given.iter().zip(&files).map(|(given, files)| check(given, files)).collect::<Result<Vec<_>, _>>()?;
    let sources =
        given.iter().flat_map(|g| names(g.part).into_iter().zip(&g.maps)).map(|(n, m)| Source::of(&n, m)).collect();

    let shaped = parts.iter().find_map(|p| p.windows.shape().map(|s| (s, p)));
    let Some((shape, first)) = shaped else {
        return Err(Error::invalid("there is no window in it", FIX).at(parts[0].path));
    };
    if let Some(odd) = parts.iter().find(|p| p.windows.shape().is_some_and(|s| s != shape)) {
        let first = first.path.file_name().unwrap_or_default().display();
        let what = format!("has windows of {:?} where {first} has {shape:?}", odd.windows.shape().unwrap_or(shape));
        return Err(Error::invalid(what, "take all files from the same dataset").at(odd.path));
    }
    let [samples, electrodes] = shape;
    let all: usize = parts.iter().map(|p| p.labels.len()).sum();
    let classes = classes(&parts, all)?;

    let published = FACTS.sizes;
    let mut gap = |have: usize, want: usize, what: &str, instead: &str| {
        if have != want {
            notices.push(format!("{} {instead} {} {what}", grouped(have as u64), grouped(want as u64)));
        }
    };
    for (part, want, what) in [
        (Part::Train, published.train, "training windows"),
        (Part::Val, published.val, "validation windows"),
        (Part::Test, published.test, "test windows"),
    ] {
        let have = parts.iter().filter(|p| p.part == part).map(|p| p.labels.len()).sum();
        gap(have, want, what, "of");
    }
    gap(electrodes, FACTS.input[0], "electrodes", "instead of");
    gap(samples, FACTS.input[1], "samples a window", "instead of");
    gap(classes, FACTS.outputs, "classes", "instead of");
    let provenance = if notices.is_empty() { Provenance::Original } else { Provenance::Partial };

    // Where each item goes: as it is given or, if a part has nothing, cut anew.
    let anew = Part::ALL.iter().any(|&part| parts.iter().all(|p| p.part != part || p.labels.is_empty()));
    let place = |part: Part, number: usize| if anew { part_by_hash(&number.to_string()) } else { part };
    let mut counts = [const { Vec::new() }; 3].map(|_: Vec<usize>| vec![0; classes]);
    let numbered = parts.iter().flat_map(|p| p.labels.iter().map(|&label| (p.part, label))).enumerate();
    for (number, (part, label)) in numbered {
        counts[place(part, number) as usize][label as usize] += 1;
    }
    if anew {
        notices.push("a part is empty: all windows are cut anew, 8:1:1 by the hash of their number".to_owned());
        if counts.iter().any(|c| c.iter().sum::<usize>() == 0) {
            let what = format!("there are {all} windows in all, too few to cut them into three parts");
            return Err(Error::invalid(what, "give more windows, or all three parts").at(first.path));
        }
    }
    notices.extend(missing_classes(&counts));

    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut writing = Writing::begin(&store, [electrodes, samples])?;
    let (mut raw, mut turned, mut number) = (vec![0.0; samples * electrodes], vec![0.0; samples * electrodes], 0);
    for content in &parts {
        for (i, &label) in content.labels.iter().enumerate() {
            if number % STRIDE == 0 {
                progress.report("importing ninapro", number as u64, all as u64, Unit::Items);
            }
            content.read(i, &mut raw)?;
            for (e, row) in turned.chunks_exact_mut(samples).enumerate() {
                for (t, v) in row.iter_mut().enumerate() {
                    *v = raw[t * electrodes + e] as f32;
                }
            }
            writing.push(place(content.part, number), Some(label), &turned)?;
            number += 1;
        }
    }
    writing.finish(&mut store, &origin(provenance, sources, classes, notices))?;
    store.publish()?;
    progress.report("importing ninapro", all as u64, all as u64, Unit::Items);
    Summary::of(data_dir, &Ninapro)
}

/// The number of classes. A class above the number of windows would make a network of absurd width out of one damaged label.
fn classes(parts: &[Content<'_>], all: usize) -> Result<usize, Error> {
    let most = all.max(FACTS.outputs) as i32;
    let mut classes = 0;
    for content in parts {
        for (i, &label) in content.labels.iter().enumerate() {
            if label >= most {
                let what = format!("the label of window {} is {label}, of {all} windows", grouped(i as u64));
                return Err(Error::invalid(what, "classes count from 0 without gaps").at(content.path));
            }
            classes = if label >= classes { label + 1 } else { classes };
        }
    }
    Ok(classes as usize)
}

impl Content<'_> {
    /// The numbers of a window, samples by electrodes, as f32 holds them.
    fn read(&self, item: usize, out: &mut [f64]) -> Result<(), Error> {
        if self.windows.read(item, out) && out.iter().all(|&v| (v as f32).is_finite()) {
            return Ok(());
        }
        let what = format!("has a value that is no finite number in window {}", grouped(item as u64));
        Err(Error::invalid(what, "repair or remove that window").at(self.path))
    }
}

fn check<'a>(given: &'a Given, [windows, labels]: &'a [File<'a>; 2]) -> Result<Content<'a>, Error> {
    let [path, label_path] = &given.paths;
    let windows = read_windows(windows).map_err(|e| e.at(path))?;
    let labels = read_labels(labels).map_err(|e| e.at(label_path))?;
    if windows.len() != labels.len() {
        let (n, l) = (grouped(windows.len() as u64), grouped(labels.len() as u64));
        let what = format!("has {l} labels where {} has {n} windows", path.file_name().unwrap_or_default().display());
        return Err(Error::invalid(what, "take both files from the same dataset").at(label_path));
    }
    Ok(Content { part: given.part, path, windows, labels })
}

fn read_windows<'a>(file: &'a File<'a>) -> Result<Windows<'a>, Error> {
    let numbers = |array: &Array<'_>| {
        let numbers = matches!(array.element().class, Class::Float | Class::Int | Class::UInt);
        let what = || format!("is an array of {}, not of numbers", array.element().name());
        if numbers { Ok(()) } else { Err(Error::invalid(what(), FIX)) }
    };
    let shape = |shape: &[usize], want: &str| {
        let what = format!("has shape {shape:?}, not {want}");
        Err(Error::invalid(what, "windows are samples by electrodes, (N, 52, 16) in the task's own files"))
    };
    let sound = |sizes: &[usize]| sizes.iter().all(|d| (1..=MOST).contains(d));
    match file.content() {
        Ok(array) => {
            numbers(&array)?;
            match array.shape() {
                [_, rest @ ..] if rest.len() == 2 && sound(rest) => Ok(Windows::All(array)),
                other => shape(other, "(windows, samples, electrodes)"),
            }
        }
        Err(object) => {
            let odd = |o: Object<'_>| Error::invalid(format!("holds {}, not an array of windows", o.what()), FIX);
            let mut each: Vec<Array<'a>> = Vec::new();
            for item in object.items().ok_or_else(|| odd(object))? {
                let array = item.array().ok_or_else(|| odd(item))?;
                numbers(&array)?;
                let like = each.first().map_or(array.shape(), |a| a.shape());
                if array.shape() != like || like.len() != 2 || !sound(like) {
                    return shape(array.shape(), &format!("(samples, electrodes), in window {}", each.len()));
                }
                each.push(array);
            }
            Ok(Windows::Each(each))
        }
    }
}

/// Class numbers of any integer type, objects too.
fn read_labels(file: &File<'_>) -> Result<Vec<i32>, Error> {
    let class = |i: usize, value: Option<i64>| match value.map(i32::try_from) {
        Some(Ok(label @ 0..)) => Ok(label),
        _ => {
            let shown = value.map_or("no integer".to_owned(), |v| v.to_string());
            let what = format!("the label of window {} is {shown}", grouped(i as u64));
            Err(Error::invalid(what, "classes are whole numbers from 0"))
        }
    };
    match file.content() {
        Ok(array) => {
            if !matches!(array.element().class, Class::Int | Class::UInt) {
                let what = format!("is an array of {}, not of integers", array.element().name());
                return Err(Error::invalid(what, FIX));
            }
            if !matches!(array.shape(), [_] | [_, 1]) {
                let what = format!("has shape {:?}, not one class a window", array.shape());
                return Err(Error::invalid(what, FIX));
            }
            (0..array.len()).map(|i| class(i, array.integer(i))).collect()
        }
        Err(object) => {
            let odd = || Error::invalid(format!("holds {}, not an array of classes", object.what()), FIX);
            let integer =
                |o: Object<'_>| o.integer().or_else(|| o.array().filter(|a| a.len() == 1).and_then(|a| a.integer(0)));
            object.items().ok_or_else(odd)?.enumerate().map(|(i, o)| class(i, integer(o))).collect()
        }
    }
}

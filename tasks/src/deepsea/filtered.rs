//! The benchmark's file: `deepsea_filtered.npz`, a zip of `x_train.npy` (N, 1000, 4) and `y_train.npy` (N, 36), and the same
//! of `val` and `test`. The sequences are read as they come: those for testing alone are 600 MB.

use std::path::Path;

use safetensors::Dtype;

use super::FACTS;
use super::bases::{CHANNELS, Position, odd_position};
use super::import::{Size, gaps, origin};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::array::{Array, Class, ElementType};
use crate::formats::npy::Stream;
use crate::formats::zip::Zip;
use crate::progress::{Progress, Unit};
use crate::store::{Part, Source, SplitWriter, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FIX: &str = "give the task's own file, deepsea_filtered.npz";
const REPAIR: &str = "repair or remove that sequence";
/// Numbers read at once, about.
const CHUNK: usize = 256 * 1_024;
/// Most bases of a sequence, and most labels.
const MOST: usize = 1 << 20;

pub(super) fn import(path: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let map = Mapped::open(path)?;
    let at = |e: Error| e.at(path);
    let mut zip = Zip::parse(&map).map_err(at)?;
    let mut labels = Vec::new();
    for part in Part::ALL {
        labels.push(read_labels(&mut zip, part).map_err(at)?);
    }
    let counts = [0, 1, 2].map(|i| labels[i].1);
    if let Some(odd) = counts.iter().find(|c| **c != counts[0]) {
        let what = format!("its y_train has {} labels, another has {odd}", counts[0]);
        return Err(Error::invalid(what, FIX).at(path));
    }
    let total = labels.iter().map(|(y, count)| (y.len() / count) as u64).sum();
    let mut bases = Bases { length: 0, quarters: 0, done: 0, total, progress };

    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut splits, mut sizes) = (Vec::new(), Vec::new());
    for (part, (y, count)) in Part::ALL.into_iter().zip(&labels) {
        let mut split = store.split(part)?;
        let items = y.len() / count;
        let length = bases.copy(&mut zip, part, items, &mut split).map_err(at)?;
        split.tensor("y", Dtype::U8, &[*count])?;
        split.push(y)?;
        splits.push((part, split));
        sizes.push(Size { items, length, labels: *count });
    }
    let sizes = sizes.try_into().expect("three parts");
    let (mut notices, provenance) = gaps(&sizes, [0, 1, 2].map(|i| &labels[i].0[..]));
    if bases.quarters > 0 {
        let n = grouped(bases.quarters);
        notices.push(format!("{n} unknown bases, written as four quarters, are stored as zeros"));
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = Source { blake3: blake3::hash(&map).to_hex().to_string(), bytes: map.len() as u64, name };
    let origin = origin(counts[0], vec![source], notices, provenance);
    for (_, split) in splits {
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("importing deepsea", total, total, Unit::Items);
    Summary::of(data_dir, &super::Deepsea)
}

/// Calls `f` with a member of the archive; errors name it.
fn member<T>(
    zip: &mut Zip<'_>,
    stem: &str,
    f: impl FnOnce(&mut Stream<&mut dyn std::io::Read>) -> Result<T, Error>,
) -> Result<T, Error> {
    let name = format!("{stem}.npy");
    let Some(entry) = zip.entries().iter().position(|e| e.name == name) else {
        let has: Vec<String> = zip.entries().iter().take(8).map(|e| format!("'{}'", e.name.escape_debug())).collect();
        let has = if has.is_empty() { "nothing".to_owned() } else { has.join(", ") };
        return Err(Error::new(ErrorKind::Missing, format!("holds no '{name}' (it has {has})"), FIX));
    };
    let read = zip.stream(entry, |bytes| {
        let mut stream = Stream::open(bytes)?;
        let class = stream.element().class;
        if !matches!(class, Class::Bool | Class::Int | Class::UInt | Class::Float) {
            return Err(Error::invalid(format!("has elements of type {}", stream.element().name()), FIX));
        }
        let made = f(&mut stream)?;
        stream.finish()?;
        Ok(made)
    });
    read.map_err(|e| Error { what: format!("{name}: {}", e.what), ..e })
}

/// A byte is such an element as it lies there.
fn is_byte(e: ElementType) -> bool {
    e.size == 1 && matches!(e.class, Class::Bool | Class::UInt)
}

/// The labels of a part, 0 or 1, and how many a sequence has.
fn read_labels(zip: &mut Zip<'_>, part: Part) -> Result<(Vec<u8>, usize), Error> {
    member(zip, &format!("y_{}", part.name()), |stream| {
        let &[items, count] = stream.shape() else {
            return Err(Error::invalid(format!("has shape {:?}, not (sequences, labels)", stream.shape()), FIX));
        };
        if items == 0 || !(1..=MOST).contains(&count) {
            return Err(Error::invalid(format!("has shape {:?}", stream.shape()), FIX));
        }
        let mut labels = Vec::new();
        let mut left = items * count;
        while left > 0 {
            let now = left.min(CHUNK);
            let numbers = stream.next(now)?;
            for i in 0..now {
                let v = numbers.number(i).expect("numbers");
                if v != 0.0 && v != 1.0 {
                    let (item, label) = (labels.len() / count, labels.len() % count);
                    let what = format!("label {label} of sequence {} is {v}, not 0 or 1", grouped(item as u64));
                    return Err(Error::invalid(what, REPAIR));
                }
                labels.push(u8::from(v == 1.0));
            }
            left -= now;
        }
        Ok((labels, count))
    })
}

/// The sequences' way from the archive to the store.
struct Bases<'a> {
    /// Of a sequence; 0 before the first part.
    length: usize,
    /// Unknown bases that were written as quarters.
    quarters: u64,
    done: u64,
    total: u64,
    progress: &'a dyn Progress,
}

impl Bases<'_> {
    /// Copies a part's sequences, as many as it has labels; gives their length.
    fn copy(&mut self, zip: &mut Zip<'_>, part: Part, items: usize, split: &mut SplitWriter) -> Result<usize, Error> {
        member(zip, &format!("x_{}", part.name()), |stream| {
            let shape = stream.shape().to_vec();
            let &[n, length, CHANNELS] = &shape[..] else {
                let what = format!("has shape {shape:?}, not (sequences, bases, 4)");
                return Err(Error::invalid(what, FIX));
            };
            if n != items {
                let what =
                    format!("has {} sequences, their labels are of {}", grouped(n as u64), grouped(items as u64));
                return Err(Error::invalid(what, FIX));
            }
            if !(1..=MOST).contains(&length) || (self.length != 0 && self.length != length) {
                let what = format!("has sequences of {length} bases, x_train of {}", self.length);
                return Err(Error::invalid(what, "take sequences of one length, up to 1,048,576"));
            }
            self.length = length;
            split.tensor("x", Dtype::U8, &[length, CHANNELS])?;
            let (each, mut hot, mut first) = (length * CHANNELS, Vec::new(), 0);
            while first < n {
                self.progress.report("importing deepsea", self.done, self.total, Unit::Items);
                let now = (CHUNK / each).clamp(1, n - first);
                let element = stream.element();
                let bytes = stream.bytes(now * each)?;
                let odd = if is_byte(element) {
                    split.push(bytes)?;
                    odd_position(bytes)
                } else {
                    let numbers = Array::new(element, vec![now * each], false, bytes)?;
                    let odd = self.convert(&numbers, &mut hot);
                    split.push(&hot)?;
                    odd
                };
                if let Some(odd) = odd {
                    let (item, position) = (grouped((first + odd / length) as u64), grouped((odd % length) as u64));
                    let what =
                        format!("position {position} of sequence {item} is no base: neither one-hot nor unknown");
                    return Err(Error::invalid(what, REPAIR));
                }
                (first, self.done) = (first + now, self.done + now as u64);
            }
            Ok(length)
        })
    }

    /// One-hot bytes of numbers of any type; gives the first position that is no base.
    fn convert(&mut self, numbers: &Array<'_>, hot: &mut Vec<u8>) -> Option<usize> {
        hot.clear();
        for position in 0..numbers.len() / CHANNELS {
            let v = std::array::from_fn(|c| numbers.number(position * CHANNELS + c).expect("numbers"));
            let Some(base) = Position::of(v) else { return Some(position) };
            self.quarters += u64::from(base == Position::Quarters);
            hot.extend(base.one_hot());
        }
        None
    }
}

//! The publisher's files: `train.mat` (v7.3), `valid.mat` and `test.mat` (v5), as `deepsea_train.tar.gz` or unpacked.
//!
//! Which 36 of the 919 labels and which training sequences the benchmark took is not published. Here: labels spread evenly over
//! the columns, so that each kind of assay has its share; a twentieth of the training sequences, by a hash of their index; and of
//! every part the sequences with at least one of those labels. That last rule is inferred: the benchmark has 149,400 of 455,024
//! test, 2,490 of 8,000 validation sequences and 71,753 of a twentieth of 4,400,000, near a third each time.

use std::path::Path;
use std::sync::Arc;

use safetensors::Dtype;

use super::FACTS;
use super::bases::CHANNELS;
use super::import::{Size, gaps, origin};
use super::turned::{Turned, column};
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::bundle::Bundle;
use crate::formats::matlab::{Matlab, Numbers};
use crate::formats::spool::spool;
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, Source, StoreWriter};
use crate::{Error, ErrorKind, Summary};

const FIX: &str = "give the publisher's train.mat, valid.mat and test.mat";
/// Labels of the originals.
const LABELS: usize = 919;
/// One in so many training sequences is taken.
const ONE_IN: u64 = 20;
/// Most bases of a sequence, and most labels.
const MOST: usize = 1 << 20;
/// Most bytes of a file.
const BYTES: u64 = 64 << 30;

/// One of the originals.
pub(super) struct Original {
    pub name: &'static str,
    /// Its two variables: sequences (N, 4, bases), labels (N, labels).
    x: &'static str,
    y: &'static str,
    items: usize,
}

/// In the order of the parts.
pub(super) const FILES: [Original; 3] = [
    Original { name: "train.mat", x: "trainxdata", y: "traindata", items: 4_400_000 },
    Original { name: "valid.mat", x: "validxdata", y: "validdata", items: 8_000 },
    Original { name: "test.mat", x: "testxdata", y: "testdata", items: 455_024 },
];

pub(super) fn import(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let maps = open(from, data_dir, progress)?;
    let (mut counts, mut sources, mut splits) = (Vec::<(usize, usize)>::new(), Vec::new(), Vec::new());
    let (mut sizes, mut labels, mut quarters) = (Vec::<Size>::new(), Vec::new(), 0);
    for ((part, original), map) in Part::ALL.into_iter().zip(&FILES).zip(maps) {
        let at = |e: Error| Error { what: format!("{}: {}", original.name, e.what), ..e }.at(from);
        let mut split = store.split(part)?;
        let taken = Taken::of(original, part, &map, data_dir, progress).map_err(at)?;
        let (size, count) = (taken.size, taken.of);
        if let Some((first, &(_, of))) = sizes.first().zip(counts.first())
            && (first.length, of) != (size.length, count)
        {
            let what = format!(
                "has sequences of {} bases and {count} labels, train.mat of {} and {of}",
                size.length, first.length
            );
            return Err(at(Error::invalid(what, FIX)));
        }
        split.tensor("x", Dtype::U8, &[size.length, CHANNELS])?;
        taken.sequences.write(&mut split)?;
        split.tensor("y", Dtype::U8, &[size.labels])?;
        split.push(&taken.labels)?;
        quarters += taken.sequences.quarters;
        sources.push(Source {
            blake3: blake3::hash(&map).to_hex().to_string(),
            bytes: map.len() as u64,
            name: original.name.to_owned(),
        });
        counts.push((taken.items, count));
        splits.push(split);
        sizes.push(size);
        labels.push(taken.labels);
    }
    let sizes: [Size; 3] = sizes.try_into().expect("three parts");
    let notices = told(&counts, &sizes, [0, 1, 2].map(|i| &labels[i][..]), quarters);
    let origin = origin(sizes[0].labels, sources, notices, Provenance::Partial);
    for split in splits {
        store.finish(split, &origin)?;
    }
    store.publish()?;
    Summary::of(data_dir, &super::Deepsea)
}

/// The three files, mapped: where they lie, or unpacked to files without names beside the store.
fn open(from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<[Arc<Mapped>; 3], Error> {
    let mut maps = [None, None, None];
    if from.is_dir() {
        for (map, file) in maps.iter_mut().zip(&FILES) {
            let path = from.join(file.name);
            if path.is_file() {
                *map = Some(Arc::new(Mapped::open(&path)?));
            }
        }
    } else {
        let bundle = Bundle::open(from)?.with_progress(progress, "unpacking deepsea");
        bundle.each(&mut |name, _, content| {
            let last = name.rsplit('/').next().unwrap_or(name);
            if let Some(i) = FILES.iter().position(|f| f.name == last) {
                maps[i] = Some(Arc::new(spool(data_dir, name, content, BYTES)?));
            }
            Ok(())
        })?;
    }
    if let Some(i) = maps.iter().position(Option::is_none) {
        let what = format!("there is no {} in it", FILES[i].name);
        return Err(Error::new(ErrorKind::Missing, what, FIX).at(from));
    }
    Ok(maps.map(|m| m.expect("looked for just now")))
}

/// What the store says: that this is not the benchmark's selection, and what differs besides; `counts` are each file's
/// sequences and labels.
fn told(counts: &[(usize, usize)], sizes: &[Size; 3], labels: [&[u8]; 3], quarters: u64) -> Vec<String> {
    let of = counts[0].1;
    let mut notices = vec![format!(
        "not the benchmark's selection, which is not published: {} of {} labels, spread evenly; one training sequence in {ONE_IN}, \
         by a hash of its index; of every part those with one of these labels",
        sizes[0].labels,
        grouped(of as u64)
    )];
    for (file, &(have, _)) in FILES.iter().zip(counts) {
        if have != file.items {
            let (have, want) = (grouped(have as u64), grouped(file.items as u64));
            notices.push(format!("{} has {have} of {want} sequences", file.name));
        }
    }
    if of != LABELS {
        notices.push(format!("the files have {} labels instead of {LABELS}", grouped(of as u64)));
    }
    notices.extend(gaps(sizes, labels).0);
    if quarters > 0 {
        notices.push(format!("{} unknown bases, written as four quarters, are stored as zeros", grouped(quarters)));
    }
    notices
}

/// The labels that are taken: the middles of 36 equal stretches of the columns; all where there are no more.
pub(super) fn columns(of: usize) -> Vec<usize> {
    let take = of.min(FACTS.outputs);
    (0..take).map(|k| (2 * k + 1) * of / (2 * take)).collect()
}

/// Whether a training sequence is among those that are looked at: the first eight bytes of the BLAKE3 of its index (eight
/// bytes, least first), read the same way, are below 2^64 / 20.
pub(super) fn is_drawn(index: usize) -> bool {
    let hash = blake3::hash(&(index as u64).to_le_bytes());
    let first = hash.as_bytes().first_chunk::<8>().expect("32 bytes");
    u64::from_le_bytes(*first) < u64::MAX / ONE_IN
}

/// The sequences and labels taken of a part.
struct Taken {
    sequences: Turned,
    labels: Vec<u8>,
    size: Size,
    /// Sequences of the file.
    items: usize,
    /// Labels of the file.
    of: usize,
}

impl Taken {
    fn of(
        original: &Original,
        part: Part,
        map: &Arc<Mapped>,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let file = Matlab::mapped(map)?;
        let mut y = file.numbers(original.y)?;
        let &[items, of] = y.dims() else { return Err(shape(original.y, y.dims(), "(sequences, labels)")) };
        let mut x = file.numbers(original.x)?;
        let &[n, CHANNELS, length] = x.dims() else {
            return Err(shape(original.x, x.dims(), "(sequences, 4, bases)"));
        };
        if n != items {
            let (n, items) = (grouped(n as u64), grouped(items as u64));
            return Err(Error::invalid(
                format!("'{}' has {n} sequences, '{}' of {items}", original.x, original.y),
                FIX,
            ));
        }
        if items == 0 || !(1..=MOST).contains(&length) || !(1..=MOST).contains(&of) {
            return Err(shape(original.x, x.dims(), "some sequences of up to 1,048,576 bases and as many labels"));
        }
        let mut rows: Vec<usize> = (0..items).filter(|&n| part != Part::Train || is_drawn(n)).collect();
        let columns = columns(of);
        let labels = read_labels(&mut *y, original.y, [items, of], &columns, &rows)?;
        let count = columns.len();
        let seen = |labels: &[u8]| labels.contains(&1);
        rows = rows.into_iter().zip(labels.chunks(count)).filter(|(_, l)| seen(l)).map(|(n, _)| n).collect();
        let labels: Vec<u8> = labels.chunks(count).filter(|l| seen(l)).flatten().copied().collect();
        if rows.is_empty() {
            let what = format!("'{}': none of the sequences that are taken has one of the {count} labels", original.y);
            return Err(Error::invalid(what, FIX));
        }
        let message = format!("importing deepsea, {}", original.name);
        let sequences = Turned::take(&mut *x, [items, length], &rows, folder, |t| {
            progress.report(&message, (t * items) as u64, (length * items) as u64, Unit::Items);
        })
        .map_err(|e| Error { what: format!("'{}': {}", original.x, e.what), ..e })?;
        let size = Size { items: rows.len(), length, labels: count };
        Ok(Self { sequences, labels, size, items, of })
    }
}

fn shape(name: &str, dims: &[usize], want: &str) -> Error {
    Error::invalid(format!("'{name}' has dimensions {dims:?}, not {want}"), FIX)
}

/// Labels `columns` of the sequences `rows`, a sequence after the other.
fn read_labels(
    numbers: &mut dyn Numbers,
    name: &str,
    [items, of]: [usize; 2],
    columns: &[usize],
    rows: &[usize],
) -> Result<Vec<u8>, Error> {
    let mut labels = vec![0; columns.len() * rows.len()];
    let mut next = 0;
    for label in 0..of {
        let wanted = columns.get(next) == Some(&label);
        column(numbers, items, if wanted { rows } else { &[] }, |row, v| {
            if v != 0.0 && v != 1.0 {
                let n = grouped(rows[row] as u64);
                let what = format!("'{name}': label {label} of sequence {n} is {v}, not 0 or 1");
                return Err(Error::invalid(what, "copy or download the file again"));
            }
            labels[row * columns.len() + next] = u8::from(v == 1.0);
            Ok(())
        })?;
        next += usize::from(wanted);
    }
    numbers.finish()?;
    Ok(labels)
}

//! The publisher's files, small ones written here: what is taken of them, and what is said of broken ones.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hdf5_pure::FileBuilder;

use super::originals::{columns, is_drawn};
use super::*;
use crate::formats::mat5::tests::{Style, file, variable};
use crate::{ErrorKind, Part, Provenance, Silent, store::Stored};

/// Bases of a sequence: two blocks, the second a part of one.
const LENGTH: usize = 70;
/// Labels of the files, more than are taken.
const LABELS: usize = 40;
const ITEMS: [usize; 3] = [200, 5, 9];

/// One of the three files: bytes, each at (n, b, t) of (N, 4, LENGTH) in MATLAB's order, and the same of labels (N, LABELS).
#[derive(Clone)]
struct Content {
    items: usize,
    x: Vec<u8>,
    y: Vec<u8>,
}

/// Channel of position `t` of sequence `n`; 4: unknown.
fn channel(n: usize, t: usize) -> usize {
    (n * 7 + t * 3 + n * t) % 5
}

/// Every third sequence has no label at all.
fn label(n: usize, k: usize) -> u8 {
    u8::from(n % 3 != 1 && (n + k).is_multiple_of(4))
}

fn content(items: usize) -> Content {
    let mut x = Vec::new();
    for t in 0..LENGTH {
        for b in 0..4 {
            x.extend((0..items).map(|n| u8::from(channel(n, t) == b)));
        }
    }
    let y = (0..LABELS).flat_map(|k| (0..items).map(move |n| label(n, k))).collect();
    Content { items, x, y }
}

fn v5(stem: &str, c: &Content, deflated: bool) -> Vec<u8> {
    let style = Style { class: 9, storage: 2, deflated, ..Style::default() };
    let wide = |v: &[u8]| v.iter().map(|&b| f64::from(b)).collect::<Vec<_>>();
    let y = variable(&format!("{stem}data"), &[c.items, LABELS], &wide(&c.y), style);
    let x = variable(&format!("{stem}xdata"), &[c.items, 4, LENGTH], &wide(&c.x), style);
    file(false, &[y, x])
}

/// Version 7.3, in chunks that fit neither the positions nor the sequences.
fn v73(stem: &str, c: &Content) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    builder.with_userblock(512);
    let n = c.items as u64;
    let x = builder.create_dataset(&format!("{stem}xdata"));
    x.with_u8_data(&c.x).with_shape(&[LENGTH as u64, 4, n]).with_chunks(&[16, 3, 33]).with_deflate(3);
    let y = builder.create_dataset(&format!("{stem}data"));
    let wide: Vec<f64> = c.y.iter().map(|&b| f64::from(b)).collect();
    y.with_f64_data(&wide).with_shape(&[LABELS as u64, n]);
    let mut bytes = builder.finish().unwrap();
    bytes[..10].copy_from_slice(b"MATLAB 7.3");
    bytes
}

/// `train.mat`, `valid.mat`, `test.mat`.
fn files() -> [Vec<u8>; 3] {
    let [train, valid, test] = ITEMS.map(content);
    [v73("train", &train), v5("valid", &valid, true), v5("test", &test, true)]
}

const NAMES: [&str; 3] = ["train.mat", "valid.mat", "test.mat"];

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("from")).unwrap();
        Self(dir)
    }

    fn from(&self) -> PathBuf {
        self.0.path().join("from")
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn import(&self, files: &[Vec<u8>; 3]) -> Result<Summary, Error> {
        for (name, bytes) in NAMES.iter().zip(files) {
            fs::write(self.from().join(name), bytes).unwrap();
        }
        Deepsea.import(&self.from(), &self.data(), &Silent)
    }
}

/// A tar of files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        let mut head = [0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        head[148..156].fill(b' ');
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|&b| u32::from(b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(head);
        out.extend(*bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1_024, 0);
    out
}

fn write_gz(path: &Path, bytes: &[u8]) {
    let mut gz = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap();
}

#[test]
fn labels_are_spread_and_a_twentieth_is_drawn() {
    let of = columns(919);
    assert_eq!((of.len(), of[0], of[1], of[35]), (36, 12, 38, 906));
    assert!(of.windows(2).all(|w| (25..=26).contains(&(w[1] - w[0]))), "{of:?}");
    // DNase, transcription factors, histone marks.
    let among = |r: std::ops::Range<usize>| of.iter().filter(|&&c| r.contains(&c)).count();
    assert_eq!((among(0..125), among(125..815), among(815..919)), (5, 27, 4));
    assert_eq!((columns(36), columns(2)), ((0..36).collect(), vec![0, 1]));
    let drawn = (0..100_000).filter(|&n| is_drawn(n)).count();
    assert!((4_800..5_200).contains(&drawn), "{drawn}");
}

#[test]
fn folder_and_archive_give_what_is_meant() {
    let place = Place::new();
    let made = place.import(&files()).unwrap();
    assert_eq!(made.provenance, Provenance::Partial);
    assert!(made.notices[0].starts_with("not the benchmark's selection, which is not published: 36 of 40 labels"));
    assert_eq!(made.notices[1], "train.mat has 200 of 4,400,000 sequences");
    assert_eq!(made.notices[4], "the files have 40 labels instead of 919");
    let columns = columns(LABELS);
    for (part, items) in Part::ALL.into_iter().zip(ITEMS) {
        let taken: Vec<usize> = (0..items)
            .filter(|&n| (part != Part::Train || is_drawn(n)) && columns.iter().any(|&k| label(n, k) == 1))
            .collect();
        assert!(taken.len() >= 3 && taken.len() < items, "{taken:?}");
        let stored = Stored::open(&place.data().join("deepsea"), part).unwrap();
        let at = |t: usize, n: usize| (0..4).map(move |b| u8::from(channel(n, t) == b));
        let x: Vec<u8> = taken.iter().flat_map(|&n| (0..LENGTH).flat_map(move |t| at(t, n))).collect();
        let y: Vec<u8> = taken.iter().flat_map(|&n| columns.iter().map(move |&k| label(n, k))).collect();
        assert!(stored.bytes("x").unwrap() == x && stored.bytes("y").unwrap() == y, "{part:?}");
    }

    let files = files();
    let whole = tar(&[
        ("deepsea_train/README", b"x".as_slice()),
        ("deepsea_train/valid.mat", &files[1]),
        ("deepsea_train/train.mat", &files[0]),
        ("deepsea_train/test.mat", &files[2]),
    ]);
    let other = Place::new();
    let gz = other.from().join("deepsea_train.tar.gz");
    write_gz(&gz, &whole);
    for from in [&gz, &other.from()] {
        let again = Deepsea.import(from, &other.data(), &Silent).unwrap();
        assert_eq!((&again.hash, &again.notices), (&made.hash, &made.notices));
    }
    let plain = other.0.path().join("any.tar");
    fs::write(&plain, &whole).unwrap();
    assert_eq!(Deepsea.import(&plain, &other.data(), &Silent).unwrap().hash, made.hash);
    // Nothing but the store stays behind.
    let left = fs::read_dir(other.data()).unwrap().filter(|e| !e.as_ref().unwrap().file_name().eq("deepsea")).count();
    assert!(left <= 1, "only the lock");

    let without = tar(&[("valid.mat", &files[1]), ("train.mat", &files[0])]);
    write_gz(&gz, &without);
    let e = Deepsea.import(&gz, &other.data(), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("there is no test.mat in it"), "{e}");
    assert_eq!(crate::Dataset::open(&other.data(), &Deepsea).unwrap().hash(), made.hash);
}

#[test]
fn either_container_will_do() {
    let [train, valid, test] = ITEMS.map(content);
    let data = |files: [Vec<u8>; 3]| {
        let place = Place::new();
        place.import(&files).unwrap();
        Part::ALL.map(|p| Stored::open(&place.data().join("deepsea"), p).unwrap().bytes("x").unwrap().to_vec())
    };
    let swapped = [v5("train", &train, false), v73("valid", &valid), v5("test", &test, false)];
    assert!(data(files()) == data(swapped));
}

#[test]
fn damage_is_told_and_the_old_store_stays() {
    let place = Place::new();
    let good = files();
    let hash = place.import(&good).unwrap().hash;
    let [train, valid, test] = ITEMS.map(content);
    // Sequence 2 of five, channel 1, position 66; its labels 0 and 2 are the taken columns' first and third.
    let (base, tag) = (2 + 5 * (1 + 4 * 66), 2 + 5 * 2);
    let with_valid = |c: &Content| [good[0].clone(), v5("valid", c, true), good[2].clone()];
    let mut odd_base = valid.clone();
    odd_base.x[base] = 2;
    let mut two = valid.clone();
    (0..4).for_each(|b| two.x[2 + 5 * (b + 4 * 66)] = 1);
    let mut odd_label = valid.clone();
    odd_label.y[tag] = 3;
    let mut none = valid.clone();
    none.y.fill(0);
    let short = |i: usize| {
        let mut files = good.clone();
        let n = files[i].len();
        files[i].truncate(n / 2);
        files
    };
    let style = Style { class: 9, storage: 2, ..Style::default() };
    let y = variable("validdata", &[5, LABELS], &vec![1.0; 5 * LABELS], style);
    let x = |dims: &[usize]| {
        let n = dims.iter().product();
        let x = variable("validxdata", dims, &vec![0.0; n], style);
        [good[0].clone(), file(false, &[y.clone(), x]), good[2].clone()]
    };
    for (files, want) in [
        (with_valid(&odd_base), "valid.mat: 'validxdata': position 66 of sequence 2 is no base"),
        (with_valid(&two), "valid.mat: 'validxdata': position 66 of sequence 2 is no base"),
        (with_valid(&odd_label), "valid.mat: 'validdata': label 2 of sequence 2 is 3, not 0 or 1"),
        (with_valid(&none), "none of the sequences that are taken has one of the 36 labels"),
        (short(0), "train.mat: "),
        (short(1), "valid.mat: "),
        (short(2), "test.mat: "),
        (x(&[4, 4, LENGTH]), "valid.mat: 'validxdata' has 4 sequences, 'validdata' of 5"),
        (x(&[5, LENGTH, 4]), "valid.mat: 'validxdata' has dimensions [5, 70, 4], not (sequences, 4, bases)"),
        (x(&[5, 4, 9]), "valid.mat: has sequences of 9 bases and 40 labels, train.mat of 70 and 40"),
        ([v73("other", &train), good[1].clone(), good[2].clone()], "train.mat: has no variable 'traindata'"),
        ([good[0].clone(), good[1].clone(), v5("valid", &test, true)], "test.mat: has no variable 'testdata'"),
        ([good[0].clone(), b"no file".to_vec(), good[2].clone()], "valid.mat: is not a MATLAB file"),
        ([Vec::new(), good[1].clone(), good[2].clone()], "train.mat: the file is empty"),
    ] {
        let e = place.import(&files).unwrap_err();
        let text = e.to_string();
        assert!(text.contains(want), "{text} / {want}");
        assert_eq!(e.kind, ErrorKind::Invalid, "{text}");
        assert_eq!(crate::Dataset::open(&place.data(), &Deepsea).unwrap().hash(), hash, "{want}");
    }
    fs::remove_file(place.from().join("valid.mat")).unwrap();
    let e = Deepsea.import(&place.from(), &place.data(), &Silent).unwrap_err();
    assert!(e.kind == ErrorKind::Missing && e.to_string().contains("there is no valid.mat in it"), "{e}");
}

#[test]
fn quarters_become_zeros_and_are_counted() {
    let [train, valid, test] = ITEMS.map(content);
    let mut x: Vec<f64> = valid.x.iter().map(|&b| f64::from(b)).collect();
    // Position 65 of sequence 2, which has labels.
    (0..4).for_each(|b| x[2 + 5 * (b + 4 * 65)] = 0.25);
    let y: Vec<f64> = valid.y.iter().map(|&b| f64::from(b)).collect();
    let style = Style::default();
    let whole = file(
        false,
        &[variable("validdata", &[5, LABELS], &y, style), variable("validxdata", &[5, 4, LENGTH], &x, style)],
    );
    let place = Place::new();
    let made = place.import(&[v73("train", &train), whole, v5("test", &test, true)]).unwrap();
    assert_eq!(made.notices.last().unwrap(), "1 unknown bases, written as four quarters, are stored as zeros");
    // Of sequences 0, 2, 3 the second.
    let stored = Stored::open(&place.data().join("deepsea"), Part::Val).unwrap();
    assert_eq!(stored.bytes("x").unwrap()[(LENGTH + 65) * 4..][..4], [0; 4]);
}

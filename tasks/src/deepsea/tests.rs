//! The importer on good, partial and broken files, and on the real subset where it is.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent, store::Stored};

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut b = b"\x93NUMPY\x01\x00".to_vec();
    b.extend((header.len() as u16).to_le_bytes());
    b.extend(header.as_bytes());
    b.extend(data);
    b
}

const BASES: usize = 12;
const LABELS: usize = 3;
const SIZES: [usize; 3] = [6, 2, 4];

/// Channel of base `i` of sequence `n`; 4: unknown.
fn channel(n: usize, i: usize) -> usize {
    (n * 7 + i * 3 + n * i) % 5
}

fn one_hot(n: usize) -> Vec<u8> {
    (0..n * BASES * 4).map(|i| u8::from(channel(i / 4 / BASES, i / 4 % BASES) == i % 4)).collect()
}

fn labels(n: usize) -> Vec<u8> {
    (0..n * LABELS).map(|i| u8::from((i / LABELS + i % LABELS).is_multiple_of(2))).collect()
}

type Files = Vec<(String, Vec<u8>)>;

/// The six members, numbers written by `f` as elements of type `descr`.
fn members(descr: &str, f: impl Fn(u8) -> Vec<u8>) -> Files {
    let write = |v: Vec<u8>| v.into_iter().flat_map(&f).collect::<Vec<u8>>();
    let mut files = Files::new();
    for (part, n) in ["train", "val", "test"].into_iter().zip(SIZES) {
        files.push((format!("x_{part}.npy"), npy(descr, &format!("({n}, {BASES}, 4)"), &write(one_hot(n)))));
        files.push((format!("y_{part}.npy"), npy(descr, &format!("({n}, {LABELS})"), &write(labels(n)))));
    }
    files
}

fn bytes() -> Files {
    members("|u1", |v| vec![v])
}

fn zipped(files: &Files, method: CompressionMethod) -> Vec<u8> {
    let mut w = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        w.start_file(&**name, SimpleFileOptions::default().compression_method(method)).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("from")).unwrap();
        Self(dir)
    }

    fn npz(&self) -> PathBuf {
        self.0.path().join("from/deepsea_filtered.npz")
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn import(&self, archive: &[u8]) -> Result<Summary, Error> {
        fs::write(self.npz(), archive).unwrap();
        Deepsea.import(&self.0.path().join("from"), &self.data(), &Silent)
    }

    fn stored(&self, part: Part, name: &str) -> Vec<u8> {
        Stored::open(&self.data().join("deepsea"), part).unwrap().bytes(name).unwrap().to_vec()
    }
}

#[test]
fn every_type_and_compression_gives_the_same_store() {
    let place = Place::new();
    let made = place.import(&zipped(&bytes(), CompressionMethod::Stored)).unwrap();
    assert_eq!(made.provenance, Provenance::Partial);
    assert_eq!([made.sizes.train, made.sizes.val, made.sizes.test], SIZES);
    assert_eq!(made.notices[3], "sequences of 12 bases instead of 1,000");
    assert_eq!(made.notices[4], "3 labels instead of 36");
    assert_eq!(made.notices.len(), 5, "{:?}", made.notices);
    for (part, n) in Part::ALL.into_iter().zip(SIZES) {
        assert_eq!((place.stored(part, "x"), place.stored(part, "y")), (one_hot(n), labels(n)));
    }
    let set = Dataset::open(&place.data(), &Deepsea).unwrap();
    let (x, y) = set.train().batch(&[5]);
    assert_eq!((set.input(), set.outputs()), (&[BASES, 4][..], LABELS));
    assert!(x.data().iter().zip(&one_hot(6)[5 * BASES * 4..]).all(|(a, b)| *a == f32::from(*b)));
    assert_eq!(y.data(), [0.0, 1.0, 0.0]);

    for archive in [
        zipped(&bytes(), CompressionMethod::Deflated),
        zipped(&members("|b1", |v| vec![v]), CompressionMethod::Deflated),
        zipped(&members("<f4", |v| f32::from(v).to_le_bytes().to_vec()), CompressionMethod::Stored),
        zipped(&members(">f8", |v| f64::from(v).to_be_bytes().to_vec()), CompressionMethod::Deflated),
        zipped(&members("<i8", |v| i64::from(v).to_le_bytes().to_vec()), CompressionMethod::Deflated),
    ] {
        let other = Place::new();
        let again = other.import(&archive).unwrap();
        assert_eq!((&again.hash, &again.notices), (&made.hash, &made.notices));
        // The file itself serves as well as its folder.
        assert_eq!(Deepsea.import(&other.npz(), &other.data(), &Silent).unwrap().hash, made.hash);
    }
}

#[test]
fn quarters_become_zeros_and_are_counted() {
    let place = Place::new();
    let mut files = members("<f4", |v| f32::from(v).to_le_bytes().to_vec());
    // Position 0 of training sequence 2 becomes four quarters.
    let x = &mut files[0].1;
    let at = x.len() - (6 - 2) * BASES * 16;
    x[at..at + 16].copy_from_slice(&0.25f32.to_le_bytes().repeat(4));
    let made = place.import(&zipped(&files, CompressionMethod::Stored)).unwrap();
    assert_eq!(made.notices[5], "1 unknown bases, written as four quarters, are stored as zeros");
    assert_eq!(place.stored(Part::Train, "x")[2 * BASES * 4..][..4], [0; 4]);
}

#[test]
fn labels_of_one_kind_are_told() {
    let place = Place::new();
    let mut files = bytes();
    let y = &mut files[5].1;
    let at = y.len() - 4 * LABELS;
    y[at..].iter_mut().skip(1).step_by(LABELS).for_each(|v| *v = 0);
    let made = place.import(&zipped(&files, CompressionMethod::Stored)).unwrap();
    assert_eq!(made.notices[5], "test data have both kinds of 2 of 3 labels; the others leave the mean");
}

#[test]
fn what_is_wrong_is_said_and_the_old_store_stays() {
    let place = Place::new();
    let good = zipped(&bytes(), CompressionMethod::Stored);
    let hash = place.import(&good).unwrap().hash;
    let change = |member: usize, f: &dyn Fn(&mut Vec<u8>)| {
        let mut files = bytes();
        f(&mut files[member].1);
        zipped(&files, CompressionMethod::Deflated)
    };
    let replace = |member: usize, with: Vec<u8>| change(member, &|b| b.clone_from(&with));
    let without = {
        let mut files = bytes();
        files.remove(2);
        zipped(&files, CompressionMethod::Stored)
    };
    let end = |b: &mut Vec<u8>, from_end: usize, v: u8| {
        let at = b.len() - from_end;
        b[at] = v;
    };
    for (archive, kind, want) in [
        (without, ErrorKind::Missing, "holds no 'x_val.npy' (it has 'x_train.npy', 'y_train.npy', 'y_val.npy'"),
        (good[..good.len() / 2].to_vec(), ErrorKind::Invalid, "is no sound zip archive"),
        (b"not a zip".to_vec(), ErrorKind::Invalid, "is no sound zip archive"),
        (Vec::new(), ErrorKind::Invalid, "the file is empty"),
        (
            // The last position of the third training sequence from the end.
            change(0, &|b| b.splice(b.len() - 2 * BASES * 4 - 4..b.len() - 2 * BASES * 4, [1, 0, 0, 1]).for_each(drop)),
            ErrorKind::Invalid,
            "x_train.npy: position 11 of sequence 3 is no base",
        ),
        (change(4, &|b| end(b, 1, 2)), ErrorKind::Invalid, "x_test.npy: position 11 of sequence 3 is no base"),
        (change(3, &|b| end(b, 1, 2)), ErrorKind::Invalid, "y_val.npy: label 2 of sequence 1 is 2, not 0 or 1"),
        (change(0, &|b| b.truncate(b.len() - 1)), ErrorKind::Invalid, "x_train.npy: the file is cut short"),
        (change(0, &|b| b.push(0)), ErrorKind::Invalid, "x_train.npy: has bytes after the array's end"),
        (replace(0, npy("|u1", "(6, 4, 12)", &[0; 288])), ErrorKind::Invalid, "not (sequences, bases, 4)"),
        (replace(0, npy("|u1", "(5, 12, 4)", &[0; 240])), ErrorKind::Invalid, "has 5 sequences, their labels are of 6"),
        (replace(2, npy("|u1", "(2, 9, 4)", &[0; 72])), ErrorKind::Invalid, "sequences of 9 bases, x_train of 12"),
        (replace(3, npy("|u1", "(2, 2)", &[0; 4])), ErrorKind::Invalid, "its y_train has 3 labels, another has 2"),
        (replace(1, npy("|u1", "(6,)", &[0; 6])), ErrorKind::Invalid, "not (sequences, labels)"),
        (replace(1, npy("|S1", "(6, 3)", &[b'1'; 18])), ErrorKind::Invalid, "y_train.npy: has elements of type S1"),
        (replace(1, npy("|O", "(6, 3)", b"cos\nsystem\n")), ErrorKind::Invalid, "y_train.npy: holds Python objects"),
        (replace(1, npy("|u1", "(0, 3)", b"")), ErrorKind::Invalid, "y_train.npy: has shape [0, 3]"),
    ] {
        let e = place.import(&archive).unwrap_err();
        let text = e.to_string();
        assert!(text.contains(want), "{text} / {want}");
        assert!(text.contains("deepsea_filtered.npz"), "{text}");
        assert_eq!(e.kind, kind, "{text}");
        assert_eq!(Dataset::open(&place.data(), &Deepsea).unwrap().hash(), hash, "{want}");
    }
    let nothing = place.0.path().join("nothing");
    fs::create_dir(&nothing).unwrap();
    let e = Deepsea.import(&nothing, &place.data(), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("there is no deepsea_filtered.npz in it"), "{e}");
}

#[test]
fn generated_stores_are_the_same_on_any_number_of_threads() {
    let sizes = crate::Sizes { train: 9, val: 3, test: 5 };
    let make = |seed| {
        let place = Place::new();
        Deepsea.generate(sizes, seed, &place.data(), &Silent).unwrap()
    };
    let before = kernels::pool::threads();
    let one = make(3);
    kernels::pool::set_threads(3);
    let other = make(3).hash;
    kernels::pool::set_threads(before);
    assert_eq!(one.hash, other);
    assert_ne!(make(4).hash, other);
    assert_eq!((one.provenance, one.sizes), (Provenance::StandIn, sizes));
}

#[test]
fn the_real_subset() {
    let Some(from) = shared("data/deepsea/deepsea_filtered.npz") else { return };
    let place = Place::new();
    let made = Deepsea.import(&from, &place.data(), &Silent).unwrap();
    assert_eq!((made.sizes.train, made.sizes.val, made.sizes.test), (240, 40, 80));
    assert_eq!(made.notices[3], "training data have both kinds of 2 of 36 labels");
    // Counted from the file by Python: bases by channel, and labels.
    for (part, bases, seen) in [
        (Part::Train, [13_843, 10_325, 10_207, 13_625], 120),
        (Part::Val, [2_382, 1_662, 1_715, 2_241], 20),
        (Part::Test, [4_565, 3_484, 3_383, 4_568], 40),
    ] {
        let (x, y) = (place.stored(part, "x"), place.stored(part, "y"));
        let count = |c: usize| x.iter().skip(c).step_by(4).map(|&v| usize::from(v)).sum::<usize>();
        assert_eq!([0, 1, 2, 3].map(count), bases);
        let label = |k: usize| y.iter().skip(k).step_by(36).map(|&v| usize::from(v)).sum::<usize>();
        assert_eq!((label(0), label(1), label(2)), (seen, seen, 0));
    }
}

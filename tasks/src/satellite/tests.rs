//! The importer on good, partial and broken files; the generator; the real subsets where they are.

use std::fs;
use std::path::PathBuf;

use kernels::rng::{Key, Purpose};

use super::*;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent, store::Stored};

/// The pickle of an array as NumPy writes it (protocol 3).
fn array_pickle(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let mut b = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01(".to_vec();
    for &d in shape {
        b.push(b'J');
        b.extend((d as u32).to_le_bytes());
    }
    b.extend(b"tcnumpy\ndtype\nX");
    b.extend((descr.len() as u32 - 1).to_le_bytes());
    b.extend(&descr.as_bytes()[1..]);
    b.extend(b"\x89\x88\x87R(K\x03X\x01\x00\x00\x00");
    b.push(descr.as_bytes()[0]);
    b.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
    b.extend((data.len() as u32).to_le_bytes());
    b.extend(data);
    b.extend(b"tb");
    b
}

/// A `.npy` of one object without dimensions, given its pickle without PROTO and STOP.
fn object_npy(object: &[u8]) -> Vec<u8> {
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n";
    let mut b = b"\x93NUMPY\x01\x00".to_vec();
    b.extend((header.len() as u16).to_le_bytes());
    b.extend(header.as_bytes());
    b.extend(b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01)");
    b.extend(b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb");
    b.extend(b"\x89]");
    b.extend(object);
    b.extend(b"atb.");
    b
}

fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut b = b"}(".to_vec();
    for (key, value) in entries {
        b.push(b'X');
        b.extend((key.len() as u32).to_le_bytes());
        b.extend(key.as_bytes());
        b.extend(value);
    }
    b.push(b'u');
    b
}

fn floats(rows: usize, dates: usize, f: impl Fn(usize, usize) -> f64) -> Vec<u8> {
    let data: Vec<u8> = (0..rows * dates).flat_map(|i| f(i / dates, i % dates).to_le_bytes()).collect();
    array_pickle("<f8", &[rows, dates], &data)
}

fn ints(labels: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = labels.iter().flat_map(|l| l.to_le_bytes()).collect();
    array_pickle("<i8", &[labels.len()], &data)
}

fn value(row: usize, date: usize) -> f64 {
    ((row * 31 + date * 7 + row * date) % 17) as f64 * 0.25 - 1.0
}

/// A sound file: classes 1 to 24 in turn.
fn sound(rows: usize, dates: usize) -> Vec<u8> {
    let labels: Vec<i64> = (0..rows).map(|i| i as i64 % 24 + 1).collect();
    object_npy(&dict(&[("data", floats(rows, dates, value)), ("label", ints(&labels))]))
}

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("from")).unwrap();
        Self { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn import(&self, train: &[u8], test: &[u8]) -> Result<Summary, Error> {
        let from = self.dir.path().join("from");
        fs::write(from.join("satellite_train.npy"), train).unwrap();
        fs::write(from.join("satellite_test.npy"), test).unwrap();
        Satellite.import(&from, &self.data(), &Silent)
    }
}

#[test]
fn standardising_by_hand() {
    let mut out = [9.0; 4];
    standardise(&[2.0, 4.0, 4.0, 6.0], &mut out);
    // Mean 4, squares 4 + 0 + 0 + 4, deviation sqrt(2).
    let s = 2.0 / 2.0f64.sqrt();
    assert_eq!(out, [-s as f32, 0.0, 0.0, s as f32]);
    // Thrice 0.1 does not sum to 0.3: a constant series is still constant.
    standardise(&[0.1, 0.1, 0.1, 0.1], &mut out);
    assert_eq!(out, [0.0; 4]);
    let mut out = [9.0; 3];
    standardise(&[0.1, 0.1, 0.1], &mut out);
    assert_eq!(out, [0.0; 3]);
}

#[test]
fn a_partial_copy_is_imported_with_a_notice_a_gap() {
    let b = Bench::new();
    let s = b.import(&sound(95, 46), &sound(30, 46)).unwrap();
    assert_eq!(s.sizes, Sizes { train: 85, val: 10, test: 30 });
    assert_eq!(s.provenance, Provenance::Partial);
    assert_eq!(
        s.notices,
        ["95 of 900,000 training series", "30 of 100,000 test series", "validation holds 10 of 24 classes"]
    );
    let d = Dataset::open(&b.data(), &Satellite).unwrap();
    assert_eq!((d.input(), d.outputs(), d.hash()), (&[46, 1][..], 24, &*s.hash));
    assert_eq!((d.provenance(), d.notices()), (Provenance::Partial, &s.notices[..]));
    assert_eq!(d.origin().sources[1].name, "satellite_test.npy");
    d.verify(&Silent).unwrap();

    let expected = |row: usize| {
        let (raw, mut done): (Vec<f64>, _) = ((0..46).map(|t| value(row, t)).collect(), vec![0.0; 46]);
        standardise(&raw, &mut done);
        done
    };
    let fit = d.fit();
    assert_eq!((fit.len(), d.train().len(), d.val().len()), (95, 85, 10));
    let (x, y) = fit.batch(&[94, 0, 85, 84]);
    assert_eq!((&x.shape()[..], &y.shape()[..]), (&[4, 46, 1][..], &[4][..]));
    assert_eq!(x.data(), [94, 0, 85, 84].map(expected).concat());
    assert_eq!(y.ints(), [94 % 24, 0, 85 % 24, 84 % 24]);
    let (same, _) = fit.training_batch(&[94, 0, 85, 84], Key::new(0, Purpose::Augment));
    assert!(same.same_bits(&x));
    let (x, y) = d.val().batch(&[9]);
    assert_eq!((x.data(), y.ints()), (&expected(94)[..], &[94 % 24][..]));
    let (x, y) = d.open_test().unwrap().items().batch(&[29]);
    assert_eq!((x.data(), y.ints()), (&expected(29)[..], &[5][..]));

    // Test data that were swapped after the dataset was opened are not taken.
    b.import(&sound(95, 46), &sound(31, 46)).unwrap();
    let e = d.open_test().err().unwrap().to_string();
    assert!(e.contains("test.safetensors: was replaced while this program was running"), "{e}");
    assert_eq!(fit.batch(&[0]).0.data(), expected(0));
}

#[test]
fn other_lengths_and_classes_are_the_users_own_data() {
    let b = Bench::new();
    let file = |n: usize| {
        let labels: Vec<i64> = (0..n).map(|i| i as i64 % 3 + 1).collect();
        object_npy(&dict(&[("data", floats(n, 5, value)), ("label", ints(&labels))]))
    };
    let s = b.import(&file(9), &file(4)).unwrap();
    assert_eq!(
        s.notices,
        [
            "9 of 900,000 training series",
            "4 of 100,000 test series",
            "5 dates instead of 46",
            "3 classes instead of 24",
            "validation holds 1 of 3 classes"
        ]
    );
    let d = Dataset::open(&b.data(), &Satellite).unwrap();
    assert_eq!((d.input(), d.outputs(), d.sizes().val), (&[5, 1][..], 3, 1));
}

#[test]
fn other_number_types_and_orders_read_the_same() {
    let b = Bench::new();
    let labels: Vec<i64> = (0..27).map(|i| i % 24 + 1).collect();
    let want = b.import(&sound(27, 46), &sound(27, 46)).unwrap().hash;
    // All values are multiples of 1/4, exact in every width.
    let at = |i: usize| value(i / 46, i % 46) as f32;
    let f4: Vec<u8> = (0..27 * 46).flat_map(|i| at(i).to_be_bytes()).collect();
    let f2: Vec<u8> = (0..27 * 46).flat_map(|i| half::f16::from_f32(at(i)).to_le_bytes()).collect();
    let small: Vec<u8> = labels.iter().map(|&l| l as u8).collect();
    for (data, label) in [
        (array_pickle(">f4", &[27, 46], &f4), ints(&labels)),
        (array_pickle("<f2", &[27, 46], &f2), array_pickle("|u1", &[27, 1], &small)),
    ] {
        let file = object_npy(&dict(&[("label", label), ("data", data)]));
        assert_eq!(b.import(&file, &file).unwrap().hash, want);
    }
}

#[test]
fn wrong_files_are_refused_in_one_line() {
    let b = Bench::new();
    let good = sound(18, 46);
    let labels: Vec<i64> = vec![1; 18];
    let (data, label) = (floats(18, 46, value), ints(&labels));
    let with = |entries: &[(&str, Vec<u8>)]| object_npy(&dict(entries));
    let labelled = |at: usize, l: i64| {
        let mut labels = labels.clone();
        labels[at] = l;
        with(&[("data", data.clone()), ("label", ints(&labels))])
    };
    let valued = |v: f64| {
        let data = floats(18, 46, |r, t| if (r, t) == (17, 3) { v } else { value(r, t) });
        with(&[("data", data), ("label", label.clone())])
    };
    let plain = [b"\x93NUMPY\x01\x00\x3b\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } \n", &[0; 4][..]]
        .concat();
    let own = "give the task's own files, satellite_train.npy and satellite_test.npy";
    let table: Vec<(Vec<u8>, &str, &str)> = vec![
        (vec![], "the file is empty", "copy or download it again"),
        (b"PK\x03\x04zip".to_vec(), "is not a .npy file", "give the task's own .npy file"),
        (good[..good.len() / 2].to_vec(), "the file is cut short", "copy or download it again"),
        (good[..good.len() - 1].to_vec(), "the file is cut short", "copy or download it again"),
        ([&good[..], b"xyz"].concat(), "has 3 bytes after the pickle's end", "copy or download it again"),
        (plain, "holds an array, not the dict of 'data' and 'label'", own),
        (object_npy(b"]"), "holds a list, not the dict of 'data' and 'label'", own),
        (with(&[("data", data.clone()), ("y", label.clone())]), "has no 'label' (it has 'data', 'y')", own),
        (with(&[("label", label.clone())]), "has no 'data' (it has 'label')", own),
        (with(&[("data", b"K\x01".to_vec()), ("label", label.clone())]), "'data' is an integer, not an array", own),
        (
            with(&[("data", array_pickle("|S8", &[18, 46], &[b'a'; 18 * 46 * 8])), ("label", label.clone())]),
            "'data' is an array of S8, not of numbers",
            own,
        ),
        (
            with(&[("data", data.clone()), ("label", floats(18, 1, value))]),
            "'label' is an array of f8, not of integers",
            own,
        ),
        (with(&[("data", label.clone()), ("label", label.clone())]), "'data' has shape [18], not (series, dates)", own),
        (
            with(&[("data", data.clone()), ("label", ints(&labels[1..]))]),
            "'data' has 18 series and 'label' has 17",
            own,
        ),
        (with(&[("data", floats(0, 46, value)), ("label", ints(&[]))]), "there is nothing in it", own),
        (labelled(3, 0), "'label' is 0 in row 3; classes count from 1", own),
        (labelled(4, -7), "'label' is -7 in row 4", own),
        (labelled(5, 1_000_000), "'label' is 1000000 in row 5", own),
        (valued(f64::NAN), "that is no finite number in row 17", "repair or remove that row"),
        (valued(f64::INFINITY), "that is no finite number in row 17", "repair or remove that row"),
        (
            object_npy(b"cos\nsystem\nX\x01\x00\x00\x00a\x85R"),
            "'os.system', which no dataset needs",
            "may be malicious",
        ),
    ];
    b.import(&good, &good).unwrap();
    let before = fs::read(Part::Train.file(&b.data().join("satellite"))).unwrap();
    for (bytes, what, fix) in &table {
        for (train, test, name) in [(bytes, &good, "satellite_train.npy"), (&good, bytes, "satellite_test.npy")] {
            let e = b.import(train, test).unwrap_err().to_string();
            let path = b.dir.path().join("from").join(name).display().to_string();
            assert!(e.starts_with(&format!("{path}: ")) && e.contains(what) && e.contains(fix), "{e} / {what}; {fix}");
            assert!(!e.contains('\n') && e.matches(&path).count() == 1, "{e}");
        }
    }
    let e = b.import(&good, &sound(18, 45)).unwrap_err().to_string();
    assert!(
        e.contains("has series of 45 dates where satellite_train.npy has 46; take both files from the same"),
        "{e}"
    );
    let e = b.import(&sound(8, 46), &good).unwrap_err().to_string();
    assert!(e.contains("has 8 series, too few to keep a ninth for validation; give at least 9"), "{e}");
    let empty = b.dir.path().join("empty");
    let e = Satellite.import(&empty, &b.data(), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    let want =
        "satellite_train.npy: there is no such file; give the folder that holds satellite_train.npy and satellite_test";
    assert!(e.to_string().contains(want), "{e}");

    // Whatever failed, the store that was there is there.
    assert_eq!(fs::read(Part::Train.file(&b.data().join("satellite"))).unwrap(), before);
    let left: Vec<_> = fs::read_dir(b.data()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn mutated_files_never_panic() {
    let b = Bench::new();
    let good = sound(12, 3);
    let mut chance = Key::new(9, Purpose::Test).stream(0);
    let taken = (0..1_500).filter(|_| {
        let mut bytes = good.clone();
        for _ in 0..=chance.below(2) {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] = chance.word() as u8;
        }
        b.import(&bytes, &good).is_ok()
    });
    assert!((1..1_500).contains(&taken.count()));
}

fn generate(sizes: Sizes, seed: u64) -> (tempfile::TempDir, Dataset) {
    let dir = tempfile::tempdir().unwrap();
    let s = Satellite.generate(sizes, seed, dir.path(), &Silent).unwrap();
    assert_eq!((s.sizes, s.provenance), (sizes, Provenance::StandIn));
    let d = Dataset::open(dir.path(), &Satellite).unwrap();
    assert_eq!(s.hash, d.hash());
    (dir, d)
}

#[test]
fn generated_items_do_not_depend_on_their_number() {
    let (_a, few) = generate(Sizes { train: 20, val: 5, test: 7 }, 3);
    let (_b, many) = generate(Sizes { train: 50, val: 9, test: 8 }, 3);
    let (_c, again) = generate(Sizes { train: 20, val: 5, test: 7 }, 3);
    let (_d, other) = generate(Sizes { train: 20, val: 5, test: 7 }, 4);
    assert_eq!(few.hash(), again.hash());
    assert_ne!(few.hash(), other.hash());
    let all: Vec<u32> = (0..20).collect();
    let ((xa, ya), (xb, yb)) = (few.train().batch(&all), many.train().batch(&all));
    assert!(xa.same_bits(&xb) && ya.same_bits(&yb));
    // No instance is in two splits.
    let rows = |s: &crate::Split| (0..s.len() as u32).map(|i| s.batch(&[i]).0.data().to_vec()).collect::<Vec<_>>();
    let mut every = [rows(&many.train()), rows(&many.val()), rows(many.open_test().unwrap().items())].concat();
    assert_eq!(every.len(), 67);
    every.sort_by(|a, b| {
        a.iter().zip(b).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    every.dedup();
    assert_eq!(every.len(), 67);
    for row in every {
        let mean: f64 = row.iter().map(|&v| f64::from(v)).sum::<f64>() / 46.0;
        let var: f64 = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() / 46.0;
        assert!(mean.abs() < 1e-6 && (var - 1.0).abs() < 1e-5, "{mean} {var}");
    }
    let dir = tempfile::tempdir().unwrap();
    let e = Satellite.generate(Sizes { train: 1, val: 0, test: 1 }, 0, dir.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("cannot generate 1 + 0 + 1 series; ask for at least one a split"), "{e}");
}

#[test]
fn the_real_subsets() {
    for (name, sizes, input, outputs, notices) in [
        (
            "satellite/crop",
            Sizes { train: 6_400, val: 800, test: 16_799 },
            [46, 1],
            24,
            // Sorted by class.
            &[
                "7,200 of 900,000 training series",
                "16,799 of 100,000 test series",
                "sorted by class: validation is a ninth by BLAKE3 of the row's number, not the last ninth",
            ][..],
        ),
        (
            "satellite/modis",
            Sizes { train: 978, val: 122, test: 118 },
            [12, 1],
            4,
            &[
                "1,100 of 900,000 training series",
                "118 of 100,000 test series",
                "12 dates instead of 46",
                "4 classes instead of 24",
            ],
        ),
    ] {
        let Some(from) = shared(&format!("data/{name}")) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let s = Satellite.import(&from, dir.path(), &Silent).unwrap();
        assert_eq!((s.sizes, s.provenance), (sizes, Provenance::Partial));
        assert_eq!(s.notices, notices);
        let d = Dataset::open(dir.path(), &Satellite).unwrap();
        d.verify(&Silent).unwrap();
        assert_eq!((d.input(), d.outputs()), (&input[..], outputs));
        let all: Vec<u32> = (0..d.train().len() as u32).collect();
        let (x, y) = d.train().batch(&all);
        assert!(x.data().iter().all(|v| v.is_finite()));
        assert!(y.ints().iter().all(|&l| (0..outputs as i32).contains(&l)));
        let test = Stored::open(&dir.path().join("satellite"), Part::Test).unwrap();
        assert_eq!(test.tensor_type("x").unwrap().1, [sizes.test, input[0], 1]);
    }
}

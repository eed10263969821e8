//! The importer on good, partial and broken files; windows, groups and the score; the real files where they are.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use kernels::Tensor;
use kernels::rng::{Key, Purpose};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::store::Origin;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent, store::Stored};

/// Sample `t` of record `r`.
fn sample(r: usize, t: usize) -> i16 {
    ((r * 31 + t * 7 + t * t % 13) % 400) as i16 - 150
}

fn mat(samples: &[i16]) -> Vec<u8> {
    let header = [30, 1, samples.len() as i32, 0, 4].map(i32::to_le_bytes).concat();
    let data: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    [&header, &b"val\0"[..], &data].concat()
}

fn hea(name: &str, samples: usize) -> String {
    format!("{name} 1 300 {samples} 11:05:48 1/05/2000 \r\n{name}.mat 16+24 1000/mV 16 0 519 0 0 ECG \r\n")
}

type Files = Vec<(String, Vec<u8>)>;

/// The challenge's files: record r, named R00r, has `lengths[r]` samples and the class r modulo 4. Names come unsorted.
fn challenge(lengths: &[usize]) -> Files {
    let (mut files, mut csv) = (Vec::new(), String::new());
    for (r, &n) in lengths.iter().enumerate().rev() {
        let name = format!("R{r:03}");
        let samples: Vec<i16> = (0..n).map(|t| sample(r, t)).collect();
        files.push((format!("training2017/{name}.mat"), mat(&samples)));
        files.push((format!("training2017/{name}.hea"), hea(&name, n).into()));
        csv += &format!("{name},{}\n", CLASSES[r % 4]);
    }
    files.push(("training2017/REFERENCE-v3.csv".into(), csv.into()));
    files
}

fn zipped(files: &Files) -> Vec<u8> {
    let mut w = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        w.start_file(&**name, SimpleFileOptions::default()).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

/// The array's pickle as NumPy writes it (protocol 3), without PROTO and STOP: shape, type, content as given.
fn array_pickle(shape: u32, descr: &str, content: &[u8]) -> Vec<u8> {
    let mut b = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01J".to_vec();
    b.extend(shape.to_le_bytes());
    b.extend(b"\x85cnumpy\ndtype\nX");
    b.extend((descr.len() as u32 - 1).to_le_bytes());
    b.extend(&descr.as_bytes()[1..]);
    b.extend(b"\x89\x88\x87R(K\x03X\x01\x00\x00\x00");
    b.push(descr.as_bytes()[0]);
    b.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89");
    b.extend(content);
    b.extend(b"tb");
    b
}

fn bytes_pickle(data: &[u8]) -> Vec<u8> {
    [&b"B"[..], &(data.len() as u32).to_le_bytes(), data].concat()
}

fn text_pickle(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [&b"]("[..], &items.concat(), b"e"].concat()
}

fn record_pickle(r: usize, n: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..n).flat_map(|t| sample(r, t).to_le_bytes()).collect();
    array_pickle(n as u32, "<i2", &bytes_pickle(&data))
}

fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut b = b"\x80\x03}(".to_vec();
    for (key, value) in entries {
        b.extend(text_pickle(key));
        b.extend(value);
    }
    b.extend(b"u.");
    b
}

/// The benchmark's pickle of the same records.
fn pickled(lengths: &[usize]) -> Vec<u8> {
    let records: Vec<_> = lengths.iter().enumerate().map(|(r, &n)| record_pickle(r, n)).collect();
    let labels: Vec<_> = (0..lengths.len()).map(|r| text_pickle(CLASSES[r % 4])).collect();
    let n = lengths.len() as u32;
    dict(&[("data", array_pickle(n, "|O8", &list(&records))), ("label", array_pickle(n, "|O8", &list(&labels)))])
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Imports a file of this name and content.
    fn import(&self, name: &str, bytes: &[u8]) -> Result<Summary, Error> {
        fs::write(self.at(name), bytes).unwrap();
        Ecg.import(&self.at(name), &self.at("data"), &Silent)
    }

    fn refusal(&self, name: &str, bytes: &[u8]) -> String {
        let e = self.import(name, bytes).unwrap_err().to_string();
        let path = self.at(name).display().to_string();
        assert!(e.starts_with(&format!("{path}: ")) && !e.contains('\n') && e.matches(&path).count() == 1, "{e}");
        e
    }
}

/// Twelve records, three of each class.
const LENGTHS: [usize; 12] = [1_000, 1_499, 1_500, 2_700, 1_250, 1_083, 2_999, 1_024, 1_025, 3_000, 1_749, 1_000];

#[test]
fn records_become_windows_by_class_and_use() {
    let b = Bench::new();
    let s = b.import("training2017.zip", &zipped(&challenge(&LENGTHS))).unwrap();
    let [train, val, test] = import::split(12);
    assert_eq!((train.len(), val.len(), test.len()), (9, 1, 2));
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 9, val: 1, test: 2 }, Provenance::Partial));
    assert_eq!(s.notices[0], "12 of 8,528 records");
    let d = Dataset::open(&b.at("data"), &Ecg).unwrap();
    assert_eq!((d.input(), d.outputs(), d.hash()), (&[1_000, 1][..], 4, &*s.hash));
    d.verify(&Silent).unwrap();
    assert_eq!(d.origin().sources[0].name, "training2017.zip");

    let whole = |r: usize| {
        let raw: Vec<f64> = (0..LENGTHS[r]).map(|t| sample(r, t).into()).collect();
        let mut done = vec![0.0; raw.len()];
        standardise(&raw, &mut done);
        done
    };
    let starts = |r: usize, stride: usize| (0..=LENGTHS[r] - 1_000).step_by(stride).collect::<Vec<_>>();
    // (record, start), in order, as training and as judging cut them.
    let cut = |records: &[i32], fitted: bool| -> Vec<(usize, usize)> {
        let stride = |r: usize| if fitted { [500, 83, 250, 25][r % 4] } else { 500 };
        records
            .iter()
            .flat_map(|&r| starts(r as usize, stride(r as usize)).into_iter().map(move |t| (r as usize, t)))
            .collect()
    };
    let both: Vec<i32> = [&train[..], &val].concat();
    let opened = d.open_test().unwrap();
    for (split, records, fitted) in [
        (d.train(), &train, true),
        (d.val(), &val, false),
        (d.fit(), &both, true),
        (opened.items().clone(), &test, false),
    ] {
        let want = cut(records, fitted);
        assert_eq!((split.len(), split.groups()), (want.len(), records.len()));
        let all: Vec<u32> = (0..want.len() as u32).rev().collect();
        let (x, y) = split.batch(&all);
        assert_eq!(x.shape()[..], [want.len(), 1_000, 1]);
        for (j, &i) in all.iter().enumerate() {
            let (r, t) = want[i as usize];
            assert_eq!(x.data()[j * 1_000..][..1_000], whole(r)[t..t + 1_000], "window {i} of record {r} at {t}");
            assert_eq!((y.ints()[j], records[split.group(i) as usize]), ((r % 4) as i32, r as i32));
        }
        let groups: Vec<u32> = (0..records.len() as u32).collect();
        assert_eq!(split.items_of(&groups), (0..want.len() as u32).collect::<Vec<_>>());
        let last = *groups.last().unwrap();
        let of_last: Vec<u32> = (0..want.len() as u32).filter(|&i| split.group(i) == last).collect();
        assert!(!of_last.is_empty());
        assert_eq!(split.items_of(&[last]), of_last);
    }
    // A record of exactly 1,000 samples has a window, one of 1,500 in steps of 250 three.
    assert_eq!((starts(0, 500), starts(2, 250)), (vec![0], vec![0, 250, 500]));
    let (same, _) = d.fit().training_batch(&[0, 3], Key::new(0, Purpose::Augment));
    assert!(same.same_bits(&d.fit().batch(&[0, 3]).0));
}

#[test]
fn records_that_do_not_fit_together_are_refused_when_opened() {
    let b = Bench::new();
    let odd = |samples: usize, channels: usize, offsets: &[i64], labels: &[i32]| {
        let mut store = crate::store::StoreWriter::begin(&b.at("data"), "ecg").unwrap();
        for part in Part::ALL {
            let mut split = store.split(part).unwrap();
            split.tensor("signal", Dtype::F32, &vec![1; channels]).unwrap();
            split.push(&vec![0.0f32; samples]).unwrap();
            split.tensor("offsets", Dtype::I64, &[]).unwrap();
            split.push(offsets).unwrap();
            split.tensor("label", Dtype::I32, &[]).unwrap();
            split.push(labels).unwrap();
            let origin = Origin {
                preprocessing: FACTS.preprocessing,
                provenance: Provenance::Partial,
                seed: None,
                sources: Vec::new(),
                task: "ecg".into(),
                outputs: 4,
                notices: Vec::new(),
            };
            store.finish(split, &origin).unwrap();
        }
        store.publish().unwrap();
        Dataset::open(&b.at("data"), &Ecg)
    };
    let d = odd(2_500, 1, &[0, 1_500, 1_900, 2_500], &[3, 0, 1]).unwrap();
    // A record too short for a window is a group without items.
    assert_eq!((d.train().len(), d.train().groups(), d.val().len(), d.sizes().val), (21, 3, 2, 3));
    assert_eq!((d.train().items_of(&[1, 2]), d.fit().group(21)), (vec![], 3));
    for (samples, channels, offsets, labels, want) in [
        (2_500, 1, &[0, 2_501][..], &[0][..], "2 offsets do not go with 1 labels and 2500 samples"),
        (2_500, 1, &[1, 2_500], &[0], "2 offsets do not go"),
        (2_500, 1, &[0, -7, 2_500], &[0, 0], "3 offsets do not go"),
        (2_500, 1, &[0, 2_000, 1_000, 2_500], &[0; 3], "4 offsets do not go"),
        (2_500, 1, &[0, 2_500], &[0, 0], "2 offsets do not go with 2 labels"),
        (2_500, 1, &[], &[], "0 offsets do not go"),
        (2_500, 1, &[0, 2_500], &[4], "record 0 has the label 4"),
        (2_500, 1, &[0, 2_500], &[-1], "record 0 has the label -1"),
        (2_500, 0, &[0, 2_500], &[0], "'signal' is not samples by channels"),
    ] {
        let e = odd(samples, channels, offsets, labels).unwrap_err().to_string();
        assert!(e.contains("train.safetensors: ") && e.contains(want) && e.contains("import the task again"), "{e}");
    }
}

#[test]
fn the_published_split() {
    let [train, val, test] = import::split(8_528);
    assert_eq!((train.len(), val.len(), test.len()), (6_822, 853, 853));
    let mut all = [train, val, test.clone()].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..8_528));
    // The first held out is 2,044; NumPy's permutation of 1,706 says who is tested.
    let held = &crate::numpy_random::permutation(0, 8_528)[..1_706];
    assert_eq!(held[0], 2_044);
    let first = crate::numpy_random::permutation(0, 1_706)[0] as usize;
    assert!(test.contains(&(held[first] as i32)));
}

#[test]
fn archive_folder_and_pickle_are_one_store() {
    let b = Bench::new();
    let files = challenge(&LENGTHS);
    let zip = b.import("training2017.zip", &zipped(&files)).unwrap();
    let train =
        |b: &Bench| fs::read(Part::Train.file(&b.at("data/ecg"))).unwrap()[crate::store::HEADER_ROOM..].to_vec();
    let want = train(&b);
    assert_eq!(b.import("challenge2017.pkl", &pickled(&LENGTHS)).unwrap().hash, zip.hash);
    assert_eq!(train(&b), want);
    let e = Ecg.import(b.0.path(), &b.at("data"), &Silent).unwrap_err().to_string();
    assert!(e.contains("holds both the challenge's records and challenge2017.pkl; name the file itself"), "{e}");
    fs::remove_file(b.at("challenge2017.pkl")).unwrap();
    assert_eq!(Ecg.import(b.0.path(), &b.at("data"), &Silent).unwrap().hash, zip.hash);

    fs::remove_file(b.at("training2017.zip")).unwrap();
    fs::create_dir(b.at("training2017")).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(b.at(name), bytes).unwrap());
    for from in [b.0.path().to_owned(), b.at("training2017")] {
        assert_eq!(Ecg.import(&from, &b.at("data"), &Silent).unwrap().hash, zip.hash);
    }
    // Labels as text of one array, numbers of another type.
    let labels: Vec<u8> = (0..12).flat_map(|r| u32::from(CLASSES[r % 4].as_bytes()[0]).to_le_bytes()).collect();
    let records = LENGTHS.iter().enumerate().map(|(r, &n)| {
        let data: Vec<u8> = (0..n).flat_map(|t| f32::from(sample(r, t)).to_be_bytes()).collect();
        array_pickle(n as u32, ">f4", &bytes_pickle(&data))
    });
    let file = dict(&[
        ("label", array_pickle(12, "<U1", &bytes_pickle(&labels))),
        ("data", list(&records.collect::<Vec<_>>())),
    ]);
    assert_eq!(b.import("other.pkl", &file).unwrap().hash, zip.hash);
}

#[test]
fn a_partial_archive_is_imported_with_a_notice_a_gap() {
    let b = Bench::new();
    let mut files = challenge(&LENGTHS);
    files.retain(|(n, _)| !n.ends_with("R003.mat") && !n.ends_with("R007.hea"));
    files.push(("training2017/unlisted.mat".into(), b"x".to_vec()));
    let s = b.import("a.zip", &zipped(&files)).unwrap();
    assert_eq!(s.notices[..2], ["2 listed records are not there", "10 of 8,528 records"]);
    // Older labels are taken with a notice, unless those of version 3 lie beside the archive.
    let labels = files.iter_mut().find(|(n, _)| n.ends_with(".csv")).unwrap();
    labels.0 = "training2017/REFERENCE.csv".into();
    let (v3, old) = (labels.1.clone(), b"R000,A\nR001,A\nR002,A\nR004,A\nR005,A\nR006,A\n".to_vec());
    labels.1 = old;
    let s = b.import("a.zip", &zipped(&files)).unwrap();
    assert_eq!(s.notices[..2], ["labels of REFERENCE.csv, not of REFERENCE-v3.csv", "6 of 8,528 records"]);
    fs::write(b.at("REFERENCE-v3.csv"), v3).unwrap();
    let s = b.import("a.zip", &zipped(&files)).unwrap();
    assert_eq!(s.notices[1], "10 of 8,528 records");
    assert_eq!(Dataset::open(&b.at("data"), &Ecg).unwrap().origin().sources[1].name, "REFERENCE-v3.csv");
}

#[test]
fn wrong_archives_are_refused_in_one_line() {
    let b = Bench::new();
    let good = challenge(&LENGTHS);
    let with = |name: &str, bytes: &[u8]| {
        let mut files = good.clone();
        files.iter_mut().find(|(n, _)| n.ends_with(name)).unwrap().1 = bytes.to_vec();
        zipped(&files)
    };
    let whole = zipped(&good);
    b.import("training2017.zip", &whole).unwrap();
    let before = fs::read(Part::Train.file(&b.at("data/ecg"))).unwrap();
    let csv = |line: &str| with(".csv", format!("R000,N\n{line}\n").as_bytes());
    let head = |from: &str, to: &str| with("R000.hea", hea("R000", 1_000).replacen(from, to, 1).as_bytes());
    let samples: Vec<i16> = (0..1_000).map(|t| sample(0, t)).collect();
    let mut column = mat(&samples);
    column[4..12].copy_from_slice(&[1_000i32, 1].map(i32::to_le_bytes).concat());
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty; copy or download it again"),
        (b"PK\x03\x04".to_vec(), "is no sound zip archive"),
        (whole[..whole.len() / 2].to_vec(), "is no sound zip archive"),
        (zipped(&good[..4].to_vec()), "there is no REFERENCE-v3.csv in it; give the challenge's own training2017.zip"),
        (
            zipped(&challenge(&[1_000; 5])),
            "has 5 records, too few to hold a fifth out and to halve that; give at least 6",
        ),
        (csv("R001"), "REFERENCE-v3.csv: line 2: 'R001' is no name,label"),
        (csv("R001,X"), "REFERENCE-v3.csv: line 2: 'R001,X' has none of the labels N, A, O and ~"),
        (csv("../R001,N"), "REFERENCE-v3.csv: line 2: '../R001,N' begins with no record's name"),
        (csv("R000,N"), "REFERENCE-v3.csv: line 2: R000 is listed twice"),
        (with(".csv", b"\xff\xfe"), "REFERENCE-v3.csv: is not text"),
        (with("R000.mat", b"MATLAB 5.0 MAT-file, and more"), "R000.mat: is not a MAT file of version 4"),
        (with("R000.mat", &mat(&samples)[..999]), "R000.mat: the file is cut short: a matrix of 1 x 1000"),
        (with("R000.mat", &column), "R000.mat: holds 'val', [1000, 1] of i2, not 'val', a row of integers"),
        (with("R000.mat", &vec![0; 3_000_000]), "training2017/R000.mat' has 3000000 bytes, at most"),
        (with("R000.mat", &mat(&samples[..999])), "R000.hea: the header's length is 1000, not 999, as in the .mat"),
        (head("R000 1", "R001 1"), "R000.hea: the header's record is R001, not R000"),
        (head(" 1 300", " 2 300"), "the header's number of leads is 2, not 1"),
        (head(" 300 ", " 250 "), "the header's rate is 250, not 300 Hz"),
        (head("16+24", "212"), "the header's format is 212, not 16+24"),
        (head("1000/mV", "200/mV"), "the header's gain is 200/mV, not 1000/mV"),
        (head("R000.mat", "R001.mat"), "the header's file is R001.mat, not R000.mat"),
        (with("R000.hea", b""), "the header's record is nothing, not R000"),
        (
            zipped(&challenge(&[999, 1_000, 1_000, 1_000, 1_000, 1_000])),
            "record 0 has 999 samples; records of 1,000 to 1,080,000 can be read",
        ),
        (zipped(&[&good[..], &[("other/R000.mat".to_owned(), vec![1])]].concat()), "holds two files named R000.mat"),
        (zipped(&[&good[..], &[("../R000.mat".to_owned(), vec![1])]].concat()), "leads out of the archive's folder"),
    ];
    for (bytes, want) in &table {
        let e = b.refusal("training2017.zip", bytes);
        assert!(e.contains(want), "{e} / {want}");
    }
    // In a folder the file itself is named.
    fs::create_dir(b.at("training2017")).unwrap();
    good.iter().for_each(|(name, bytes)| fs::write(b.at(name), bytes).unwrap());
    fs::write(b.at("training2017/R000.hea"), hea("R000", 9)).unwrap();
    let e = Ecg.import(&b.at("training2017"), &b.at("data"), &Silent).unwrap_err().to_string();
    assert!(e.contains("training2017/R000.hea: the header's length is 9") && !e.contains('\n'), "{e}");
    fs::create_dir(b.at("empty")).unwrap();
    let e = Ecg.import(&b.at("empty"), &b.at("data"), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(
        e.to_string().contains("there is no training2017.zip in it, no folder training2017 and no challenge2017.pkl"),
        "{e}"
    );
    assert_eq!(Ecg.import(&b.at("nowhere"), &b.at("data"), &Silent).unwrap_err().kind, ErrorKind::Missing);

    // Whatever failed, the store that was there is there.
    assert_eq!(fs::read(Part::Train.file(&b.at("data/ecg"))).unwrap(), before);
    assert_eq!(fs::read_dir(b.at("data")).unwrap().count(), 2);
}

#[test]
fn wrong_pickles_are_refused_in_one_line() {
    let b = Bench::new();
    let good = pickled(&LENGTHS);
    let records =
        |six: Vec<u8>| list(&[&vec![six][..], &(1..6).map(|r| record_pickle(r, 1_000)).collect::<Vec<_>>()].concat());
    let labels = |one: Vec<u8>| list(&[&vec![one][..], &vec![text_pickle("N"); 5]].concat());
    let (data, label) = (records(record_pickle(0, 1_000)), labels(text_pickle("~")));
    let with = |data: &Vec<u8>, label: &Vec<u8>| dict(&[("data", data.clone()), ("label", label.clone())]);
    b.import("challenge2017.pkl", &with(&data, &label)).unwrap();
    let nan = array_pickle(1, "<f4", &bytes_pickle(&f32::NAN.to_le_bytes()));
    let own = "give the task's own challenge2017.pkl";
    for (bytes, want) in [
        (vec![], "the pickle is empty"),
        (good[..good.len() / 2].to_vec(), "cut short"),
        (b"\x80\x03].".to_vec(), "holds a list, not the dict of 'data' and 'label'"),
        (dict(&[("data", data.clone()), ("y", label.clone())]), "has no 'label' (it has 'data', 'y')"),
        (with(&b"K\x01".to_vec(), &label), "'data' is an integer, not a list of records"),
        (with(&data, &b"K\x01".to_vec()), "'label' is an integer, not a list of records"),
        (with(&data, &list(&[text_pickle("N")])), "'data' has 6 records and 'label' has 1"),
        (with(&data, &labels(text_pickle("Q"))), "'label' is 'Q' in record 0; it may be N, A, O and ~"),
        (with(&data, &labels(b"N".to_vec())), "'label' is no text in record 0"),
        (with(&records(b"K\x01".to_vec()), &label), "record 0 is no series of numbers"),
        (with(&records(nan), &label), "record 0 has a value that is no finite number"),
        (with(&records(record_pickle(0, 7)), &label), "record 0 has 7 samples; records of 1,000"),
        (b"cos\nsystem\nX\x01\x00\x00\x00a\x85R.".to_vec(), "'os.system', which no dataset needs"),
    ] {
        let e = b.refusal("challenge2017.pkl", &bytes);
        assert!(e.contains(want), "{e} / {want}");
        assert!(!want.starts_with("'data'") || e.contains(own), "{e}");
    }
}

#[test]
fn mutated_files_never_panic() {
    let b = Bench::new();
    let lengths = [1_000, 1_083, 1_000, 1_025, 1_500, 1_000];
    let mut chance = Key::new(9, Purpose::Test).stream(0);
    for (name, good) in [("a.zip", zipped(&challenge(&lengths))), ("a.pkl", pickled(&lengths))] {
        let taken = (0..400).filter(|_| {
            let mut bytes = good.clone();
            for _ in 0..=chance.below(2) {
                // Half of the damage goes where directories and keys are.
                let within = if chance.below(2) == 0 { bytes.len() } else { 1_500 };
                let at = bytes.len() - 1 - chance.below(within as u64) as usize;
                bytes[at] = chance.word() as u8;
            }
            b.import(name, &bytes).is_ok()
        });
        assert!((1..400).contains(&taken.count()), "{name}");
    }
}

#[test]
fn a_record_is_answered_by_vote() {
    let b = Bench::new();
    b.import("training2017.zip", &zipped(&challenge(&LENGTHS))).unwrap();
    let d = Dataset::open(&b.at("data"), &Ecg).unwrap();
    let split = d.fit();
    let truth = |i: u32| split.batch(&[i]).1.ints()[0] as usize;
    let items: Vec<u32> = (0..split.len() as u32).collect();
    // Right but for each record's first window, which says ~; in records of one window that is the answer.
    let first = |i: u32| i == 0 || split.group(i) != split.group(i - 1);
    let row = |i: u32| {
        let mut row = [0.0f32; 4];
        row[if first(i) { 3 } else { truth(i) }] = if first(i) { 1.0 } else { 1.5 };
        row
    };
    let run = |size: usize| {
        let mut score = Ecg.score(&split);
        for batch in items.chunks(size) {
            let rows: Vec<f32> = batch.iter().flat_map(|&i| row(i)).collect();
            score.add(&Tensor::from_slice([batch.len(), 4], &rows), &split.batch(batch).1, batch);
        }
        (score.value(), score.secondary())
    };
    let (value, secondary) = run(1);
    assert_eq!((value.to_bits(), &secondary), (run(7).0.to_bits(), &run(7).1));
    let groups = split.groups() as u32;
    let alone = (0..groups).filter(|&g| {
        let of = split.items_of(&[g]);
        of.len() == 1 && truth(of[0]) != 3
    });
    assert_eq!(secondary["test_wrong"], alone.count() as u64);
    assert_eq!((&secondary["test_items"], &secondary["test_windows"]), (&10.into(), &split.len().into()));
    assert!(value < 1.0 && secondary["f1_classes"]["A"] == 1.0, "{secondary:?}");
    assert!(Ecg.score(&split).value().is_nan());
}

fn generate(sizes: Sizes, seed: u64) -> (tempfile::TempDir, Dataset) {
    let dir = tempfile::tempdir().unwrap();
    let s = Ecg.generate(sizes, seed, dir.path(), &Silent).unwrap();
    assert_eq!((s.sizes, s.provenance), (sizes, Provenance::StandIn));
    let d = Dataset::open(dir.path(), &Ecg).unwrap();
    assert_eq!(s.hash, d.hash());
    (dir, d)
}

#[test]
fn generated_records_do_not_depend_on_their_number() {
    let (_a, few) = generate(Sizes { train: 4, val: 2, test: 3 }, 3);
    let (_b, many) = generate(Sizes { train: 9, val: 3, test: 2 }, 3);
    let (_c, again) = generate(Sizes { train: 4, val: 2, test: 3 }, 3);
    let (_d, other) = generate(Sizes { train: 4, val: 2, test: 3 }, 4);
    assert_eq!(few.hash(), again.hash());
    assert_ne!(few.hash(), other.hash());
    let all: Vec<u32> = (0..few.train().len() as u32).collect();
    let ((xa, ya), (xb, yb)) = (few.train().batch(&all), many.train().batch(&all));
    assert!(xa.same_bits(&xb) && ya.same_bits(&yb));
    let e = Ecg.generate(Sizes { train: 1, val: 0, test: 1 }, 0, _a.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("cannot generate 1 + 0 + 1 records; ask for at least one a split"), "{e}");
}

#[test]
fn the_real_records() {
    let (Some(zip), Some(pickle)) = (shared("data/ecg/training2017.zip"), shared("data/ecg/challenge2017.pkl")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let s = Ecg.import(&zip, dir.path(), &Silent).unwrap();
    assert_eq!(s.sizes, Sizes { train: 800, val: 100, test: 100 });
    assert_eq!((s.provenance, s.notices), (Provenance::Partial, vec!["1,000 of 8,528 records".to_owned()]));
    let d = Dataset::open(dir.path(), &Ecg).unwrap();
    d.verify(&Silent).unwrap();
    let mut counts = [0; 4];
    for part in Part::ALL {
        let stored = Stored::open(&dir.path().join("ecg"), part).unwrap();
        stored.tensor::<i32>("label", Dtype::I32).unwrap().iter().for_each(|&l| counts[l as usize] += 1);
    }
    assert_eq!(counts, [595, 89, 283, 33]);

    // The records in both agree, bit by bit: each of the pickle's is one of the archive's, with its label, in the same order
    // (this pickle holds every tenth of them).
    let of = |folder: &std::path::Path| {
        let mut records = std::collections::BTreeMap::new();
        for part in Part::ALL {
            let stored = Stored::open(&folder.join("ecg"), part).unwrap();
            let signal = stored.tensor::<f32>("signal", Dtype::F32).unwrap();
            let offsets = stored.tensor::<i64>("offsets", Dtype::I64).unwrap();
            let labels = stored.tensor::<i32>("label", Dtype::I32).unwrap();
            for (i, &r) in stored.tensor::<i32>("record", Dtype::I32).unwrap().iter().enumerate() {
                let bits = signal[offsets[i] as usize..offsets[i + 1] as usize].iter().map(|v| v.to_bits());
                records.insert(r, (labels[i], bits.collect::<Vec<_>>()));
            }
        }
        records
    };
    let both = tempfile::tempdir().unwrap();
    assert_eq!(Ecg.import(&pickle, both.path(), &Silent).unwrap().notices[0], "100 of 8,528 records");
    let (archive, few) = (of(dir.path()), of(both.path()));
    assert_eq!((archive.len(), few.len()), (1_000, 100));
    let at = |record| archive.iter().find(|(_, whole)| *whole == record).map(|(r, _)| *r);
    let places: Vec<Option<i32>> = few.values().map(at).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

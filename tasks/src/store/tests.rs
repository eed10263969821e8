//! Round trips, damage, and what a dead import leaves.

use std::fs;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::*;
use crate::progress::Silent;
use crate::{Error, ErrorKind, Sizes, Task as _};

fn origin(notices: &[&str]) -> Origin {
    Origin {
        preprocessing: crate::Task::facts(&crate::satellite::Satellite).preprocessing,
        provenance: Provenance::Partial,
        seed: None,
        sources: vec![Source { blake3: "00".into(), bytes: 3, name: "ä.npy".into() }],
        task: "satellite".into(),
        outputs: 3,
        notices: notices.iter().map(|&n| n.into()).collect(),
    }
}

fn write(dir: &Path, items: [usize; 3]) -> Result<PathBuf, Error> {
    let mut store = StoreWriter::begin(dir, "satellite")?;
    for (part, n) in Part::ALL.into_iter().zip(items) {
        let mut split = store.split(part)?;
        split.tensor("x", Dtype::F32, &[2, 1])?;
        for i in 0..n {
            split.push(&[i as f32, -0.5])?;
        }
        split.tensor("y", Dtype::I32, &[])?;
        split.push(&(0..n as i32).map(|i| i % 3).collect::<Vec<_>>())?;
        store.finish(split, &origin(&["a", "b \"quoted\""]))?;
    }
    store.publish()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_store_comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = write(dir.path(), [5, 2, 0]).unwrap();
    assert_eq!(names(dir.path()), [".satellite.lock", "satellite"]);
    assert_eq!(names(&folder), ["test.safetensors", "train.safetensors", "val.safetensors"]);
    let train = Stored::open(&folder, Part::Train).unwrap();
    train.verify(&Silent).unwrap();
    assert_eq!(train.meta().origin, origin(&["a", "b \"quoted\""]));
    assert_eq!(train.tensor_type("x"), Some((Dtype::F32, &[5, 2, 1][..])));
    assert_eq!(train.tensor::<f32>("x", Dtype::F32).unwrap(), [0., -0.5, 1., -0.5, 2., -0.5, 3., -0.5, 4., -0.5]);
    assert_eq!(train.tensor::<i32>("y", Dtype::I32).unwrap(), [0, 1, 2, 0, 1]);
    let e = train.tensor::<f32>("y", Dtype::F32).unwrap_err().to_string();
    assert!(e.contains("train.safetensors: tensor 'y' is I32, not F32"), "{e}");
    assert_eq!(Stored::open(&folder, Part::Test).unwrap().tensor::<i32>("y", Dtype::I32).unwrap(), [0; 0]);

    // The format's own reader takes it, and the metadata are a hash and canonical JSON.
    let bytes = fs::read(Part::Train.file(&folder)).unwrap();
    assert_eq!(bytes.len(), HEADER_ROOM + 5 * 8 + 5 * 4);
    assert_eq!(SafeTensors::deserialize(&bytes).unwrap().tensor("x").unwrap().shape(), [5, 2, 1]);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata.len(), 2);
    assert_eq!(metadata["header"].len(), 64);
    let json = &metadata["np360"];
    assert!(json.starts_with("{\"blake3\":\"") && json.contains("\"notices\":[\"a\",\"b \\\"quoted\\\"\"]"), "{json}");
    assert!(json.ends_with("\"split\":\"train\",\"task\":\"satellite\"}"), "{json}");

    // The same input is the same file.
    let again = tempfile::tempdir().unwrap();
    assert_eq!(fs::read(Part::Train.file(&write(again.path(), [5, 2, 0]).unwrap())).unwrap(), bytes);
}

#[test]
fn every_type_lies_at_a_multiple_of_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = StoreWriter::begin(dir.path(), "fsd50k").unwrap();
    for part in Part::ALL {
        let mut split = store.split(part).unwrap();
        split.tensor("samples", Dtype::I16, &[]).unwrap();
        split.push(&[1i16, 2, 3]).unwrap();
        split.tensor("offsets", Dtype::I64, &[]).unwrap();
        split.push(&[0i64, 3]).unwrap();
        split.tensor("bytes", Dtype::U8, &[]).unwrap();
        split.push(&[9u8]).unwrap();
        split.tensor("x", Dtype::F32, &[3]).unwrap();
        split.push(&vec![0.5f32; 3 * 200_000]).unwrap();
        store.finish(split, &origin(&[])).unwrap();
    }
    let folder = store.publish().unwrap();
    let s = Stored::open(&folder, Part::Val).unwrap();
    s.verify(&Silent).unwrap();
    assert_eq!(s.names(), ["samples", "pad1", "offsets", "bytes", "pad4", "x"]);
    assert_eq!(s.tensor::<i64>("offsets", Dtype::I64).unwrap(), [0, 3]);
    assert_eq!(s.tensor::<f32>("x", Dtype::F32).unwrap().len(), 600_000);
}

#[test]
fn every_flipped_bit_of_the_data_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = Part::Train.file(&write(dir.path(), [3, 1, 1]).unwrap());
    let good = fs::read(&path).unwrap();
    for bit in 0..8 * (good.len() - HEADER_ROOM) {
        let mut bad = good.clone();
        bad[HEADER_ROOM + bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bad).unwrap();
        let e = Stored::open(path.parent().unwrap(), Part::Train).unwrap().verify(&Silent).unwrap_err();
        let want = format!("{}: the data are damaged", path.display());
        assert!(e.to_string().starts_with(&want), "{e}");
    }
}

#[test]
fn other_lengths_and_odd_headers_are_refused_when_opened() {
    let dir = tempfile::tempdir().unwrap();
    let folder = write(dir.path(), [3, 1, 1]).unwrap();
    let path = Part::Train.file(&folder);
    let good = fs::read(&path).unwrap();
    let reopened = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let e = Stored::open(&folder, Part::Train).unwrap_err();
        assert_eq!(e.path.as_deref(), Some(&*path));
        e.to_string()
    };
    for cut in [0, 7, 8, 100, HEADER_ROOM - 1, HEADER_ROOM, good.len() - 1] {
        let e = reopened(&good[..cut]);
        assert!(e.contains("the file is cut short") && e.ends_with("import the task again"), "{cut}: {e}");
    }
    let e = reopened(&[&good[..], b"xy"].concat());
    assert!(e.contains("has 2 bytes after the data's end"), "{e}");
    let e = reopened(&[&u64::MAX.to_le_bytes()[..], &good[8..]].concat());
    assert!(e.contains("cut short"), "{e}");
    let edited = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        reopened(&bytes)
    };
    for (from, to, want) in [
        ("[3,2,1]", "[3,3,1]", "its header is damaged"),
        ("\"data_offsets\":[0,24]", "\"data_offsets\":[8,24]", "its header is damaged"),
        ("np360", "np361", "no 'np360' in its metadata"),
        ("\\\"layout\\\":2", "\\\"layout\\\":1", "is a store of layout 1, this program reads 2"),
        ("\\\"partial\\\"", "\\\"perfect\\\"", "its header is damaged: its hash is not"),
        ("\\\"train\\\"", "\\\"val\\\"  ", "its header is damaged: its hash is not"),
        ("header", "hEader", "its header is damaged: its hash is not"),
        ("}   ", "}  \n", "its header is damaged: its hash is not"),
        ("{\"__meta", "[\"__meta", "is not a safetensors file"),
    ] {
        let e = edited(from, to);
        assert!(e.contains(want), "{e} / {want}");
    }
    // A sound file under another split's name.
    fs::write(&path, &good).unwrap();
    fs::copy(&path, Part::Val.file(&folder)).unwrap();
    let e = Stored::open(&folder, Part::Val).unwrap_err().to_string();
    assert!(e.contains("val.safetensors: holds the split 'train'"), "{e}");
}

#[test]
fn every_flipped_bit_is_found_and_its_file_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = write(dir.path(), [400, 300, 200]).unwrap();
    let mut chance = kernels::rng::Key::new(1, kernels::rng::Purpose::Test).stream(0);
    for i in 0..2_000 {
        let part = Part::ALL[i % 3];
        let path = part.file(&folder);
        let good = fs::read(&path).unwrap();
        // The lengths, the header's text, the spaces after it, the data: a quarter of the flips each, and all of the lengths.
        let text = good[..HEADER_ROOM].iter().rposition(|&b| b == b'}').unwrap() as u64;
        let (from, to) =
            [(0, 8), (8, text), (text, HEADER_ROOM as u64), (HEADER_ROOM as u64, good.len() as u64)][i / 3 % 4];
        let (at, bit) = ((from + chance.below(to - from)) as usize, chance.below(8));
        let mut bad = good.clone();
        bad[at] ^= 1 << bit;
        fs::write(&path, bad).unwrap();
        let found = Stored::open(&folder, part).and_then(|s| s.verify(&Silent)).expect_err("a flip went unseen");
        assert_eq!(found.path.as_deref(), Some(&*path), "byte {at}, bit {bit}: {found}");
        fs::write(&path, good).unwrap();
        Stored::open(&folder, part).unwrap().verify(&Silent).unwrap();
    }
}

#[test]
fn notices_that_do_not_fit_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = StoreWriter::begin(dir.path(), "satellite").unwrap();
    let many: Vec<String> = (0..2_000).map(|i| format!("clip {i} is listed and not there")).collect();
    let many = Origin { notices: many, ..origin(&[]) };
    for part in Part::ALL {
        let mut split = store.split(part).unwrap();
        split.tensor("x", Dtype::F32, &[]).unwrap();
        store.finish(split, &many).unwrap();
    }
    let folder = store.publish().unwrap();
    let kept = Stored::open(&folder, Part::Test).unwrap().meta().origin.notices.clone();
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(*kept.last().unwrap(), format!("and {} further notices", 2_000 - (kept.len() - 1)));
}

#[test]
fn an_unfinished_import_leaves_the_old_store_alone() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), [3, 1, 1]).unwrap();
    let store = StoreWriter::begin(dir.path(), "satellite").unwrap();
    drop(store.split(Part::Train).unwrap());
    let e = write(dir.path(), [4, 1, 1]).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Busy);
    assert!(e.to_string().contains("is being imported by another process; wait until"), "{e}");
    drop(store);
    assert_eq!(names(dir.path()), [".satellite.lock", "satellite"]);
    let open = || crate::Dataset::open(dir.path(), &crate::satellite::Satellite).map(|d| d.sizes());
    assert_eq!(open().unwrap(), Sizes { train: 3, val: 1, test: 1 });

    // Killed while writing; killed between the two renames.
    fs::create_dir(dir.path().join("satellite.importing-1")).unwrap();
    fs::write(dir.path().join("satellite.importing-1/train.safetensors"), b"half").unwrap();
    assert_eq!(open().unwrap().train, 3);
    fs::rename(dir.path().join("satellite"), dir.path().join("satellite.old-1")).unwrap();
    assert_eq!(open().unwrap().train, 3);
    assert_eq!(names(dir.path()), [".satellite.lock", "satellite"]);

    fs::create_dir(dir.path().join("satellite.old-7")).unwrap();
    write(dir.path(), [4, 1, 1]).unwrap();
    assert_eq!(names(dir.path()), [".satellite.lock", "satellite"]);
    assert_eq!(open().unwrap().train, 4);
}

#[test]
fn splits_of_different_imports_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = write(dir.path(), [3, 1, 1]).unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut store = StoreWriter::begin(other.path(), "satellite").unwrap();
    for part in Part::ALL {
        let mut split = store.split(part).unwrap();
        split.tensor("x", Dtype::F32, &[2, 1]).unwrap();
        split.push(&[1f32, 2.0]).unwrap();
        split.tensor("y", Dtype::I32, &[]).unwrap();
        split.push(&[0i32]).unwrap();
        store.finish(split, &origin(&["other"])).unwrap();
    }
    let theirs = store.publish().unwrap();
    fs::copy(Part::Val.file(&theirs), Part::Val.file(&folder)).unwrap();
    let task = &crate::satellite::Satellite;
    let e = crate::Dataset::open(dir.path(), task).err().unwrap().to_string();
    assert!(e.contains("val.safetensors: comes from another import than the training data"), "{e}");
    fs::remove_file(Part::Val.file(&folder)).unwrap();
    let e = crate::Dataset::open(dir.path(), task).err().unwrap();
    assert_eq!(e.kind, ErrorKind::Missing);
    let e = crate::Dataset::open(&dir.path().join("nowhere"), task).err().unwrap();
    assert!(e.to_string().contains("there are no data of satellite; import or generate them first"), "{e}");
    assert_eq!((e.kind, task.facts().name), (ErrorKind::Missing, "satellite"));
}

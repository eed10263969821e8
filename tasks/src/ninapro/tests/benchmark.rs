//! The benchmark's files.

use half::f16;

use super::*;
use crate::test_support::shared;
use crate::{ErrorKind, Provenance};

fn npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut b = b"\x93NUMPY\x01\x00".to_vec();
    b.extend((header.len() as u16).to_le_bytes());
    b.extend(header.as_bytes());
    b.extend(data);
    b
}

/// Sample `t` of electrode `e` of window `i`: exact in f2.
fn value(i: usize, t: usize, e: usize) -> f64 {
    ((7 * i + 3 * t + 11 * e + t * e) % 255) as f64 - 128.0
}

fn windows(descr: &str, n: usize, [samples, electrodes]: [usize; 2]) -> Vec<u8> {
    let numbers = (0..n * samples * electrodes).map(|at| {
        let (i, rest) = (at / (samples * electrodes), at % (samples * electrodes));
        value(i, rest / electrodes, rest % electrodes)
    });
    let data: Vec<u8> = match descr {
        "<f2" => numbers.flat_map(|v| f16::from_f64(v).to_le_bytes()).collect(),
        ">f4" => numbers.flat_map(|v| (v as f32).to_be_bytes()).collect(),
        "|i1" => numbers.flat_map(|v| (v as i8).to_le_bytes()).collect(),
        _ => numbers.flat_map(f64::to_le_bytes).collect(),
    };
    npy(descr, &[n, samples, electrodes], &data)
}

/// Classes 0 to 17 in turn.
fn labels(descr: &str, n: usize) -> Vec<u8> {
    let data: Vec<u8> = match descr {
        "|u1" => (0..n).map(|i| (i % 18) as u8).collect(),
        ">i4" => (0..n).flat_map(|i| ((i % 18) as i32).to_be_bytes()).collect(),
        _ => (0..n).flat_map(|i| ((i % 18) as i64).to_le_bytes()).collect(),
    };
    npy(descr, &[n], &data)
}

/// Lists of pickled small integers, behind `.npy`'s header for objects or bare.
fn pickled(classes: &[u8], bare: bool) -> Vec<u8> {
    let mut b = if bare { Vec::new() } else { npy("|O", &[classes.len()], b"") };
    b.extend(b"\x80\x03");
    if !bare {
        b.extend(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K");
        b.push(classes.len() as u8);
        b.extend(b"\x85cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89");
    }
    b.extend(b"](");
    classes.iter().for_each(|&c| b.extend([b'K', c]));
    b.extend(if bare { &b"e."[..] } else { b"etb." });
    b
}

fn write(bench: &Bench, part: &str, windows: &[u8], labels: &[u8]) {
    bench.write(&format!("ninapro_{part}.npy"), windows);
    bench.write(&format!("label_{part}.npy"), labels);
}

/// Sound files of 36, 18 and 20 windows.
fn sound() -> Bench {
    let bench = Bench::new();
    for (part, n) in [("train", 36), ("val", 18), ("test", 20)] {
        write(&bench, part, &windows("<f8", n, [52, 16]), &labels("<i8", n));
    }
    bench
}

#[test]
fn every_width_and_type_of_label_imports_to_the_same() {
    let mut hashes = Vec::new();
    for (descr, label) in [("<f8", "<i8"), ("<f2", "|u1"), (">f4", ">i4"), ("|i1", "<i8")] {
        let bench = Bench::new();
        for (part, n) in [("train", 36), ("val", 18), ("test", 20)] {
            write(&bench, part, &windows(descr, n, [52, 16]), &labels(label, n));
        }
        let s = bench.import().unwrap();
        assert_eq!(s.sizes, Sizes { train: 36, val: 18, test: 20 });
        assert_eq!(s.notices[..2], ["36 of 2,638 training windows", "18 of 659 validation windows"]);
        assert_eq!((s.provenance, s.notices.len()), (Provenance::Partial, 3));
        let d = bench.open().unwrap();
        assert_eq!((d.input(), d.outputs()), (&[16, 52, 1][..], 18));
        let (x, y) = d.val().batch(&[17, 3]);
        assert_eq!(y.ints(), [17, 3]);
        for (e, t) in [(0, 0), (15, 0), (0, 51), (9, 30)] {
            assert_eq!(f64::from(x.data()[832 + e * 52 + t]), value(3, t, e));
        }
        hashes.push(s.hash);
    }
    assert!(hashes.iter().all(|h| *h == hashes[0]));
}

#[test]
fn classes_may_be_objects_and_a_file_may_be_named_itself() {
    let bench = sound();
    let plain = bench.import().unwrap();
    let classes: Vec<u8> = (0..18).collect();
    for bare in [false, true] {
        bench.write("label_val.npy", &pickled(&classes, bare));
        let s = bench.import_from(&bench.from().join("ninapro_val.npy")).unwrap();
        assert_eq!(s.hash, plain.hash);
    }
    assert_eq!(bench.open().unwrap().origin().sources[3].name, "label_val.npy");
}

#[test]
fn an_array_an_item_is_read_too() {
    let bench = sound();
    let plain = bench.import().unwrap();
    // What numpy.save makes of an object array whose elements are arrays.
    let one = |i: usize| {
        let mut b =
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x34K\x10\x86".to_vec();
        b.extend(b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
        b.extend((52 * 16 * 8u32).to_le_bytes());
        b.extend((0..52 * 16).flat_map(|at| value(i, at / 16, at % 16).to_le_bytes()));
        b.extend(b"tb");
        b
    };
    let mut file = b"\x80\x03](".to_vec();
    (0..18).for_each(|i| file.extend(one(i)));
    file.extend(b"e.");
    bench.write("ninapro_val.npy", &file);
    assert_eq!(bench.import().unwrap().hash, plain.hash);
    file.truncate(file.len() - 2);
    file.extend(b"K\x01e.");
    bench.write("ninapro_val.npy", &file);
    assert!(
        bench.refused().contains("ninapro_val.npy: holds an integer, not an array of windows"),
        "{}",
        bench.refused()
    );
}

#[test]
fn an_empty_part_has_all_cut_anew() {
    let bench = Bench::new();
    write(&bench, "train", &windows("<f2", 180, [52, 16]), &labels("<i8", 180));
    write(&bench, "test", &windows("<f2", 0, [52, 16]), &labels("<i8", 0));
    let s = bench.import().unwrap();
    assert_eq!(s.sizes.train + s.sizes.val + s.sizes.test, 180);
    assert!((8..=30).contains(&s.sizes.val) && (8..=30).contains(&s.sizes.test), "{:?}", s.sizes);
    let has = |line: &str| assert!(s.notices.iter().any(|n| n == line), "{:?}", s.notices);
    has("ninapro_val.npy and label_val.npy are not there");
    has("a part is empty: all windows are cut anew, 8:1:1 by the hash of their number");
    // The first of the training part is the first number whose hash is below 8.
    let first = (0..).find(|i: &usize| crate::ninapro::part_by_hash(&i.to_string()) == Part::Train).unwrap();
    assert_eq!(f64::from(bench.open().unwrap().train().batch(&[0]).0.data()[0]), value(first, 0, 0));

    write(&bench, "train", &windows("<f2", 2, [52, 16]), &labels("<i8", 2));
    assert!(bench.refused().contains("2 windows in all, too few"));
}

#[test]
fn what_is_wrong_is_said() {
    let bench = sound();
    bench.import().unwrap();
    let good = [windows("<f8", 36, [52, 16]), labels("<i8", 36)];
    let mut nan = good[0].clone();
    let at = nan.len() - 8 * 52 * 16;
    nan[at..at + 8].copy_from_slice(&f64::NAN.to_le_bytes());
    let mut large = good[0].clone();
    large[at..at + 8].copy_from_slice(&1e39f64.to_le_bytes());
    let label =
        |l: i64| npy("<i8", &[36], &[0i64; 35].into_iter().chain([l]).flat_map(i64::to_le_bytes).collect::<Vec<_>>());
    let evil = [npy("|O", &[1], b""), b"\x80\x03cos\nsystem\nX\x01\x00\x00\x00x\x85R.".to_vec()].concat();
    for (windows, labels, want) in [
        (nan, None, "ninapro_train.npy: has a value that is no finite number in window 35"),
        (large, None, "no finite number in window 35"),
        (good[0][..9_000].to_vec(), None, "ninapro_train.npy: the file is cut short"),
        (npy("<f8", &[36, 832], &good[0][good[0].len() - 36 * 832 * 8..]), None, "has shape [36, 832], not (windows,"),
        (npy("<i8", &[36, 1, 0], b""), None, "has shape [36, 1, 0]"),
        (npy("|S1", &[1, 1, 1], b"x"), None, "is an array of S1, not of numbers"),
        (
            super::benchmark::windows("<f8", 36, [52, 8]),
            None,
            "windows of [52, 16] where ninapro_train.npy has [52, 8]",
        ),
        (evil.clone(), None, "ninapro_train.npy: "),
        (good[0].clone(), Some(evil), "label_train.npy: "),
        (
            good[0].clone(),
            Some(labels("<i8", 35)),
            "label_train.npy: has 35 labels where ninapro_train.npy has 36 windows",
        ),
        (good[0].clone(), Some(label(-1)), "label_train.npy: the label of window 35 is -1"),
        (good[0].clone(), Some(label(400)), "the label of window 35 is 400, of 74 windows"),
        (good[0].clone(), Some(label(1 << 40)), "the label of window 35 is 1099511627776"),
        (good[0].clone(), Some(npy("<f8", &[36], &[0; 288])), "is an array of f8, not of integers"),
        (good[0].clone(), Some(npy("|u1", &[6, 6], &[0; 36])), "has shape [6, 6], not one class a window"),
        (good[0].clone(), Some(pickled(&[1; 36], true)[..60].to_vec()), "label_train.npy: "),
    ] {
        write(&bench, "train", &windows, labels.as_ref().unwrap_or(&good[1]));
        let e = bench.refused();
        assert!(e.contains(want), "{e} / {want}");
    }
    fs::remove_file(bench.from().join("label_train.npy")).unwrap();
    let e = bench.import().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("label_train.npy: there is no such file"), "{e}");
    assert!(bench.open().is_ok());
}

#[test]
fn the_real_copy() {
    let Some(from) = shared("data/ninapro/container") else { return };
    let bench = Bench::new();
    let s = bench.import_from(&from).unwrap();
    assert_eq!(s.sizes, Sizes { train: 1_468, val: 315, test: 315 });
    assert_eq!(
        s.notices,
        [
            "1,468 of 2,638 training windows",
            "315 of 659 validation windows",
            "315 of 659 test windows",
            "8 instead of 16 electrodes",
            "8 instead of 18 classes"
        ]
    );
    // NumPy's windows, transposed, then its labels, as i32: BLAKE3 of their bytes.
    for (part, want) in [
        (Part::Train, "b045c52c9a2c6de8013b2ea29822d47979202848a70514a04d1c33639adb5f48"),
        (Part::Val, "796acffdcd24d11daba42fb53706a261dd8aafef289b663dc8f181de3886196f"),
        (Part::Test, "e83a0e61d82156ef441d5f24967aa5f6fb4b79601d27f8b2432dcaa996006dbd"),
    ] {
        assert_eq!(bench.stored(part).meta().blake3, want);
    }
}

//! The importer on sound, partial and broken files; readers and score; the real tiles where they are.

use std::fs;
use std::path::{Path, PathBuf};

use kernels::Tensor;
use kernels::rng::{Key, Purpose};

use super::*;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent};

/// A `.npy` of this element type and shape.
fn npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}\n", tuple(shape));
    let mut b = b"\x93NUMPY\x01\x00".to_vec();
    b.extend((header.len() as u16).to_le_bytes());
    b.extend(header.as_bytes());
    b.extend(data);
    b
}

fn tuple(shape: &[usize]) -> String {
    format!("({},)", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
}

fn floats(shape: &[usize], numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    npy("<f4", shape, &numbers.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
}

/// The count at a place of stamp `k`.
fn count(k: usize, row: usize, column: usize) -> f32 {
    (1000 * k + 4 * row + column) as f32 + 0.5
}

/// Stamp `k` of these planes and sides; a ray down its diagonal, column 70 to be ignored.
fn stamp(k: usize, [planes, h, w]: [usize; 3]) -> Vec<u8> {
    let at = |i: usize| match (i / (h * w), i / w % h, i % w) {
        (0, row, column) => count(k, row, column),
        (1, row, column) => f32::from(u8::from(row == column)),
        (_, _, column) => f32::from(u8::from(column == 70)),
    };
    floats(&[planes, h, w], (0..planes * h * w).map(at))
}

const STAMP: [usize; 3] = [3, 256, 256];

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join("from").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Twenty training and two test stamps of one visit.
    fn visit(&self, visit: &str) {
        for k in 0..20 {
            self.write(&format!("npy_train/{visit}/{}_{}.npy", k / 10 + 1, k % 10), &stamp(k, STAMP));
        }
        for k in 0..2 {
            self.write(&format!("npy_test/{visit}/{}_0.npy", k + 1), &stamp(50 + k, STAMP));
        }
        self.write(&format!("npy_train/{visit}/sky.npy"), &floats(&[2], [10.0, 20.0]));
        self.write(&format!("npy_test/{visit}/sky.npy"), &floats(&[2], [30.0, 40.0]));
    }

    fn import(&self) -> Result<Summary, Error> {
        Cosmic.import(&self.dir.path().join("from"), &self.data(), &Silent)
    }

    fn open(&self) -> Dataset {
        Dataset::open(&self.data(), &Cosmic).unwrap()
    }
}

#[test]
fn stamps_become_tiles_in_the_order_of_their_names() {
    let b = Bench::new();
    b.visit("f435w/10760/2");
    // Another filter, another field, other depths and other files are not the task's.
    b.write("npy_train/f814w/10760/2/1_0.npy", &stamp(90, STAMP));
    b.write("npy_train/f435w/10595/2/1_0.npy", b"a globular cluster");
    b.write("npy_train/f435w/10760/1_0.npy", b"no visit");
    b.write("npy_train/f435w/10760/2/._1_0.npy", b"a shadow");
    b.write("xnpy_train/f435w/10760/2/1_0.npy", b"elsewhere");
    let s = b.import().unwrap();
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 18, val: 2, test: 2 }, Provenance::Partial));
    assert_eq!(s.notices, ["20 of 4,830 training tiles", "2 of 420 test tiles"]);
    let d = b.open();
    assert_eq!((d.input(), d.fit().target(), d.outputs()), (&[128, 128, 1][..], &[128, 128, 2][..], 1));
    let (x, y) = d.fit().batch(&[0, 17, 19]);
    for (i, k) in [(0, 0), (1, 17), (2, 19)] {
        for (row, column) in [(0, 0), (0, 1), (5, 6), (6, 6), (127, 127)] {
            let at = i * SIDE * SIDE + row * SIDE + column;
            assert_eq!(x.data()[at], count(k, row + 64, column + 64));
            assert_eq!(y.data()[2 * at], f32::from(u8::from(row == column)));
            assert_eq!(y.data()[2 * at + 1], f32::from(u8::from(column != 6)));
        }
    }
    assert_eq!(d.open_test().unwrap().items().batch(&[1]).0.data()[0], count(51, 64, 64));
    let sky = |part| {
        let stored = Arc::new(Stored::open(&b.data().join("cosmic"), part).unwrap());
        crate::reader::Column::<f32>::open(&stored, "sky").unwrap().all().to_vec()
    };
    assert_eq!(sky(Part::Train), [[10.0; 10].as_slice(), &[20.0; 8]].concat());
    assert_eq!((sky(Part::Val), sky(Part::Test)), (vec![20.0; 2], vec![30.0, 40.0]));
    assert!(!fs::read_dir(b.data()).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().contains("importing")));
}

#[test]
fn what_is_missing_is_noticed() {
    // No skies, two planes, another filter, no test half.
    let b = Bench::new();
    for k in 0..10 {
        b.write(&format!("npy_train/f606w/1/1/1_{k}.npy"), &stamp(k, [2, 256, 256]));
    }
    let s = b.import().unwrap();
    assert_eq!(s.sizes, Sizes { train: 8, val: 1, test: 1 });
    assert_eq!(
        s.notices,
        [
            "npy_train has no f435w tile of a galaxy's field: all its 10 tiles are taken",
            "no tiles under npy_test: 10 tiles are cut 8:1:1 by the hash of their names",
            "10 tiles without sky level: no noise is added to them",
        ]
    );
    let fit = b.open().fit();
    let (plain, y) = fit.batch(&[3]);
    assert!(y.data().chunks_exact(2).all(|p| p[1] == 1.0));
    assert!(fit.training_batch(&[3], Key::new(1, Purpose::Augment)).0.same_bits(&plain));
}

#[test]
fn other_sizes_and_number_types_are_taken() {
    let b = Bench::new();
    for (k, half) in [(0, "train"), (1, "train"), (2, "test")] {
        b.write(&format!("npy_{half}/f435w/10760/2/1_{k}.npy"), &stamp(k, [3, 40, 90]));
    }
    let s = b.import().unwrap();
    assert!(s.notices.contains(&"tiles of 40 x 90 pixels instead of 128 x 128".to_owned()), "{:?}", s.notices);
    let (x, y) = b.open().train().batch(&[0]);
    assert_eq!((&x.shape()[..], x.data()[3 * 90 + 7]), (&[1, 40, 90, 1][..], count(0, 3, 7)));
    assert_eq!(y.data()[2 * 70 + 1], 0.0);

    // Of stamps that are larger than a tile, the middle; doubles and unsigned integers.
    let (h, w) = (200, 131);
    let numbers = || (0..3 * h * w).map(|i| if i < h * w { (i % 60_000) as f64 } else { 0.0 });
    let b = Bench::new();
    let doubles = npy("<f8", &[3, h, w], &numbers().flat_map(f64::to_le_bytes).collect::<Vec<u8>>());
    let words = npy("<u2", &[3, h, w], &numbers().flat_map(|v| (v as u16).to_le_bytes()).collect::<Vec<u8>>());
    b.write("npy_train/f435w/10760/2/1_0.npy", &doubles);
    b.write("npy_train/f435w/10760/2/1_1.npy", &words);
    b.write("npy_test/f435w/10760/2/1_0.npy", &words);
    b.import().unwrap();
    let (x, _) = b.open().fit().batch(&[0, 1]);
    assert_eq!((x.data()[0], x.data()[129]), ((36 * w + 1) as f32, (37 * w + 2) as f32));
    assert_eq!(x.data()[..SIDE * SIDE], x.data()[SIDE * SIDE..]);
}

#[test]
fn damaged_files_are_refused_and_leave_the_old_store_alone() {
    let b = Bench::new();
    b.visit("f435w/12513/3");
    let hash = b.import().unwrap().hash;
    let good = stamp(0, STAMP);
    let mut nan = good.clone();
    let start = good.len() - 3 * 4 * 256 * 256;
    nan[start + 4 * (100 * 256 + 101)..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut mask = good.clone();
    mask[start + 4 * (256 * 256 + 64 * 256 + 65)..][..4].copy_from_slice(&2.0f32.to_le_bytes());
    let tile = "npy_train/f435w/12513/3/1_3.npy";
    let sky = "npy_test/f435w/12513/3/sky.npy";
    for (name, bytes, want) in [
        (tile, &b""[..], "1_3.npy: the file is empty"),
        (tile, &good[..good.len() - 1], "1_3.npy: the file is cut short: an array of shape [3, 256, 256]"),
        (tile, b"SIMPLE  =                    T", "1_3.npy: is not a .npy file"),
        (tile, &nan, "1_3.npy: the image is NaN at row 100, column 101, not a finite number; repair"),
        (tile, &mask, "1_3.npy: the mask is 2 at row 64, column 65, not 0 or 1; repair"),
        (tile, &stamp(0, [4, 8, 8]), "has shape [4, 8, 8], not (2 or 3, height, width)"),
        (tile, &stamp(0, [3, 8, 256]), "1_3.npy: gives a tile of 8 x 128 pixels where others give 128 x 128; give"),
        (tile, &npy("<U1", &[1], &[65, 0, 0, 0]), "1_3.npy: is an array of U1, not of numbers"),
        (
            sky,
            &floats(&[1], [3.0]),
            "npy_test/f435w/12513/3/2_0.npy: is of exposure 2, and its sky.npy has 1 levels; give",
        ),
        (sky, &floats(&[2, 1], [3.0, 4.0]), "sky.npy: has shape [2, 1], not one sky level an exposure"),
        (sky, &floats(&[2], [3.0, f32::INFINITY]), "sky.npy: the sky of exposure 2 is no finite number"),
    ] {
        let path = b.dir.path().join("from").join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let e = b.import().unwrap_err();
        assert!(e.to_string().contains(want) && e.kind == ErrorKind::Invalid, "{e}");
        fs::write(&path, before).unwrap();
        assert_eq!(b.open().hash(), hash);
    }
    b.write("npy_train/f435w/12513/3/first.npy", &good);
    let e = b.import().unwrap_err().to_string();
    assert!(e.contains("first.npy: is not named <exposure>_<tile>.npy"), "{e}");
    assert_eq!(b.open().hash(), hash);

    let e = Cosmic.import(Path::new("nowhere"), &b.data(), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    let e = Cosmic.import(&b.data(), &b.data(), &Silent).unwrap_err();
    let want = "holds 0 tiles under npy_test and none under npy_train; give the folder of npy_train and npy_test";
    assert!(e.to_string().contains(want) && e.kind == ErrorKind::Missing, "{e}");
}

#[test]
fn training_adds_sky_and_judging_does_not() {
    let b = Bench::new();
    b.visit("f435w/10760/2");
    b.import().unwrap();
    let d = b.open();
    let fit = d.fit();
    let (plain, masks) = fit.batch(&[0, 19]);
    let mut drawn = Vec::new();
    for epoch in 0..200 {
        let key = Key::new(3, Purpose::Augment).at(epoch, 0);
        let (x, y) = fit.training_batch(&[0, 19], key);
        assert!(y.same_bits(&masks));
        for (i, sky) in [(0, 10.0f64), (1, 20.0)] {
            let (x, plain) = (&x.data()[i * SIDE * SIDE..], &plain.data()[i * SIDE * SIDE..]);
            let mut chance = key.stream([0, 19][i]);
            let noise = (sky * (-0.9 + 3.9 * chance.uniform64())) as f32;
            assert!((0..SIDE * SIDE).all(|p| x[p] == plain[p] + noise));
            drawn.push(f64::from(noise) / sky);
        }
        assert!(fit.training_batch(&[19], key).0.data() == &x.data()[SIDE * SIDE..]);
    }
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    assert!(drawn.iter().all(|v| (-0.9..3.0).contains(v)) && (mean - 1.05).abs() < 0.2, "{mean}");

    // The quirk: validation and test too, always the same, and not the same for both.
    let quirks: Quirks = ["sky-at-test"].into_iter().collect();
    let q = Dataset::open_with(&b.data(), &Cosmic, quirks).unwrap();
    assert!(q.train().batch(&[0]).0.same_bits(&d.train().batch(&[0]).0));
    let of = |split: &Split, plain: &Split, i| split.batch(&[i]).0.data()[0] - plain.batch(&[i]).0.data()[0];
    let noise = [of(&q.val(), &d.val(), 0), of(&q.val(), &d.val(), 1)];
    let test = of(q.open_test().unwrap().items(), d.open_test().unwrap().items(), 0);
    assert!(noise[0] != noise[1] && noise[0] != 0.0 && test / 30.0 != noise[0] / 20.0, "{noise:?} {test}");
    assert_eq!(noise[1], q.val().batch(&[1, 0]).0.data()[0] - d.val().batch(&[1]).0.data()[0]);
}

#[test]
fn the_score_by_hand() {
    let nan = f32::NAN;
    // hit, counts, logit
    let pixels = [
        (1, 1, 2.0),  // found
        (1, 1, 0.25), // found, and missed by the raw threshold
        (1, 1, 0.0),  // a probability of a half is none
        (1, 1, nan),  // missed
        (1, 0, -1.0), // missed, does not count
        (0, 1, 3.0),  // a false alarm
        (0, 1, -3.0), // right
        (0, 0, 1.0),  // a false alarm that does not count
    ];
    let outputs: Vec<f32> = pixels.iter().map(|p| p.2).collect();
    let targets: Vec<f32> = pixels.iter().flat_map(|p| [p.0 as f32, p.1 as f32]).collect();
    let of = |quirks: Quirks| {
        let mut score = score::Hits::new(&quirks);
        // Two tiles of 2 x 2 pixels, one a batch.
        for i in 0..2 {
            let x = Tensor::from_slice([1, 2, 2, 1], &outputs[4 * i..][..4]);
            let y = Tensor::from_slice([1, 2, 2, 2], &targets[8 * i..][..8]);
            score.add(&x, &y, &[i as u32]);
        }
        score
    };
    let score = of(Quirks::default());
    assert_eq!(score.value(), 0.5);
    let s = score.secondary();
    assert_eq!((s["true_positives"].as_u64(), s["false_negatives"].as_u64()), (Some(2), Some(2)));
    assert_eq!((s["fpr"].as_f64(), s["precision"].as_f64()), (Some(0.5), Some(2.0 / 3.0)));
    assert_eq!((s["fnr_as_the_reference"].as_f64(), s["fpr_as_the_reference"].as_f64()), (Some(0.8), Some(2.0 / 3.0)));
    assert_eq!((s["test_items"].as_u64(), s["test_pixels_ignored"].as_u64()), (Some(2), Some(2)));
    assert_eq!(of(["raw-threshold"].into_iter().collect()).value(), 0.75);
    assert!(score::Hits::new(&Quirks::default()).value().is_nan());
}

#[test]
fn generated_tiles_are_the_same_whatever_the_sizes() {
    let b = Bench::new();
    let make = |train| {
        let sizes = Sizes { train, val: 1, test: 1 };
        let s = Cosmic.generate(sizes, 7, &b.data(), &Silent).unwrap();
        assert_eq!((s.sizes, s.provenance), (sizes, Provenance::StandIn));
        b.open().fit().batch(&[0, 1])
    };
    let ((x, y), (u, v)) = (make(2), make(3));
    assert!(x.same_bits(&u) && y.same_bits(&v));
}

#[test]
fn the_real_tiles() {
    let Some(from) = shared("data/cosmic") else { return };
    let b = Bench::new();
    let s = Cosmic.import(&from, &b.data(), &Silent).unwrap();
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 2, val: 1, test: 1 }, Provenance::Partial));
    let d = b.open();
    let check = |split: &Split, item: u32, first: f32, last: f32, hit: f32, ignored: f32| {
        let (x, y) = split.batch(&[item]);
        let sum = |of: usize| y.data().iter().skip(of).step_by(2).sum::<f32>();
        assert_eq!((x.data()[0], x.data()[SIDE * SIDE - 1]), (first, last));
        assert_eq!((sum(0), (SIDE * SIDE) as f32 - sum(1)), (hit, ignored));
    };
    // From the files, by Python.
    check(&d.train(), 0, 208.429, 127.524_506, 16.0, 197.0);
    check(&d.train(), 1, 72.570_25, 626.335_7, 70.0, 160.0);
    check(&d.val(), 0, 363.073_36, 266.991_64, 20.0, 244.0);
    check(d.open_test().unwrap().items(), 0, 99.421_96, 273.412_45, 13.0, 180.0);
    let stored = Arc::new(Stored::open(&b.data().join("cosmic"), Part::Train).unwrap());
    assert_eq!(crate::reader::Column::<f32>::open(&stored, "sky").unwrap().all(), [245.252_53; 2]);
}

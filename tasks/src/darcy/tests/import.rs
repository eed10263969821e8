//! The importer, on files written here and on real ones in both containers.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5_pure::FileBuilder;
use kernels::rng::{Key, Purpose, Stream};
use tempfile::TempDir;

use crate::darcy::Darcy;
use crate::darcy::import::read_file;
use crate::formats::mat5::tests::{Style, file, variable};
use crate::store::Provenance;
use crate::test_support::shared;
use crate::{Dataset, Error, ErrorKind, Silent, Sizes, Summary, Task as _};

const SMOOTH: [&str; 2] = ["piececonst_r8_smooth1.mat", "piececonst_r8_smooth2.mat"];

/// Node (row, column) of field n: no two alike, exact in any type.
fn node(n: usize, i: usize, j: usize, of: usize) -> f64 {
    (n + 20 * i + 2_000 * j + 7 * of) as f64
}

/// `n` fields of s x s in the order of dimensions (n, s, s), first index fastest.
fn fields(n: usize, s: usize, of: usize) -> Vec<f64> {
    (0..n * s * s).map(|at| node(at % n, at / n % s, at / n / s, of)).collect()
}

fn v5(n: usize, s: usize, style: Style) -> Vec<u8> {
    let text = Style { class: 4, storage: 4, ..style };
    let variables = [
        variable("note", &[1, 3], &[110.0, 111.0, 110.0], text),
        variable("sol", &[n, s, s], &fields(n, s, 1), style),
        variable("Kcoeff", &[1, 1], &[3.0], style),
        variable("coeff", &[n, s, s], &fields(n, s, 0), style),
    ];
    file(style.big, &variables)
}

fn v73(n: usize, s: usize) -> Vec<u8> {
    let mut b = FileBuilder::new();
    b.with_userblock(512);
    let shape = [s as u64, s as u64, n as u64];
    let chunks = [2, 3, 4];
    for (name, of) in [("coeff", 0), ("sol", 1)] {
        let set = b.create_dataset(name).with_f64_data(&fields(n, s, of)).with_shape(&shape);
        set.with_chunks(&chunks).with_shuffle().with_deflate(6);
    }
    let mut bytes = b.finish().unwrap();
    bytes[..30].copy_from_slice(b"MATLAB 7.3 MAT-file, Platform:");
    bytes
}

fn write(dir: &Path, bytes: [&[u8]; 2]) -> PathBuf {
    let from = dir.join("from");
    fs::create_dir_all(&from).unwrap();
    for (name, bytes) in SMOOTH.iter().zip(bytes) {
        fs::write(from.join(name), bytes).unwrap();
    }
    from
}

/// The store lives as long as the folder.
fn import(smooth1: &[u8], smooth2: &[u8]) -> Result<(Summary, TempDir), Error> {
    let dir = tempfile::tempdir().unwrap();
    let from = write(dir.path(), [smooth1, smooth2]);
    let summary = Darcy.import(&from, dir.path(), &Silent)?;
    Ok((summary, dir))
}

#[test]
fn both_containers_and_every_style_give_the_same_numbers() {
    let plain = Style::default();
    let (want, dir) = import(&v5(12, 6, plain), &v5(10, 6, plain)).unwrap();
    let d = Dataset::open(dir.path(), &Darcy).unwrap();
    assert_eq!((want.sizes, want.provenance), (Sizes { train: 11, val: 1, test: 10 }, Provenance::Partial));
    let notices = ["12 of 1,000 training fields", "10 of 100 test fields", "6 x 6 nodes instead of 85 x 85"];
    assert_eq!(want.notices, notices);
    d.verify(&Silent).unwrap();
    let (x, y) = d.fit().batch(&[11, 2]);
    assert_eq!((&x.shape()[..], &y.shape()[..]), (&[2, 6, 6, 1][..], &[2, 6, 6, 1][..]));
    for (at, n) in [(0, 11), (1, 2)] {
        for (i, j) in [(0, 0), (0, 1), (1, 0), (5, 4)] {
            let flat = (at * 6 + i) * 6 + j;
            assert_eq!(f64::from(x.data()[flat]), node(n, i, j, 0));
            assert_eq!(f64::from(y.data()[flat]), node(n, i, j, 1));
        }
    }
    let deflated = Style { deflated: true, ..plain };
    for style in [
        deflated,
        Style { big: true, ..plain },
        Style { big: true, ..deflated },
        Style { class: 7, storage: 7, ..deflated },
        Style { storage: 3, ..deflated },
        Style { class: 13, storage: 6, big: true, ..plain },
    ] {
        assert_eq!(import(&v5(12, 6, style), &v5(10, 6, deflated)).unwrap().0.hash, want.hash, "{style:?}");
    }
    assert_eq!(import(&v73(12, 6), &v73(10, 6)).unwrap().0.hash, want.hash);
    assert_eq!(import(&v73(12, 6), &v5(10, 6, plain)).unwrap().0.hash, want.hash);
    // (s, s, fields): the first of the equal indices counts rows.
    let turned = |n: usize, s: usize| {
        let of = |of| (0..n * s * s).map(|at| node(at / s / s, at % s, at / s % s, of)).collect::<Vec<f64>>();
        let [x, y] = [("coeff", of(0)), ("sol", of(1))].map(|(v, data)| variable(v, &[s, s, n], &data, deflated));
        file(false, &[x, y])
    };
    assert_eq!(import(&turned(12, 6), &turned(10, 6)).unwrap().0.hash, want.hash);
}

#[test]
fn fields_of_421_nodes_are_kept_at_every_fifth() {
    let style = Style { storage: 6, deflated: true, ..Style::default() };
    let (s, dir) = import(&v5(10, 421, style), &v5(1, 421, style)).unwrap();
    let d = Dataset::open(dir.path(), &Darcy).unwrap();
    assert_eq!(s.notices, ["10 of 1,000 training fields", "1 of 100 test fields"]);
    assert_eq!(d.input(), [85, 85, 1]);
    let (x, _) = d.train().batch(&[8]);
    for (i, j) in [(0, 0), (84, 0), (3, 84)] {
        assert_eq!(f64::from(x.data()[i * 85 + j]), node(8, 5 * i, 5 * j, 0));
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let plain = Style::default();
    let good = v5(10, 4, plain);
    let x = variable("coeff", &[10, 4, 4], &fields(10, 4, 0), plain);
    let with_sol = |dims: &[usize], data: &[f64], style| file(false, &[x.clone(), variable("sol", dims, data, style)]);
    let mut nan = fields(10, 4, 1);
    nan[3] = f64::NAN;
    let half = &good[..good.len() - 40];
    for (bytes, want) in [
        (&b""[..], "smooth1.mat: the file is empty; copy"),
        (b"MATLAB 5.0", "cut short: the header does not end"),
        (&[7; 300], "is not a MATLAB file"),
        (half, "cut short: a variable has"),
        (&file(false, &[]), "has no variable 'coeff' (it has nothing); give"),
        (&file(false, std::slice::from_ref(&x)), "has no variable 'sol' (it has 'coeff'); give"),
        (&with_sol(&[160], &fields(10, 4, 1), plain), "'sol' has dimensions [160], not (fields, s, s)"),
        (&with_sol(&[2, 5, 16], &fields(10, 4, 1), plain), "'sol' has dimensions [2, 5, 16], not (fields, s, s)"),
        (&with_sol(&[0, 4, 4], &[], plain), "there is nothing in it"),
        (&with_sol(&[4, 4, 4], &fields(4, 4, 1), plain), "'coeff' has 10 fields of 4 x 4 nodes, 'sol' has 4 of 4 x 4"),
        (&with_sol(&[10, 4, 4], &nan, plain), "'sol' has a value that is no finite number in field 3"),
        (&with_sol(&[10, 4, 4], &fields(10, 4, 1), Style { class: 1, ..plain }), "'sol' holds cells, not dense"),
        (&with_sol(&[10, 4, 4], &fields(10, 4, 1), Style { complex: true, ..plain }), "'sol' holds complex"),
        (&with_sol(&[10, 40_000, 40_000], &[], plain), "'sol' of dimensions [10, 40000, 40000] does not fit into"),
        (&with_sol(&[10, 4, 4], &fields(10, 3, 1), plain), "'sol' of dimensions [10, 4, 4] has 720 bytes of 8 each"),
        (&v73(10, 4)[..512], "cut short: a MATLAB 7.3 file without its HDF5 part"),
        (&v73(10, 4)[..600], "cannot be read as HDF5"),
        (&v5(9, 4, plain), "has 9 fields, too few to keep a tenth"),
    ] {
        let got = import(bytes, &good).unwrap_err().to_string();
        assert!(got.contains(want) && got.lines().count() == 1, "{got} / {want}");
    }
    let e = import(&good, &v5(3, 5, plain)).unwrap_err().to_string();
    assert!(e.contains("smooth2.mat: has fields of 5 x 5 nodes where smooth1 has 4 x 4; take both"), "{e}");

    let dir = tempfile::tempdir().unwrap();
    let from = write(dir.path(), [&good, &good]);
    fs::write(from.join("piececonst_r9_smooth1.mat"), &good).unwrap();
    let e = Darcy.import(&from, dir.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("holds both piececonst_r8_smooth1.mat and piececonst_r9_smooth1.mat; give a folder"), "{e}");
    let e = Darcy.import(dir.path(), dir.path(), &Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("holds no piececonst_r*_smooth1.mat; give the folder of"), "{e}");
}

/// Damages a file at random places: an error or numbers, and no panic.
fn damage(good: &[u8], rounds: usize, mut places: impl FnMut(&mut Stream) -> usize) {
    let mut chance = Key::new(9, Purpose::Test).stream(0);
    let dir = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        let mut bytes = good.to_vec();
        if round % 4 == 0 {
            bytes.truncate(chance.below(good.len() as u64) as usize);
        }
        for _ in 0..1 + round % 3 {
            let at = places(&mut chance);
            if let Some(b) = bytes.get_mut(at) {
                *b = chance.word() as u8;
            }
        }
        let path = dir.path().join("damaged.mat");
        fs::write(&path, &bytes).unwrap();
        if let Err(e) = read_file(&path, &bytes, 1_000, &Silent) {
            assert_eq!(e.to_string().lines().count(), 1, "{e}");
        }
    }
}

#[test]
fn damaged_files_do_no_harm() {
    let plain = v5(10, 3, Style::default());
    damage(&plain, 150, |c| c.below(plain.len() as u64) as usize);
    let deflated = v5(10, 3, Style { deflated: true, ..Style::default() });
    damage(&deflated, 150, |c| c.below(deflated.len() as u64) as usize);
    let hdf5 = v73(10, 3);
    damage(&hdf5, 150, |c| c.below(hdf5.len() as u64) as usize);
}

#[test]
fn real_files_of_both_versions_agree() {
    let mut hashes = Vec::new();
    for name in ["data/darcy/v5", "data/darcy/v73"] {
        let Some(from) = shared(name) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let s = Darcy.import(&from, dir.path(), &Silent).unwrap();
        assert_eq!((s.sizes, s.provenance), (Sizes { train: 90, val: 10, test: 20 }, Provenance::Partial));
        let d = Dataset::open(dir.path(), &Darcy).unwrap();
        d.verify(&Silent).unwrap();
        let (x, y) = d.open_test().unwrap().items().batch(&[0, 19]);
        assert!(x.data().iter().all(|&a| a == 3.0 || a == 12.0));
        // Another solver's output with other constants: about zero on the border, below two inside.
        assert!(y.data().iter().all(|u| (-0.01..2.0).contains(u)));
        hashes.push(s.hash);
    }
    assert!(hashes.windows(2).all(|h| h[0] == h[1]), "{hashes:?}");
}

#[test]
fn real_files_damaged_do_no_harm() {
    let Some(from) = shared("data/darcy/v73/piececonst_r16_smooth2.mat") else { return };
    let good = fs::read(from).unwrap();
    // The structures lie in the first kilobytes and between the chunks.
    damage(&good, 150, |c| 512 + c.below(3_000) as usize);
    damage(&good, 150, |c| c.below(good.len() as u64) as usize);
}

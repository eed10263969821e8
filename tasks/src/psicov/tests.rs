use std::fs;

use kernels::Tensor;
use kernels::rng::{Key, Purpose};

use super::reader::{CHANNELS, FAR, MARGIN, SIDE};
use super::store::{PAIR, Protein, RESIDUE};
use super::*;
use crate::store::StoreWriter;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent, Sizes, generated};

/// A protein whose numbers say where they stand.
fn made(n: usize) -> Protein {
    Protein {
        residue: (0..n * RESIDUE).map(|i| (i / RESIDUE) as f32 + (i % RESIDUE) as f32 / 32.0).collect(),
        pair: (0..n * n * PAIR).map(|i| (i % 1_000) as f32 / 8.0).collect(),
        distance: (0..n * n)
            .map(|i| if i / n == i % n { 0.0 } else { ((i / n).abs_diff(i % n)) as f32 * 0.75 })
            .collect(),
    }
}

/// A store of made proteins of these lengths, train, val, test.
fn store(dir: &Path, lengths: [&[usize]; 3], quirks: &[&'static str]) -> Dataset {
    let origin = generated::origin(&FACTS, 0, Provenance::StandIn);
    let mut store = StoreWriter::begin(dir, FACTS.name).unwrap();
    for (part, lengths) in Part::ALL.into_iter().zip(lengths) {
        let mut split = store.split(part).unwrap();
        let n: Vec<i64> = lengths.iter().map(|&l| l as i64).collect();
        super::store::write_split(&mut split, &n, false, |_, i| Ok(made(lengths[i]))).unwrap();
        store.finish(split, &origin).unwrap();
    }
    store.publish().unwrap();
    Dataset::open_with(dir, &Psicov, quirks.iter().copied().collect()).unwrap()
}

#[test]
fn a_window_holds_each_residue_twice_and_the_pair() {
    let dir = tempfile::tempdir().unwrap();
    let d = store(dir.path(), [&[30, 200], &[200], &[30, 200]], &[]);
    let (x, y) = d.train().batch(&[0]);
    let at = |r: usize, c: usize, k: usize| x.data()[(r * SIDE + c) * CHANNELS + k];
    let p = made(30);
    for (r, c) in [(0, 0), (3, 17), (29, 29), (17, 3)] {
        for k in 0..RESIDUE {
            assert_eq!(at(r + MARGIN, c + MARGIN, 2 * k), p.residue[c * RESIDUE + k], "column's feature {k}");
            assert_eq!(at(r + MARGIN, c + MARGIN, 2 * k + 1), p.residue[r * RESIDUE + k], "row's feature {k}");
        }
        for k in 0..PAIR {
            assert_eq!(at(r + MARGIN, c + MARGIN, 54 + k), p.pair[(r * 30 + c) * PAIR + k]);
        }
    }
    for (r, c) in [(4, 10), (10, 4), (35, 10), (127, 127)] {
        assert!((0..CHANNELS).all(|k| at(r, c, k) == 0.0), "the margin at {r}, {c}");
        assert_eq!(y.data()[r * SIDE + c], 16.0);
    }
    let distance = |r: usize, c: usize| y.data()[(r + MARGIN) * SIDE + c + MARGIN];
    assert_eq!([distance(0, 1), distance(0, 3), distance(0, 29)], [1.0, 2.25, 16.0], "below 1 is 1, above 16 is 16");
    assert_eq!([distance(0, 0), distance(7, 7), distance(29, 29)], [1.0; 3], "neighbours' mean");
    // A long protein: rows and columns are drawn apart from each other.
    let fit = d.fit();
    let origins: Vec<(f32, f32)> = (0..40)
        .map(|epoch| {
            let (x, _) = fit.training_batch(&[1], Key::new(0, Purpose::Augment).at(epoch, 0));
            // Feature 0 of the residues in the middle of the window.
            let middle = (64 * SIDE + 64) * CHANNELS;
            (x.data()[middle + 1], x.data()[middle])
        })
        .collect();
    assert!(origins.iter().any(|o| o.0 != o.1));
    assert!(origins.iter().all(|o| (59.0..=141.0).contains(&o.0) && (59.0..=141.0).contains(&o.1)), "{origins:?}");
    let rows: std::collections::BTreeSet<u32> = origins.iter().map(|o| o.0 as u32).collect();
    assert!(rows.len() > 20);
    // What is judged stays where it is, but is not the top left for all.
    assert!(d.val().batch(&[0]).0.same_bits(&d.val().batch(&[0]).0));
    assert!(!d.val().batch(&[0]).0.same_bits(&fit.training_batch(&[2], Key::new(0, Purpose::Augment)).0));
}

#[test]
fn test_proteins_are_seen_whole_and_judged_once_put_together() {
    let dir = tempfile::tempdir().unwrap();
    let d = store(dir.path(), [&[30], &[30], &[30, 200, 118, 119]], &[]);
    let test = d.open_test().unwrap();
    let test = test.items();
    let counts: Vec<usize> = (0..4).map(|p| test.items_of(&[p]).len()).collect();
    assert_eq!(counts, [1, 4, 1, 4]);
    // Outputs a quarter above the truth in the upper triangle, three quarters in the lower: on average, one half.
    let items: Vec<u32> = (0..test.len() as u32).collect();
    let (_, y) = test.batch(&items);
    assert!(y.data().contains(&FAR) && y.data().iter().any(|&v| v > 16.0 && v < FAR), "not clipped");
    let outputs: Vec<f32> = y
        .data()
        .iter()
        .enumerate()
        .map(|(i, &t)| {
            let (window, r, c) = (i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE);
            let (protein, part) = if window == 0 { (0, 0) } else { (1, window - 1) };
            let upper = if protein == 1 && part < 4 { part / 2 * SIDE + r < part % 2 * SIDE + c } else { r < c };
            t + if upper { 0.25 } else { 0.75 }
        })
        .collect();
    let feed = |score: &mut dyn Score, items: &[u32]| {
        for &i in items {
            let at = i as usize * SIDE * SIDE;
            let row = |v: &[f32]| Tensor::from_slice([1, SIDE, SIDE, 1], &v[at..at + SIDE * SIDE]);
            score.add(&row(&outputs), &row(y.data()), &[i]);
        }
    };
    let mut score = Psicov.score(test);
    feed(&mut *score, &[0]);
    // 24 residues apart are 18 A: no pair counts.
    assert!(score.value().is_nan());
    let more = score.secondary();
    assert_eq!((&more["test_items"], &more["test_proteins_without_such_pairs"]), (&1.into(), &1.into()));
    assert!((more["mae8_all"].as_f64().unwrap() - 0.5).abs() < 1e-6, "{more:?}");
    // In any order of the windows.
    let mut score = Psicov.score(test);
    feed(&mut *score, &[4, 2, 1, 3]);
    assert!((score.secondary()["mae8_all"].as_f64().unwrap() - 0.5).abs() < 1e-6);
    let mut pixels = Psicov.score(&d.val());
    let (_, y) = d.val().batch(&[0]);
    let off: Vec<f32> = y.data().iter().map(|v| v - 0.5).collect();
    pixels.add(&Tensor::from_slice(y.shape(), &off), &y, &[0]);
    assert_eq!(pixels.value(), 0.5);
}

#[test]
fn quirks_change_the_score_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    Psicov.generate(Sizes { train: 1, val: 1, test: 3 }, 0, dir.path(), &Silent).unwrap();
    let value = |quirks: &[&'static str]| {
        let d = Dataset::open_with(dir.path(), &Psicov, quirks.iter().copied().collect()).unwrap();
        let test = d.open_test().unwrap();
        let items: Vec<u32> = (0..test.items().len() as u32).collect();
        let (x, y) = test.items().batch(&items);
        // An output that is not symmetric.
        let outputs: Vec<f32> = x.data().chunks_exact(CHANNELS).map(|c| 10.0 - 8.0 * c[54] + c[0]).collect();
        let mut score = Psicov.score(test.items());
        score.add(&Tensor::from_slice(y.shape(), &outputs), &y, &items);
        score.value()
    };
    let [plain, double, foreign, both] =
        [&[][..], &["double-symmetry"], &["foreign-length"], &["double-symmetry", "foreign-length"]].map(value);
    assert!([plain, double, foreign, both].iter().all(|v| v.is_finite() && *v > 0.0));
    assert!(plain != double && plain != foreign && double != both && foreign != both);
}

#[test]
fn generated_proteins_do_not_depend_on_how_many_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let make = |sub: &str, train| {
        Psicov.generate(Sizes { train, val: 1, test: 1 }, 0, &dir.path().join(sub), &Silent).unwrap();
        Dataset::open(&dir.path().join(sub), &Psicov).unwrap()
    };
    let (a, b) = (make("a", 3), make("b", 40));
    a.verify(&Silent).unwrap();
    let key = Key::new(0, Purpose::Augment);
    assert!(a.train().training_batch(&[2], key).0.same_bits(&b.train().training_batch(&[2], key).0));
    assert_eq!((a.input(), a.outputs()), (&[128, 128, 57][..], 1));
}

#[test]
fn the_real_container_and_its_damage() {
    let Some(from) = shared("data/psicov/container") else { return };
    let dir = tempfile::tempdir().unwrap();
    let s = Psicov.import(&from, dir.path(), &Silent).unwrap();
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 2, val: 1, test: 1 }, Provenance::Partial));
    assert_eq!(s.notices[0], "0 of the 3,456 proteins of deepcov.lst are there");
    assert_eq!(s.notices[2], "3 proteins that no list names are taken too");
    assert!(s.notices[3].contains("cut 8 : 1 : 1"), "{:?}", s.notices);
    let stored = Stored::open(&s.folder, Part::Train).unwrap();
    assert_eq!(stored.tensor_type("residue").unwrap().0, safetensors::Dtype::F16);
    // 1guuA begins K T R; its first distances are 5.973, 8.086, 11.3 A.
    let all: Vec<f32> = Part::ALL
        .into_iter()
        .flat_map(|part| {
            let stored = Stored::open(&s.folder, part).unwrap();
            stored.tensor::<half::f16>("distance", safetensors::Dtype::F16).unwrap().to_vec()
        })
        .map(half::f16::to_f32)
        .collect();
    let want = [5.973, 8.086, 11.3].map(|v| half::f16::from_f32(v).to_f32());
    assert!(all.windows(3).any(|w| w == want));

    let copy = dir.path().join("copy");
    for sub in ["psicov/features", "psicov/distance"] {
        fs::create_dir_all(copy.join(sub)).unwrap();
        for file in fs::read_dir(from.join(sub)).unwrap() {
            let file = file.unwrap();
            fs::write(copy.join(sub).join(file.file_name()), fs::read(file.path()).unwrap()).unwrap();
        }
    }
    for name in ["deepcov.lst", "psicov.lst"] {
        fs::write(copy.join(name), fs::read(from.join(name)).unwrap()).unwrap();
    }
    let refused = |name: &str, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let path = copy.join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, change(&before)).unwrap();
        let e = Psicov.import(&copy, dir.path(), &Silent).unwrap_err();
        fs::write(&path, before).unwrap();
        assert_eq!(Dataset::open(dir.path(), &Psicov).unwrap().hash(), s.hash);
        e
    };
    let features = "psicov/features/1guuA.pkl";
    let e = refused(features, &|b| b[..b.len() / 2].to_vec());
    assert!(e.to_string().contains("1guuA.pkl"), "{e}");
    assert_eq!(refused(features, &|_| b"cos\nsystem\n(S'echo'\ntR.".to_vec()).kind, ErrorKind::Unsafe);
    let other = fs::read(copy.join("psicov/distance/1a8oA-cb.npy")).unwrap();
    let e = refused("psicov/distance/1guuA-cb.npy", &|_| other.clone());
    assert!(e.to_string().contains("has 70 residues where its features have 50"), "{e}");
    assert!(refused("psicov.lst", &|_| b"../x\n".to_vec()).to_string().contains("is no protein's name"));
    assert!(refused("psicov.lst", &|_| b"a\na\n".to_vec()).to_string().contains("names a twice"));
    fs::remove_file(copy.join("deepcov.lst")).unwrap();
    let e = Psicov.import(&copy, dir.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("holds no file 'deepcov.lst'; give the folder"), "{e}");
}

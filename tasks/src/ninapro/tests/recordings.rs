//! The publisher's recordings.

use std::io::{Cursor, Read as _, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::formats::mat5::tests::{Style, file, variable};
use crate::ninapro::recording::Name;
use crate::test_support::shared;
use crate::{ErrorKind, Provenance};

const DEFLATED: Style = Style { class: 6, storage: 9, big: false, deflated: true, complex: false };

/// A recording: emg `[electrodes][samples]`, and for each sample the gesture and the repetition.
fn mat(emg: &[Vec<f64>], gestures: &[u32], repetitions: &[u32]) -> Vec<u8> {
    let column = |name: &str, values: &[u32]| {
        let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        variable(name, &[values.len(), 1], &values, Style { class: 8, storage: 1, ..DEFLATED })
    };
    let signal = Style { class: 7, storage: 7, ..DEFLATED };
    let variables = [
        variable("subject", &[1, 1], &[1.0], DEFLATED),
        variable("emg", &[emg[0].len(), emg.len()], &emg.concat(), signal),
        column("restimulus", gestures),
        column("rerepetition", repetitions),
    ];
    file(false, &variables)
}

/// `gestures` gestures six times, `long` samples each, with as much rest after each.
fn session(gestures: u32, electrodes: usize, long: usize) -> Vec<u8> {
    let (mut stimulus, mut repetition) = (vec![0; 10], vec![0; 10]);
    for gesture in 1..=gestures {
        for r in 1..=6 {
            stimulus.extend([vec![gesture; long], vec![0; long]].concat());
            repetition.extend([vec![r; long], vec![0; long]].concat());
        }
    }
    let signal = |e: usize| (0..stimulus.len()).map(|t| ((t * (31 + 2 * e) + e) % 97) as f64 - 48.0).collect();
    mat(&(0..electrodes).map(signal).collect::<Vec<_>>(), &stimulus, &repetition)
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut w = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        w.start_file(*name, SimpleFileOptions::default()).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

#[test]
fn names_of_files() {
    let name = Name::parse("S10_E2_A1.mat").unwrap();
    assert_eq!((name.subject, name.exercise, &*name.file()), (10, 2, "S10_E2_A1.mat"));
    for odd in ["S1_E2.mat", "S1_E2_A1.txt", "S_E2_A1.mat", "S1_E2_A1_B1.mat", "E2_S1_A1.mat", "S+1_E2_A1.mat"] {
        assert_eq!(Name::parse(odd), None, "{odd}");
    }
    assert!(Name::parse("S9_E1_A1.mat") < Name::parse("S10_E1_A1.mat"));
}

#[test]
fn repetitions_are_the_parts_and_rest_weighs_as_much_as_a_gesture() {
    let bench = Bench::new();
    bench.write("s1/S1_E2_A1.mat", &session(17, 16, 100));
    bench.write("s1/S1_E1_A1.mat", b"not looked at");
    let s = bench.import().unwrap();
    // 100 samples hold 10 windows at a step of 5, and one of rest at 5 x 17. The 10 samples before are too short.
    let each = 17 * 10 + 17;
    assert_eq!(s.sizes, Sizes { train: 4 * each, val: each, test: each });
    assert_eq!(s.provenance, Provenance::Partial);
    assert_eq!(
        s.notices,
        [
            "windows cut here out of recordings: it is not known how the benchmark's were made",
            "748 + 187 + 187 windows instead of 2,638 + 659 + 659",
            "exercise 2 of 1, 2",
            "1 of 10 subjects"
        ]
    );
    let d = bench.open().unwrap();
    assert_eq!((d.input(), d.outputs(), &*d.origin().sources[0].name), (&[16, 52, 1][..], 18, "S1_E2_A1.mat"));
    let (_, y) = d.val().batch(&(0..187).collect::<Vec<_>>());
    assert_eq!(&y.ints()[..12], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2]);
}

#[test]
fn folders_and_archives_import_to_the_same() {
    let [one, two] = [session(2, 16, 80), session(2, 16, 90)];
    let plain = Bench::new();
    plain.write("s1/S1_E2_A1.mat", &one);
    plain.write("s2/S2_E2_A1.mat", &two);
    let want = plain.import().unwrap();
    assert!(want.notices.contains(&"2 of 10 subjects".to_owned()));

    let zips = Bench::new();
    zips.write("s1.zip", &zipped(&[("s1/S1_E2_A1.mat", &one), ("s1/S1_E1_A1.mat", b"another exercise")]));
    zips.write("s2.zip", &zipped(&[("S2_E2_A1.mat", &two)]));
    // Unpacked beside its archive: taken once.
    zips.write("S1_E2_A1.mat", &one);
    let got = zips.import().unwrap();
    assert_eq!((got.hash, got.sizes), (want.hash.clone(), want.sizes));
    assert_eq!(zips.open().unwrap().origin().sources, plain.open().unwrap().origin().sources);

    let all = Bench::new();
    all.write("db5.zip", &zipped(&[("x/s2/S2_E2_A1.mat", &two), ("x/s1/S1_E2_A1.mat", &one)]));
    assert_eq!(all.import_from(&all.from().join("db5.zip")).unwrap().hash, want.hash);
    let mat = plain.import_from(&plain.from().join("s1/S1_E2_A1.mat")).unwrap();
    assert!(mat.sizes.train < want.sizes.train);
}

#[test]
fn other_exercises_numbers_and_repetitions() {
    let bench = Bench::new();
    bench.write("S3_E3_A1.mat", &session(4, 8, 60));
    let s = bench.import().unwrap();
    assert!(s.notices.contains(&"exercise 3 of 3: exercise 2, the task's, is not there".to_owned()));
    assert!(s.notices.contains(&"8 instead of 16 electrodes".to_owned()));
    assert!(s.notices.contains(&"5 instead of 18 classes".to_owned()));

    // Gestures 18 and 40, repetitions 1 and 3 alone: cut anew, each repetition whole.
    let (mut stimulus, mut repetition) = (Vec::new(), Vec::new());
    for i in 0..60 {
        stimulus.extend([18 + 22 * (i % 2); 62]);
        repetition.extend([1 + 2 * (i / 2 % 30); 62]);
    }
    repetition.iter_mut().for_each(|r| *r = if matches!(r, 2 | 5) { 61 } else { *r });
    bench.write("S3_E3_A1.mat", &mat(&vec![vec![1.0; stimulus.len()]; 2], &stimulus, &repetition));
    let s = bench.import().unwrap();
    let anew = "a part is empty by repetition: repetitions are cut anew, 8:1:1 by the hash of their name";
    assert!(s.notices.iter().any(|n| n == anew), "{:?}", s.notices);
    assert_eq!(s.sizes.train + s.sizes.val + s.sizes.test, 60 * 3);
    assert!([s.sizes.train, s.sizes.val, s.sizes.test].iter().all(|n| n % 3 == 0 && *n > 0));
    // Nothing rests, and the class of rest stays.
    let d = bench.open().unwrap();
    assert_eq!(d.outputs(), 3);
    assert!(d.train().batch(&[0, 1, 2]).1.ints().iter().all(|&c| c == 1));
}

#[test]
fn what_is_wrong_is_said() {
    let bench = Bench::new();
    let e = bench.import().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("no ninapro_train.npy in it and no recording such as S1_E2_A1.mat"), "{e}");

    let good = session(2, 16, 80);
    bench.write("S1_E2_A1.mat", &good);
    bench.import().unwrap();
    let rows = |n: usize| -> Vec<Vec<f64>> { vec![vec![0.5; n]; 16] };
    let double = |name: &str, values: &[f64]| variable(name, &[values.len(), 1], values, Style::default());
    let whole = |restimulus: &[f64]| {
        let emg = variable("emg", &[3, 1], &[1.0; 3], Style::default());
        file(false, &[emg, double("restimulus", restimulus), double("rerepetition", &[1.0; 3])])
    };
    for (bytes, want) in [
        (good[..good.len() / 2].to_vec(), "S1_E2_A1.mat: the file is cut short"),
        (b"hello".to_vec(), "is not a MATLAB file"),
        (file(false, &[double("restimulus", &[1.0])]), "has no variable 'emg' (it has 'restimulus')"),
        (mat(&rows(100), &[1; 99], &[1; 100]), "'restimulus' has dimensions [99, 1] where 'emg' has 100 samples"),
        (whole(&[0.0, 1.5, 1.0]), "'restimulus' is 1.5 at sample 1"),
        (whole(&[0.0, 1.0, f64::NAN]), "'restimulus' is NaN at sample 2"),
        (whole(&[0.0, 1.0, -1.0]), "'restimulus' is -1 at sample 2"),
        (mat(&vec![vec![f64::INFINITY; 100]; 16], &[1; 100], &[2; 100]), "too few to cut them into three parts"),
        (mat(&rows(20), &[1; 20], &[2; 20]), "its 0 windows are too few"),
    ] {
        bench.write("S1_E2_A1.mat", &bytes);
        let e = bench.refused();
        assert!(e.contains(want), "{e} / {want}");
    }
    // Damage in the signal is found in the second pass, when the store has begun.
    let marks: Vec<u32> = (0..600).map(|t| 1 + t / 100).collect();
    let mut signal = rows(600);
    signal[3][77] = f64::INFINITY;
    bench.write("S1_E2_A1.mat", &mat(&signal, &[1; 600], &marks));
    assert!(bench.refused().contains("'emg' is inf at sample 77 of electrode 4"));
    bench.write("S1_E2_A1.mat", &good);
    bench.write("S2_E2_A1.mat", &session(2, 8, 80));
    assert!(bench.refused().contains("S2_E2_A1.mat has 8 electrodes where S1_E2_A1.mat has 16"));
    fs::remove_file(bench.from().join("S2_E2_A1.mat")).unwrap();
    bench.write("again/S1_E2_A1.mat", &good);
    assert!(bench.refused().contains("S1_E2_A1.mat is there twice"));
    fs::remove_file(bench.from().join("again/S1_E2_A1.mat")).unwrap();
    bench.write("s1.zip", b"PK and no more");
    assert!(bench.refused().contains("s1.zip: is no sound zip archive"));
}

/// A session of one armband, each gesture six times, stands in for a recording: its marks are DB5's.
#[test]
fn a_real_signal_is_cut_and_prepared_as_scipy_does() {
    let Some(folder) = shared("data/ninapro/raw/12345-1") else { return };
    let (mut emg, mut stimulus, mut repetition) = (vec![Vec::new(); 8], Vec::new(), Vec::new());
    for gesture in 1..=2 {
        let packed = fs::read(folder.join(format!("{gesture}.txt.gz"))).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let (mut count, mut before) = (0, 0);
        for line in text.lines().filter(|l| !l.is_empty()) {
            let numbers: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
            emg.iter_mut().zip(&numbers).for_each(|(e, &v)| e.push(v));
            let now = numbers[8] as u32;
            count += u32::from(now > 0 && before == 0);
            before = now;
            stimulus.push(now);
            repetition.push(if now > 0 { count } else { 0 });
        }
    }
    let bench = Bench::new();
    bench.write("S1_E2_A1.mat", &mat(&emg, &stimulus, &repetition));
    let s = bench.import().unwrap();
    assert_eq!(s.sizes, Sizes { train: 2_257, val: 570, test: 570 });
    // Window 100 of each part, cut at its place out of what SciPy makes of the whole signal; and the sum of all.
    for (part, values, sum, counts) in [
        (Part::Train, [1.8435415476152728, 1.6449985789591761, 1.4727618007391807], 8313189.761994153, [760, 748, 749]),
        (Part::Val, [7.344244537667959, 7.363237144740765, 13.956367907059333], 2038382.0487082005, [190; 3]),
        (Part::Test, [13.598855670770478, 8.010232573135665, 10.052314600638544], 2019249.7720612884, [190; 3]),
    ] {
        let stored = bench.stored(part);
        let x: &[f32] = stored.tensor("x", safetensors::Dtype::F32).unwrap();
        let y: &[i32] = stored.tensor("y", safetensors::Dtype::I32).unwrap();
        let window = &x[100 * 416..][..416];
        assert_eq!([window[0], window[3 * 52 + 17], window[7 * 52 + 51]], values.map(|v: f64| v as f32));
        let total: f64 = x.iter().map(|&v| f64::from(v)).sum();
        assert!((total - sum).abs() < 1e-9 * sum, "{total} {sum}");
        assert_eq!([0, 1, 2].map(|c| y.iter().filter(|&&l| l == c).count()), counts);
    }
}

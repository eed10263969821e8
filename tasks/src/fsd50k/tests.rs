use std::fs;
use std::path::PathBuf;

use kernels::Tensor;
use kernels::rng::{Key, Purpose};

use super::mel::{EACH, RATE, Scratch, log_mel};
use super::*;
use crate::formats::wav::{Wav, pcm16};
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Provenance, Silent, Sizes};

fn generated(dir: &Path, sizes: Sizes, seed: u64) -> Dataset {
    Fsd50k.generate(sizes, seed, dir, &Silent).unwrap();
    Dataset::open(dir, &Fsd50k).unwrap()
}

#[test]
fn clips_are_a_function_of_their_number_and_train_by_the_chunk() {
    let dir = tempfile::tempdir().unwrap();
    let small = generated(&dir.path().join("a"), Sizes { train: 6, val: 2, test: 3 }, 0);
    kernels::pool::set_threads(3);
    let large = generated(&dir.path().join("b"), Sizes { train: 40, val: 2, test: 3 }, 0);
    assert!(small.train().batch(&[0, 5]).0.same_bits(&large.train().batch(&[0, 5]).0));
    assert_eq!((small.input(), small.outputs(), small.sizes().train), (&[96, 101, 1][..], 200, 6));
    small.verify(&Silent).unwrap();
    // Training items are clips, test items are chunks.
    let (fit, test) = (large.fit(), large.open_test().unwrap());
    let test = test.items();
    assert_eq!((fit.len(), test.groups()), (42, 3));
    assert!(test.len() > 3, "{} chunks", test.len());
    assert_eq!(test.items_of(&[0, 1, 2]), (0..test.len() as u32).collect::<Vec<_>>());

    let stored = Stored::open(&dir.path().join("b/fsd50k"), crate::Part::Train).unwrap();
    let offsets = stored.tensor::<i64>("offsets", safetensors::Dtype::I64).unwrap();
    let of_length = |n: i64| offsets.windows(2).position(|w| w[1] - w[0] == n).unwrap() as u32;
    let (short, long) = (of_length(1), of_length(4));
    let (plain, targets) = fit.batch(&[short]);
    assert!(targets.data().iter().filter(|&&t| t == 1.0).count() >= 2);
    let (mut untouched, mut unmixed, mut chunks) = (0, 0, std::collections::BTreeSet::new());
    for epoch in 0..200 {
        let key = Key::new(0, Purpose::Augment).at(epoch, 0);
        let (x, y) = fit.training_batch(&[short], key);
        assert!(y.same_bits(&targets) && x.same_bits(&fit.training_batch(&[short], key).0));
        untouched += usize::from(x.same_bits(&plain));
        let same = x.data().iter().zip(plain.data()).filter(|(a, b)| a == b).count();
        unmixed += usize::from(same > EACH / 4);
        chunks.insert(fit.training_batch(&[long], key).0.data().to_vec().iter().map(|v| v.to_bits()).max());
    }
    // A quarter is not mixed with noise, of which half are not masked.
    assert!((10..45).contains(&untouched) && (30..75).contains(&unmixed), "{untouched} {unmixed}");
    assert!(chunks.len() > 50, "{}", chunks.len());
    let key = Key::new(0, Purpose::Augment).at(1, 0);
    let (all, _) = fit.training_batch(&[0, 1, 2, 7], key);
    assert_eq!(fit.training_batch(&[7], key).0.data(), &all.data()[3 * EACH..]);
}

#[test]
fn a_clip_is_judged_by_the_mean_of_its_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let d = generated(dir.path(), Sizes { train: 2, val: 2, test: 5 }, 3);
    let test = d.open_test().unwrap();
    let test = test.items();
    let n = test.len() as u32;
    let items: Vec<u32> = (0..n).collect();
    let (_, y) = test.batch(&items);
    // Outputs that are the labels plus an error that each clip's chunks share out.
    let outputs: Vec<f32> =
        y.data().iter().enumerate().map(|(i, t)| t + if i % 400 < 200 { 3.0 } else { -3.0 }).collect();
    let mut whole = Fsd50k.score(test);
    let mut pieces = Fsd50k.score(test);
    whole.add(&Tensor::from_slice([n as usize, 200], &outputs), &y, &items);
    for &i in &items {
        let at = i as usize * 200..(i as usize + 1) * 200;
        let row = |v: &[f32]| Tensor::from_slice([1, 200], &v[at.clone()]);
        pieces.add(&row(&outputs), &row(y.data()), &[i]);
    }
    assert_eq!(whole.value().to_bits(), pieces.value().to_bits());
    let more = whole.secondary();
    assert_eq!((&more["test_items"], &more["test_chunks"]), (&5.into(), &n.into()));
    // By hand: means of outputs, then the metric of those.
    let (mut scores, mut truths) = (Vec::new(), Vec::new());
    for clip in 0..5 {
        let of = test.items_of(&[clip]);
        for k in 0..200 {
            let sum: f64 = of.iter().map(|&i| f64::from(outputs[i as usize * 200 + k])).sum();
            scores.push((sum / of.len() as f64) as f32);
            truths.push(y.data()[of[0] as usize * 200 + k]);
        }
    }
    let want = crate::metrics::average_precision::mean_average_precision(&scores, &truths, 200);
    assert_eq!(whole.value(), want.mean_with_positives);
}

#[test]
fn the_real_container() {
    let Some(from) = shared("data/fsd50k") else { return };
    let dir = tempfile::tempdir().unwrap();
    let s = Fsd50k.import(&from, dir.path(), &Silent).unwrap();
    assert_eq!(s.provenance, Provenance::Partial);
    assert!(s.notices.iter().any(|n| n == "16 labels instead of 200"), "{:?}", s.notices);
    let d = Dataset::open(dir.path(), &Fsd50k).unwrap();
    d.verify(&Silent).unwrap();
    let stored = Stored::open(&dir.path().join("fsd50k"), crate::Part::Train).unwrap();
    assert_eq!(stored.tensor::<i64>("clip", safetensors::Dtype::I64).unwrap()[0], 100_001);
    let name = from.join("data/chunks/wav/100001_0000.wav");
    let mut want = vec![0.0; EACH];
    log_mel(&Wav::parse(&fs::read(name).unwrap()).unwrap().samples, &mut Scratch::default(), &mut want);
    assert_eq!(d.train().batch(&[0]).0.data(), want);
}

/// A made folder of one of the two layouts.
struct Made(tempfile::TempDir);

impl Made {
    fn from(&self) -> PathBuf {
        self.0.path().join("from")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.from().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn import(&self) -> Result<Summary, Error> {
        Fsd50k.import(&self.from(), &self.0.path().join("data"), &Silent)
    }

    fn benchmark() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        made.write("data/chunks/lbl_map.json", br#"{"Bark": 0, "Rain": 1}"#);
        for (i, name) in ["tr.csv", "val.csv", "eval.csv"].iter().enumerate() {
            let csv = format!(
                "files,labels,ext\n/home/author/x/{i}1_0000.wav,\"Bark,Rain\",{i}1\n/home/author/x/{i}1_0001.wav,\"Bark,Rain\",{i}1\n"
            );
            made.write(&format!("data/chunks/{name}"), csv.as_bytes());
            for chunk in 0..2 {
                let tone: Vec<i16> = (0..22_050).map(|t| ((t * (3 + chunk + i)) % 2_000) as i16).collect();
                made.write(&format!("data/chunks/wav/{i}1_000{chunk}.wav"), &pcm16(22_050, &tone));
            }
        }
        made.write("data/noise_22050/hum.wav", &pcm16(22_050, &vec![7; 50_000]));
        made
    }
}

#[test]
fn the_benchmarks_layout_and_its_damage() {
    let made = Made::benchmark();
    let s = made.import().unwrap();
    assert_eq!(s.sizes, Sizes { train: 1, val: 1, test: 1 });
    assert!(!s.notices.iter().any(|n| n.contains("noise")), "{:?}", s.notices);
    let stored = Stored::open(&s.folder, crate::Part::Train).unwrap();
    assert_eq!(stored.tensor_type("noise").unwrap().1, [2, 96, 101]);
    let refused = |name: &str, bytes: &[u8]| {
        let path = made.from().join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let e = made.import().unwrap_err();
        fs::write(&path, before).unwrap();
        assert_eq!(Dataset::open(s.folder.parent().unwrap(), &Fsd50k).unwrap().hash(), s.hash);
        e.to_string()
    };
    let wav = "data/chunks/wav/01_0000.wav";
    assert!(refused(wav, b"RIFX").contains("01_0000.wav: is not a WAV file"));
    assert!(refused(wav, &pcm16(44_100, &[1; 100])).contains("has 44100 samples a second, not 22050"));
    assert!(refused("data/chunks/tr.csv", b"a,b\n1,2\n").contains("tr.csv: has no column 'files' (it has a, b)"));
    assert!(
        refused("data/chunks/tr.csv", b"files,labels,ext\n01_0000.wav,Meow,1\n")
            .contains("line 2: there is no label 'Meow'")
    );
    assert!(
        refused("data/chunks/tr.csv", b"files,labels,ext\n01_0000.wav,Bark,x\n").contains("the clip 'x' is no number")
    );
    assert!(refused("data/chunks/lbl_map.json", br#"{"Bark": 0, "Rain": 2}"#).contains("are not 0, 1, 2"));
    assert!(refused("data/chunks/lbl_map.json", b"{").contains("is no map from labels to numbers"));
    fs::remove_file(made.from().join(wav)).unwrap();
    assert!(made.import().unwrap().notices.contains(&"1 chunks of tr.csv are not there".to_owned()));
    fs::remove_file(made.from().join("data/chunks/val.csv")).unwrap();
    let e = made.import().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);
    assert!(e.to_string().contains("holds no file 'data/chunks/val.csv'"), "{e}");
}

#[test]
fn the_official_release_is_resampled_and_cut() {
    let made = Made(tempfile::tempdir().unwrap());
    made.write("FSD50K.ground_truth/vocabulary.csv", b"0,Bark,/m/1\n1,Rain,/m/2\n");
    made.write(
        "FSD50K.ground_truth/dev.csv",
        b"fname,labels,mids,split\n7,\"Bark,Rain\",\"/m/1,/m/2\",train\n8,Rain,/m/2,val\n9,Rain,/m/2,train\n",
    );
    made.write("FSD50K.ground_truth/eval.csv", b"fname,labels,mids\n5,Bark,/m/1\n");
    let tone = |n: i32| -> Vec<i16> { (0..n).map(|t| ((t % 100) * 200) as i16).collect() };
    made.write("FSD50K.dev_audio/7.wav", &pcm16(44_100, &tone(100_000)));
    made.write("FSD50K.dev_audio/8.wav", &pcm16(44_100, &tone(10_000)));
    made.write("FSD50K.eval_audio/5.wav", &pcm16(44_100, &tone(44_100)));
    let s = made.import().unwrap();
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 1, val: 1, test: 1 }, Provenance::Partial));
    assert_eq!(s.notices[0], "1 listed clips are not there");
    let d = Dataset::open(s.folder.parent().unwrap(), &Fsd50k).unwrap();
    assert_eq!((d.outputs(), d.val().len(), d.open_test().unwrap().items().len()), (2, 1, 2));
    let stored = Stored::open(&s.folder, crate::Part::Train).unwrap();
    // 50,000 samples at half the rate: chunks begin at 0, 11,025 ... 44,100.
    assert_eq!(stored.tensor::<i64>("offsets", safetensors::Dtype::I64).unwrap(), [0, 5]);
    assert_eq!(d.train().batch(&[0]).1.data(), [1.0, 1.0]);
    assert_eq!(RATE, 22_050);
    fs::remove_file(made.from().join("FSD50K.eval_audio/5.wav")).unwrap();
    assert!(made.import().unwrap_err().to_string().contains("1 + 1 + 0 listed clips that are there"));
}

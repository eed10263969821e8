use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use kernels::rng::{Key, Purpose};

use super::*;
use crate::test_support::shared;
use crate::{Dataset, Provenance, Silent, Sizes};

/// Value of a pixel of a made picture, by picture, channel, row, column.
fn value(i: usize, c: usize, r: usize, col: usize) -> u8 {
    (i * 37 + c * 101 + r * 7 + col * 3) as u8
}

/// A binary file of so many pictures, of 5 classes in turn.
fn records(first: usize, n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in first..first + n {
        bytes.extend([9, (i % 5) as u8]);
        for c in 0..3 {
            for r in 0..32 {
                bytes.extend((0..32).map(|col| value(i, c, r, col)));
            }
        }
    }
    bytes
}

/// A string as Python 2 pickles it.
fn string(text: &[u8]) -> Vec<u8> {
    match u8::try_from(text.len()) {
        Ok(n) => [b"U", &[n][..], text].concat(),
        Err(_) => [b"T", &(text.len() as u32).to_le_bytes()[..], text].concat(),
    }
}

/// Pickles of protocol 2, as Python 2 writes them, of what these records hold.
fn pickled(records: &[u8]) -> Vec<u8> {
    let records = || records.chunks_exact(2 + 3_072);
    let n = (records().len() as u32).to_le_bytes();
    let planes: Vec<u8> = records().flat_map(|r| &r[2..]).copied().collect();
    let labels = |of: usize| records().flat_map(|r| [b'K', r[of]]).collect::<Vec<u8>>();
    [
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87R",
        &b"q\x05(K\x01J"[..],
        &n,
        b"M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
        b"K\x00tb\x89",
        &string(&planes),
        b"tbU\rcoarse_labels]q\x08(",
        &labels(0),
        b"eU\x0bfine_labels]q\x09(",
        &labels(1),
        b"eu.",
    ]
    .concat()
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new(train: usize, test: usize, names: usize) -> Self {
        let b = Self(tempfile::tempdir().unwrap());
        fs::create_dir(b.from()).unwrap();
        fs::write(b.from().join("train.bin"), records(0, train)).unwrap();
        fs::write(b.from().join("test.bin"), records(500, test)).unwrap();
        let names: String = (0..names).map(|i| format!("class{i}\n")).collect();
        fs::write(b.from().join("fine_label_names.txt"), names).unwrap();
        b
    }

    fn from(&self) -> PathBuf {
        self.0.path().join("from")
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn import(&self) -> Result<Summary, Error> {
        Cifar100.import(&self.from(), &self.data(), &Silent)
    }

    fn archive(&self) -> PathBuf {
        let mut tar = ::tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for name in ["train.bin", "test.bin", "fine_label_names.txt"] {
            tar.append_path_with_name(self.from().join(name), format!("cifar-100-binary/{name}")).unwrap();
        }
        let path = self.0.path().join("cifar-100-binary.tar.gz");
        fs::File::create(&path).unwrap().write_all(&tar.into_inner().unwrap().finish().unwrap()).unwrap();
        path
    }
}

fn normal(v: u8, c: usize) -> f32 {
    (f32::from(v) / 255.0 - [0.5071, 0.4867, 0.4408][c]) / [0.2675, 0.2565, 0.2761][c]
}

#[test]
fn the_binary_archive_packed_and_unpacked() {
    let b = Bench::new(10, 4, 5);
    let s = b.import().unwrap();
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 8, val: 2, test: 4 }, Provenance::Partial));
    assert_eq!(s.notices[..3], ["10 of 50,000 training images", "4 of 10,000 test images", "5 classes instead of 100"]);
    let d = Dataset::open(&b.data(), &Cifar100).unwrap();
    d.verify(&Silent).unwrap();
    assert_eq!((d.input(), d.outputs()), (&[32, 32, 3][..], 5));
    let (x, y) = d.fit().batch(&[9, 0]);
    assert_eq!(y.ints(), [4, 0]);
    for (k, i) in [(0, 9), (1, 0)] {
        for (c, r, col) in [(0, 0, 0), (1, 3, 31), (2, 31, 0), (2, 17, 5)] {
            let got = x.data()[((k * 32 + r) * 32 + col) * 3 + c];
            assert_eq!(got, normal(value(i, c, r, col), c), "picture {i}, channel {c}, {r}, {col}");
        }
    }
    let packed = Cifar100.import(&b.archive(), &b.0.path().join("other"), &Silent).unwrap();
    assert_eq!(packed.hash, s.hash);
    assert_eq!(fs::read_dir(b.0.path().join("other")).unwrap().count(), 2, "the store, its lock and nothing else");
}

#[test]
fn the_python_archive_holds_what_the_binary_one_holds() {
    let b = Bench::new(10, 4, 5);
    let s = b.import().unwrap();
    let names: Vec<u8> = (0..5).flat_map(|i| string(format!("class{i}").as_bytes())).collect();
    let files = [
        ("train", pickled(&records(0, 10))),
        ("test", pickled(&records(500, 4))),
        ("meta", [b"\x80\x02}q\x01U\x10fine_label_namesq\x02]q\x03(", &names[..], b"es."].concat()),
    ];
    let folder = b.0.path().join("python");
    fs::create_dir(&folder).unwrap();
    let mut tar = ::tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).unwrap();
        tar.append_path_with_name(folder.join(name), format!("cifar-100-python/{name}")).unwrap();
    }
    let packed = b.0.path().join("cifar-100-python.tar.gz");
    fs::write(&packed, tar.into_inner().unwrap().finish().unwrap()).unwrap();
    for from in [folder, packed] {
        let other = Cifar100.import(&from, &b.data(), &Silent).unwrap();
        assert_eq!(other, s, "{}", from.display());
        assert_eq!(Dataset::open(&b.data(), &Cifar100).unwrap().hash(), s.hash);
    }
}

#[test]
fn training_pictures_are_shifted_turned_and_lose_a_square() {
    let b = Bench::new(10, 4, 5);
    b.import().unwrap();
    let d = Dataset::open(&b.data(), &Cifar100).unwrap();
    let train = d.train();
    let (plain, _) = train.batch(&[3]);
    let (mut flips, mut holes, mut shifts) = (0, 0, std::collections::BTreeSet::new());
    for epoch in 0..400 {
        let key = Key::new(0, Purpose::Augment).at(epoch, 0);
        let (x, _) = train.training_batch(&[3], key);
        assert!(x.same_bits(&train.training_batch(&[3], key).0));
        let (x, plain) = (x.data(), plain.data());
        let hole = x.chunks_exact(3).filter(|p| *p == [0.0; 3]).count();
        assert!((64..=256).contains(&hole), "{hole} pixels are out");
        holes += hole;
        let at = |data: &[f32], r: isize, c: isize, k: usize| data[((r * 32 + c) * 3) as usize + k];
        // The one shift and turn that explains every pixel that is neither black nor lost.
        let explains = |down: isize, across: isize, flip: bool| {
            (0..32).all(|r: isize| {
                (0..32).all(|c: isize| {
                    let (from_r, from_c) = (r + down, if flip { 31 - c } else { c } + across);
                    let seen = [0, 1, 2].map(|k| at(x, r, c, k));
                    let inside = (0..32).contains(&from_r) && (0..32).contains(&from_c);
                    let want = [0, 1, 2].map(|k| if inside { at(plain, from_r, from_c, k) } else { normal(0, k) });
                    seen == want || seen == [0.0; 3]
                })
            })
        };
        let found: Vec<_> = (-4..=4)
            .flat_map(|down| (-4..=4).flat_map(move |across| [(down, across, false), (down, across, true)]))
            .filter(|&(down, across, flip)| explains(down, across, flip))
            .collect();
        assert_eq!(found.len(), 1, "epoch {epoch}: {found:?}");
        flips += usize::from(found[0].2);
        shifts.insert((found[0].0, found[0].1));
    }
    assert!((160..=240).contains(&flips), "{flips} of 400 turned");
    assert!(shifts.len() > 70, "{} of 81 shifts", shifts.len());
    // A square of 16 at a uniform middle, cut off at the border: 14 x 14 on average, about.
    assert!((180..=215).contains(&(holes / 400)), "{} pixels", holes / 400);
    // Neither the batch nor the threads show.
    let key = Key::new(0, Purpose::Augment).at(1, 0);
    let (all, _) = train.training_batch(&[0, 1, 2, 3, 4, 5, 6, 7], key);
    assert_eq!(train.training_batch(&[5], key).0.data(), &all.data()[5 * 3_072..6 * 3_072]);
}

#[test]
fn damage_is_told_and_the_old_store_stays() {
    let b = Bench::new(10, 4, 5);
    let good = b.import().unwrap().hash;
    let refused = |file: &str, bytes: &[u8]| {
        let path = b.from().join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let e = b.import().unwrap_err().to_string();
        fs::write(&path, before).unwrap();
        assert_eq!(Dataset::open(&b.data(), &Cifar100).unwrap().hash(), good);
        e
    };
    assert!(refused("train.bin", &records(0, 10)[..30_000]).contains("no whole number of records"));
    assert!(refused("fine_label_names.txt", b"a\nb\n").contains("names 2 classes where a picture has class 4"));
    assert!(refused("fine_label_names.txt", b"").contains("no names of classes"));
    assert!(refused("train.bin", &records(0, 2)).contains("too few"));
    fs::remove_file(b.from().join("test.bin")).unwrap();
    let e = b.import().unwrap_err();
    assert!(e.to_string().contains("holds no file 'test.bin'; give cifar-100-python.tar.gz"), "{e}");
}

#[test]
fn the_real_container() {
    let Some(from) = shared("data/cifar100") else { return };
    let dir = tempfile::tempdir().unwrap();
    let s = Cifar100.import(&from, dir.path(), &Silent).unwrap();
    let inner = Cifar100.import(&from.join("cifar-100-python"), &dir.path().join("b"), &Silent).unwrap();
    assert_eq!(s.provenance, Provenance::Partial);
    assert_eq!((s.hash, s.sizes), (inner.hash, inner.sizes));
    let d = Dataset::open(dir.path(), &Cifar100).unwrap();
    assert_eq!(d.outputs(), 100);
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    for name in ["test", "meta"] {
        fs::copy(from.join("cifar-100-python").join(name), foreign.join(name)).unwrap();
    }
    fs::write(foreign.join("train"), b"\x80\x02cos\nsystem\nU\x04echoq\x00\x85R.").unwrap();
    let e = Cifar100.import(&foreign, &dir.path().join("c"), &Silent).unwrap_err();
    assert_eq!(e.kind, crate::ErrorKind::Unsafe, "{e}");
}

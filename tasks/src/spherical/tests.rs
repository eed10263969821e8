use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::cifar100::Cifar100;
use crate::test_support::shared;
use crate::{Dataset, ErrorKind, Part, Provenance, Silent, Sizes};

#[test]
fn generated_pictures_are_a_function_of_their_number_and_have_a_class() {
    let dir = tempfile::tempdir().unwrap();
    let make = |sub: &str, sizes, seed| {
        Spherical.generate(sizes, seed, &dir.path().join(sub), &Silent).unwrap();
        Dataset::open(&dir.path().join(sub), &Spherical).unwrap()
    };
    let small = make("a", Sizes { train: 6, val: 2, test: 3 }, 0);
    kernels::pool::set_threads(3);
    let large = make("b", Sizes { train: 9, val: 4, test: 3 }, 0);
    assert!(small.train().batch(&[0, 5]).0.same_bits(&large.train().batch(&[0, 5]).0));
    let other = make("c", Sizes { train: 6, val: 2, test: 3 }, 1);
    assert!(!small.train().batch(&[0]).0.same_bits(&other.train().batch(&[0]).0));
    assert_eq!((small.input(), small.outputs()), (&[60, 60, 3][..], 100));
    small.verify(&Silent).unwrap();
    let (x, _) = small.train().batch(&[0]);
    let dark = x.data().iter().filter(|&&v| v == 0.0).count();
    assert!((2_000..10_000).contains(&dark), "{dark} of 10,800 numbers are black");
    let most = x.data().iter().fold(0.0, |m: f32, &v| if v > m { v } else { m });
    assert_eq!(most, 255.0);
}

#[test]
fn imported_pictures_are_projected_where_there_are_some() {
    let Some(from) = shared("data/cifar100") else { return };
    let dir = tempfile::tempdir().unwrap();
    Cifar100.import(&from, dir.path(), &Silent).unwrap();
    let s = Spherical.generate(Sizes { train: 20, val: 5, test: 5 }, 0, dir.path(), &Silent).unwrap();
    assert!(s.notices[1].starts_with("pictures of the cifar100 that is there"), "{:?}", s.notices);
    let e = Spherical.generate(Sizes { train: 20, val: 5, test: 50_000 }, 0, dir.path(), &Silent).unwrap_err();
    assert!(e.to_string().contains("cannot project 20 + 5 + 50,000 pictures"), "{e}");
    let flat = crate::Stored::open(&dir.path().join("cifar100"), Part::Train).unwrap();
    let d = Dataset::open(dir.path(), &Spherical).unwrap();
    let labels = flat.tensor::<i32>("y", safetensors::Dtype::I32).unwrap();
    assert_eq!(d.train().batch(&[7]).1.ints(), [labels[7]]);
}

#[test]
fn channels_are_standardised_with_what_is_fitted() {
    let dir = tempfile::tempdir().unwrap();
    Spherical.generate(Sizes { train: 5, val: 2, test: 2 }, 0, dir.path(), &Silent).unwrap();
    let d = Dataset::open(dir.path(), &Spherical).unwrap();
    let (fit, items) = (d.fit(), [0, 2, 4, 6]);
    let transform = Spherical.transform(&fit, &items).unwrap();
    let y = transform.input(&fit.batch(&items).0);
    for c in 0..3 {
        let channel: Vec<f64> = y.data().iter().skip(c).step_by(3).map(|&v| v.into()).collect();
        let n = channel.len() as f64;
        let mean = channel.iter().sum::<f64>() / n;
        let var = channel.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        assert!(mean.abs() < 1e-5 && (var - 1.0).abs() < 1e-5, "{mean} {var}");
    }
    let all = transform::Channels::fit(&fit, &[4, 6, 2, 0]);
    assert_eq!(all, transform::Channels::fit(&fit, &items), "the order does not show");
    assert_ne!(all, transform::Channels::fit(&fit, &[0, 1, 2]));
}

#[test]
fn the_real_container_packed_and_unpacked_and_damaged() {
    let Some(from) = shared("data/spherical/s2_cifar100.gz") else { return };
    let dir = tempfile::tempdir().unwrap();
    let s = Spherical.import(&from, dir.path(), &Silent).unwrap();
    assert_eq!((s.provenance, s.sizes.test > 0), (Provenance::Partial, true));
    let folder = Spherical.import(from.parent().unwrap(), &dir.path().join("b"), &Silent).unwrap();
    assert_eq!(folder.hash, s.hash);
    let d = Dataset::open(dir.path(), &Spherical).unwrap();
    assert_eq!((d.input(), d.outputs()), (&[60, 60, 3][..], 100));
    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(own.join("s2_cifar100.gz"), bytes).unwrap();
        let e = Spherical.import(&own, dir.path(), &Silent).unwrap_err();
        assert_eq!(Dataset::open(dir.path(), &Spherical).unwrap().hash(), s.hash);
        e
    };
    let bytes = fs::read(&from).unwrap();
    assert!(refused(&bytes[..bytes.len() / 2]).to_string().contains("damaged or cut short"));
    let mut bad = bytes.clone();
    bad[bytes.len() / 2] ^= 1;
    refused(&bad);
    let gz = |content: &[u8]| {
        let mut to = GzEncoder::new(Vec::new(), Compression::fast());
        to.write_all(content).unwrap();
        to.finish().unwrap()
    };
    assert_eq!(refused(&gz(b"cos\nsystem\n(S'echo'\ntR.")).kind, ErrorKind::Unsafe);
    assert!(refused(&gz(b"\x80\x02}q\x00.")).to_string().contains("holds no dict with 'train'"));
    let e = Spherical.import(&dir.path().join("b"), dir.path(), &Silent).unwrap_err();
    assert!(e.to_string().contains("holds no file 's2_cifar100.gz'"), "{e}");
}

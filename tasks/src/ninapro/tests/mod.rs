//! The importers on files written here and on real ones where they are; the filters against SciPy's.

mod benchmark;
mod recordings;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::filter::{high_pass, prepare};
use super::{Ninapro, RATE};
use crate::store::Stored;
use crate::{Dataset, Error, Part, Silent, Sizes, Summary, Task as _};

/// A folder of originals and one for stores.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("from")).unwrap();
        Self { dir }
    }

    fn from(&self) -> PathBuf {
        self.dir.path().join("from")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.from().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn import_from(&self, from: &Path) -> Result<Summary, Error> {
        Ninapro.import(from, &self.dir.path().join("data"), &Silent)
    }

    fn import(&self) -> Result<Summary, Error> {
        self.import_from(&self.from())
    }

    /// What an import says that fails, which leaves whatever store there was.
    fn refused(&self) -> String {
        let before = self.open().map(|d| d.hash().to_owned()).ok();
        let e = self.import().unwrap_err().to_string();
        assert_eq!(self.open().map(|d| d.hash().to_owned()).ok(), before, "{e}");
        e
    }

    fn open(&self) -> Result<Dataset, Error> {
        Dataset::open(&self.dir.path().join("data"), &Ninapro)
    }

    fn stored(&self, part: Part) -> Stored {
        Stored::open(&self.dir.path().join("data/ninapro"), part).unwrap()
    }
}

#[test]
fn the_high_pass_is_scipys() {
    // scipy.signal.butter(3, 2, 'high', fs=200), as the product of our two sections.
    let [one, two] = high_pass(RATE, 2.0);
    let product =
        |p: [f64; 2], q: [f64; 3]| [p[0] * q[0], p[0] * q[1] + p[1] * q[0], p[0] * q[2] + p[1] * q[1], p[1] * q[2]];
    let b = product([one.b[0], one.b[1]], two.b);
    let a = product([1.0, one.a[0]], [1.0, two.a[0], two.a[1]]);
    let want_b = [0.9390916523119581, -2.8172749569358744, 2.8172749569358744, -0.9390916523119581];
    let want_a = [1.0, -2.874356892677484, 2.7564831952256954, -0.8818931305924855];
    for (got, want) in b.into_iter().zip(want_b).chain(a.into_iter().zip(want_a)) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }
    assert_eq!((one.b[2], one.a[1]), (0.0, 0.0));
}

#[test]
fn a_signal_is_prepared_as_scipy_does() {
    let mut signal: Vec<f64> = (0..400).map(|t| f64::from(t * 37 % 101 - 50)).collect();
    let mut averaged = vec![7.0];
    prepare(&mut signal, &mut averaged);
    assert_eq!((averaged.len(), averaged[0]), (401, 7.0));
    // sosfilt, the absolute value, and the mean of the last 15.
    for (t, rectified, mean) in [
        (0, 46.95458261559791, 3.130305507706527),
        (1, 6.30867181719996, 3.550883628853191),
        (13, 31.379086010770752, 24.23666754938066),
        (14, 32.3955473709617, 26.39637070744477),
        (100, 12.354056370058128, 24.275573189428034),
        (399, 33.30734753756358, 26.329489987236716),
    ] {
        assert!((signal[t] - rectified).abs() < 1e-12 * 50.0, "{t}: {}", signal[t]);
        assert_eq!(averaged[1 + t], mean as f32, "{t}");
    }
}

#[test]
fn a_stand_in_of_the_published_shape() {
    let (a, b) = (Bench::new(), Bench::new());
    let sizes = Sizes { train: 600, val: 20, test: 10 };
    let make = |bench: &Bench, sizes| Ninapro.generate(sizes, 3, &bench.dir.path().join("data"), &Silent).unwrap();
    let (first, fewer) = (make(&a, sizes), make(&b, Sizes { train: 40, ..sizes }));
    assert_eq!((first.sizes, first.notices.len()), (sizes, 1));
    let (first, fewer) = (a.open().unwrap(), {
        assert_eq!(fewer.sizes.train, 40);
        b.open().unwrap()
    });
    assert_eq!((first.input(), first.outputs()), (&[16, 52, 1][..], 18));
    // The 39th of 40 is the 39th of 600.
    let items: Vec<u32> = (0..40).collect();
    let ((x, y), (p, q)) = (first.train().batch(&items), fewer.train().batch(&items));
    assert_eq!((x.data(), y.ints()), (p.data(), q.ints()));
}

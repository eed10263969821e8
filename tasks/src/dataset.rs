//! How training sees a store: splits that fill batches, and test data behind a door of their own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::reader::{Reader, Use};
use crate::store::{Origin, Stored};
use crate::{Error, ErrorKind, Facts, Part, Progress, Provenance, Quirks, Sizes, Task};
use kernels::rng::Key;
use kernels::{Shape, Tensor, pool};

/// A split's file with its items.
struct Items {
    stored: Arc<Stored>,
    reader: Box<dyn Reader>,
}

impl Items {
    fn new(stored: Arc<Stored>, task: &dyn Task, to: Use, quirks: &Quirks) -> Result<Arc<Self>, Error> {
        let reader = task.reader(&stored, to, quirks)?;
        let most = kernels::shape::MAX_RANK - 1;
        let (x, y) = (reader.input(), reader.target().unwrap_or_default());
        if x.len() > most || y.len() > most || x.contains(&0) || y.contains(&0) {
            let what = format!("items of shape {x:?} with targets of shape {y:?} are no data of this program");
            return Err(Error::invalid(what, "import the task again").at(stored.path()));
        }
        Ok(Arc::new(Self { stored, reader }))
    }

    fn open(folder: &Path, part: Part, task: &dyn Task, to: Use, quirks: &Quirks) -> Result<Arc<Self>, Error> {
        Self::new(Arc::new(Stored::open(folder, part)?), task, to, quirks)
    }

    fn belongs_with(&self, other: &Self) -> bool {
        let shapes = |i: &Self| (i.reader.input().to_vec(), i.reader.target().map(<[usize]>::to_vec));
        shapes(self) == shapes(other) && self.stored.meta().origin == other.stored.meta().origin
    }
}

/// A store, opened. Training and validation data are at hand; test data only through [`Dataset::open_test`].
pub struct Dataset {
    task: &'static dyn Task,
    folder: PathBuf,
    origin: Origin,
    hash: String,
    sizes: Sizes,
    quirks: Quirks,
    train: Arc<Items>,
    val: Arc<Items>,
    /// The validation data as training sees them.
    val_fitted: Arc<Items>,
}

impl Dataset {
    /// Opens `<data_dir>/<task>`: headers are checked, data are not read.
    pub fn open(data_dir: &Path, task: &'static dyn Task) -> Result<Self, Error> {
        Self::open_with(data_dir, task, Quirks::default())
    }

    /// The same with some of the reference's departures back.
    pub fn open_with(data_dir: &Path, task: &'static dyn Task, quirks: Quirks) -> Result<Self, Error> {
        let name = task.facts().name;
        let folder = data_dir.join(name);
        if !folder.is_dir() {
            Stored::recover(data_dir, name)?;
        }
        if !folder.is_dir() {
            let what = format!("there are no data of {name}");
            return Err(Error::new(ErrorKind::Missing, what, "import or generate them first").at(&folder));
        }
        let open = |part, to| Items::open(&folder, part, task, to, &quirks);
        let (train, val, test) =
            (open(Part::Train, Use::Fit)?, open(Part::Val, Use::Judge)?, open(Part::Test, Use::Judge)?);
        let origin = train.stored.meta().origin.clone();
        if origin.task != name {
            let what = format!("holds data of {}", origin.task);
            return Err(Error::invalid(what, "import the task again").at(&folder));
        }
        let now = task.facts().preprocessing;
        if origin.preprocessing != now {
            let what = format!("was made by preprocessing {}, this program's is {now}", origin.preprocessing);
            return Err(Error::invalid(what, "import the task again").at(&folder));
        }
        if let Some(odd) = [&val, &test].into_iter().find(|i| !train.belongs_with(i)) {
            let what = "comes from another import than the training data";
            return Err(Error::invalid(what, "import the task again").at(odd.stored.path()));
        }
        let [a, b, c] = [&train, &val, &test].map(|i| i.reader.records());
        let sizes = Sizes { train: a, val: b, test: c };
        let hash = hash_of([&train, &val, &test]);
        let val_fitted = Items::new(Arc::clone(&val.stored), task, Use::Fit, &quirks)?;
        Ok(Self { task, folder, origin, hash, sizes, quirks, train, val, val_fitted })
    }

    /// The task.
    pub fn task(&self) -> &'static dyn Task {
        self.task
    }

    /// What is fixed about the task; [`Dataset::input`] and [`Dataset::outputs`] are what the data have.
    pub fn facts(&self) -> &'static Facts {
        self.task.facts()
    }

    /// Shape of one input, channels last.
    pub fn input(&self) -> &[usize] {
        self.train.reader.input()
    }

    /// Classes, labels, or channels of a dense answer.
    pub fn outputs(&self) -> usize {
        self.origin.outputs
    }

    /// Sizes in what [`Facts::items`] names: items or, where those are cut out of records, records ([`Split::groups`]).
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// What a search fits.
    pub fn train(&self) -> Split {
        self.split(vec![Arc::clone(&self.train)])
    }

    /// What a search selects by.
    pub fn val(&self) -> Split {
        self.split(vec![Arc::clone(&self.val)])
    }

    /// Training, then validation data: what the final training fits. Where items are cut out of records, validation's are
    /// cut as training's are.
    pub fn fit(&self) -> Split {
        self.split(vec![Arc::clone(&self.train), Arc::clone(&self.val_fitted)])
    }

    /// The test data. For the final stage alone, which says in its result that it called this.
    pub fn open_test(&self) -> Result<TestSplit, Error> {
        let items = Items::open(&self.folder, Part::Test, self.task, Use::Judge, &self.quirks)?;
        if hash_of([&self.train, &self.val, &items]) != self.hash {
            let what = "was replaced while this program was running";
            return Err(Error::invalid(what, "start again on the new data").at(items.stored.path()));
        }
        Ok(TestSplit(self.split(vec![items])))
    }

    fn split(&self, parts: Vec<Arc<Items>>) -> Split {
        Split { task: self.task, quirks: self.quirks.clone(), parts }
    }

    /// One hash (hexadecimal) of everything the three splits hold, from what their headers say.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Where the data come from.
    pub fn provenance(&self) -> Provenance {
        self.origin.provenance
    }

    /// What is missing or unusual about them, a line each.
    pub fn notices(&self) -> &[String] {
        &self.origin.notices
    }

    /// The quirks it was opened with.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// All that the store says about its making.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Reads everything and compares it with the hashes in the headers.
    pub fn verify(&self, progress: &dyn Progress) -> Result<(), Error> {
        self.train.stored.verify(progress)?;
        self.val.stored.verify(progress)?;
        Stored::open(&self.folder, Part::Test)?.verify(progress)
    }
}

fn hash_of(parts: [&Items; 3]) -> String {
    let mut hasher = blake3::Hasher::new();
    for items in parts {
        let stored = &items.stored;
        hasher.update(format!("{} {}\n", stored.meta().split.name(), stored.meta().blake3).as_bytes());
        for name in stored.names() {
            if let Some((dtype, shape)) = stored.tensor_type(&name) {
                hasher.update(format!("{name} {dtype} {shape:?}\n").as_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// A run of items, numbered from 0: one split, or two as if they were one.
#[derive(Clone)]
pub struct Split {
    task: &'static dyn Task,
    quirks: Quirks,
    /// One or two.
    parts: Vec<Arc<Items>>,
}

/// Zeros that a fresh tensor of class numbers is begun with.
static ZEROS: [i32; 16_384] = [0; 16_384];

impl Split {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|p| p.reader.items()).sum()
    }

    /// No items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of one input, channels last.
    pub fn input(&self) -> &[usize] {
        self.parts[0].reader.input()
    }

    /// Shape of one target; none for a class number.
    pub fn target(&self) -> &[usize] {
        self.parts[0].reader.target().unwrap_or_default()
    }

    /// Whether targets are class numbers (I32) and not f32.
    pub fn has_classes(&self) -> bool {
        self.parts[0].reader.target().is_none()
    }

    /// What a limit counts and a metric may be over: records, where items are cut out of them; else the items themselves.
    pub fn groups(&self) -> usize {
        self.parts.iter().map(|p| p.reader.records()).sum()
    }

    /// The group of an item, numbered from 0 through this run.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn group(&self, item: u32) -> u32 {
        let (part, at) = self.find(item);
        let before: usize = self.parts[..part].iter().map(|p| p.reader.records()).sum();
        (before + self.parts[part].reader.record(at)) as u32
    }

    /// The items of these groups, group by group. A group too short for an item has none.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn items_of(&self, groups: &[u32]) -> Vec<u32> {
        let mut items = Vec::new();
        for &group in groups {
            let (mut before, mut at) = (0, group as usize);
            let part = self.parts.iter().find(|part| {
                let here = at < part.reader.records();
                if !here {
                    before += part.reader.items();
                    at -= part.reader.records();
                }
                here
            });
            let part = part.unwrap_or_else(|| panic!("group {group} of a split of {}", self.groups()));
            items.extend(part.reader.items_of(at).map(|i| (before + i) as u32));
        }
        items
    }

    /// Number `index` of this run as (which part, number in it).
    fn find(&self, index: u32) -> (usize, usize) {
        let mut at = index as usize;
        for (p, part) in self.parts.iter().enumerate() {
            if at < part.reader.items() {
                return (p, at);
            }
            at -= part.reader.items();
        }
        panic!("item {index} of a split of {}", self.len());
    }

    /// The quirks in force.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// The files behind it, one or two: for scores that need more of a record than its target.
    pub fn files(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.parts.iter().map(|p| &p.stored)
    }

    /// The items of these numbers as (inputs `[B, ...]`, targets `[B]` or `[B, ...]`), in this order, as they are stored.
    ///
    /// # Panics
    /// If there is no item of such a number.
    pub fn batch(&self, indices: &[u32]) -> (Tensor, Tensor) {
        self.gather(indices, None)
    }

    /// The same for training: each item's chance is the stream of its own number under `key`, so neither the batch nor the
    /// order shows in it.
    ///
    /// # Panics
    /// If there is no item of such a number.
    pub fn training_batch(&self, indices: &[u32], key: Key) -> (Tensor, Tensor) {
        self.gather(indices, Some(key))
    }

    fn gather(&self, indices: &[u32], key: Option<Key>) -> (Tensor, Tensor) {
        let shape = |item: &[usize]| {
            let mut dims = [0; kernels::shape::MAX_RANK];
            dims[0] = indices.len();
            dims[1..=item.len()].copy_from_slice(item);
            Shape::new(&dims[..=item.len()])
        };
        let mut x = Tensor::uninit(shape(self.input()));
        if self.has_classes() {
            let mut y = match ZEROS.get(..indices.len()) {
                Some(zeros) => Tensor::from_ints(shape(&[]), zeros),
                None => Tensor::from_ints(shape(&[]), &vec![0; indices.len()]),
            };
            for (&index, label) in indices.iter().zip(y.ints_mut()) {
                let (part, at) = self.find(index);
                *label = self.parts[part].reader.class(at);
            }
            self.read(indices, key, x.data_mut(), &mut []);
            return (x, y);
        }
        let mut y = Tensor::uninit(shape(self.target()));
        self.read(indices, key, x.data_mut(), y.data_mut());
        (x, y)
    }

    /// Reads the items on all threads, each into its own rows.
    fn read(&self, indices: &[u32], key: Option<Key>, x: &mut [f32], y: &mut [f32]) {
        let (n, m) = match indices.len() {
            0 => return,
            items => (x.len() / items, y.len() / items),
        };
        let one = |i: usize, x: &mut [f32], y: &mut [f32]| {
            let (part, at) = self.find(indices[i]);
            let mut chance = key.map(|k| k.stream(indices[i].into()));
            self.parts[part].reader.read(at, chance.as_mut(), x, y);
        };
        // Small items by the run: a job is worth its while from some thousand numbers on.
        let run = (RUN / n).max(1);
        pool::chunks_mut2([x, y], [run * n, run * m], |r, x, y| {
            for (j, x) in x.chunks_exact_mut(n).enumerate() {
                one(r * run + j, x, &mut y[j * m..(j + 1) * m]);
            }
        });
    }
}

/// Numbers of input that a thread reads at a time.
const RUN: usize = 8_192;

/// Test data. Only [`Dataset::open_test`] makes one, so a function that takes a [`Split`] is handed test data by its caller's
/// choice and never by accident.
#[derive(Debug, Clone)]
pub struct TestSplit(Split);

impl TestSplit {
    /// The items, as a split like any other.
    pub fn items(&self) -> &Split {
        &self.0
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset({}, {:?}, {})", self.folder.display(), self.sizes, self.hash)
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Split({}, {} items of {:?})", self.task.facts().name, self.len(), self.input())
    }
}

#[cfg(test)]
mod tests {
    use kernels::rng::{Purpose, Stream};
    use safetensors::Dtype;

    use super::*;
    use crate::reader::Rows;
    use crate::satellite::FACTS;
    use crate::store::StoreWriter;

    /// A task of dense targets whose augmentation adds a number in 1..=1000 to every input.
    struct Dense;

    impl Task for Dense {
        fn facts(&self) -> &'static Facts {
            &FACTS
        }
        fn import(&self, _: &Path, _: &Path, _: &dyn Progress) -> Result<crate::Summary, Error> {
            unreachable!("the tests write their store")
        }
        fn generate(&self, _: Sizes, _: u64, _: &Path, _: &dyn Progress) -> Result<crate::Summary, Error> {
            unreachable!("the tests write their store")
        }
        fn reader(&self, stored: &Arc<Stored>, to: Use, _: &Quirks) -> Result<Box<dyn Reader>, Error> {
            Ok(Box::new(Augmented(Rows::open(stored)?, to)))
        }
    }

    struct Augmented(Rows, Use);

    impl Reader for Augmented {
        fn items(&self) -> usize {
            self.0.items()
        }
        fn input(&self) -> &[usize] {
            self.0.input()
        }
        fn target(&self) -> Option<&[usize]> {
            self.0.target()
        }
        fn class(&self, item: usize) -> i32 {
            self.0.class(item)
        }
        fn read(&self, item: usize, chance: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]) {
            self.0.read(item, None, x, y);
            if let Some(chance) = chance {
                assert_eq!(self.1, Use::Fit);
                let add = 1.0 + chance.below(1_000) as f32;
                x.iter_mut().for_each(|v| *v += add);
            }
        }
    }

    fn dense(dir: &Path, y_of_val: usize) -> Result<Dataset, Error> {
        let origin = Origin {
            preprocessing: FACTS.preprocessing,
            provenance: Provenance::Generated,
            seed: Some(1),
            sources: Vec::new(),
            task: FACTS.name.into(),
            outputs: 1,
            notices: Vec::new(),
        };
        let mut store = StoreWriter::begin(dir, FACTS.name)?;
        for (part, items, base) in [(Part::Train, 3, 0.0), (Part::Val, 2, 100.0), (Part::Test, 1, 200.0)] {
            let mut split = store.split(part)?;
            let row = |i: usize| [base + i as f32, 0.25, 0.5, -(i as f32)];
            split.tensor("x", Dtype::F32, &[2, 2, 1])?;
            (0..items).try_for_each(|i| split.push(&row(i)))?;
            split.tensor("y", Dtype::F32, &[2, 2])?;
            let targets = if part == Part::Val { y_of_val } else { items };
            (0..targets).try_for_each(|i| split.push(&row(i).map(|v| 2.0 * v)))?;
            store.finish(split, &origin)?;
        }
        store.publish()?;
        Dataset::open(dir, &Dense)
    }

    #[test]
    fn dense_targets_and_two_parts_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let d = dense(dir.path(), 2).unwrap();
        let fit = d.fit();
        assert_eq!((fit.len(), fit.input(), fit.target(), fit.has_classes()), (5, &[2, 2, 1][..], &[2, 2][..], false));
        let (x, y) = fit.batch(&[4, 2, 4]);
        assert_eq!((&x.shape()[..], &y.shape()[..]), (&[3, 2, 2, 1][..], &[3, 2, 2][..]));
        assert_eq!(x.data(), [101., 0.25, 0.5, -1., 2., 0.25, 0.5, -2., 101., 0.25, 0.5, -1.]);
        assert!(y.data().iter().zip(x.data()).all(|(y, x)| *y == 2.0 * x));
        assert_eq!(d.open_test().unwrap().items().batch(&[0]).0.data()[0], 200.0);
        assert_eq!(fit.batch(&[]).0.shape()[..], [0, 2, 2, 1]);
        assert!(format!("{d:?} {fit:?}").contains("Split(satellite, 5 items of [2, 2, 1])"));
    }

    #[test]
    fn augmentation_depends_on_the_item_and_the_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let fit = dense(dir.path(), 2).unwrap().fit();
        let key = Key::new(7, Purpose::Augment).at(1, 0);
        let (all, targets) = fit.training_batch(&[0, 1, 2, 3, 4], key);
        for i in 0..5 {
            let (one, _) = fit.training_batch(&[i], key);
            assert_eq!(one.data(), &all.data()[4 * i as usize..][..4]);
            assert_ne!(one.data(), fit.batch(&[i]).0.data());
        }
        assert_eq!(targets.data(), fit.batch(&[0, 1, 2, 3, 4]).1.data());
        assert_ne!(fit.training_batch(&[0, 1, 2, 3, 4], key.at(2, 0)).0.data(), all.data());
    }

    #[test]
    #[should_panic(expected = "item 5 of a split of 5")]
    fn an_item_that_is_not_there_is_the_callers_fault() {
        let dir = tempfile::tempdir().unwrap();
        dense(dir.path(), 2).unwrap().fit().batch(&[0, 5]);
    }

    #[test]
    fn inputs_without_targets_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let e = dense(dir.path(), 1).unwrap_err().to_string();
        let want = "val.safetensors: 2 inputs of shape [2, 2, 1] do not go with 1 targets of shape [2, 2]; import";
        assert!(e.contains(want), "{e}");
    }
}

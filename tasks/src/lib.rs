//! The ten tasks: facts, importers of the original files, generators, the mapped store, metrics.
//!
//! One folder a task. [`Task::import`] turns the original files into a store ([`store`]), [`Task::generate`] makes one
//! where there are none; [`Dataset`] is how training sees it. Nothing here executes what a file asks for, and no original
//! is ever written to.

pub mod cifar100;
pub mod cosmic;
pub mod darcy;
pub mod dataset;
pub mod deepsea;
pub mod ecg;
pub mod error;
pub mod facts;
mod fft;
pub mod formats;
pub mod fsd50k;
mod generated;
mod images;
pub mod metrics;
pub mod ninapro;
pub mod numpy_random;
pub mod progress;
pub mod psicov;
pub mod quirks;
pub mod reader;
pub mod satellite;
pub mod score;
pub mod spherical;
mod standardise;
pub mod store;
#[cfg(test)]
mod test_support;
pub mod transform;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use dataset::{Dataset, Split, TestSplit};
pub use error::{Error, ErrorKind};
pub use facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
pub use progress::{Progress, Silent, Unit};
pub use quirks::Quirks;
pub use reader::{Reader, Use};
pub use score::Score;
pub use store::{Part, Provenance, Stored};
pub use transform::Transform;

// Stores are little-endian and mapped as they lie.
const _: () = assert!(cfg!(target_endian = "little"), "the mapped store needs a little-endian machine");

/// What an import or a generation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Name of the task.
    pub task: &'static str,
    /// The store's folder.
    pub folder: PathBuf,
    /// Sizes of the splits, in what [`Facts::items`] names.
    pub sizes: Sizes,
    /// Where the data come from.
    pub provenance: Provenance,
    /// What is missing or unusual, a line each.
    pub notices: Vec<String>,
    /// The dataset's hash, as [`Dataset::hash`] gives it.
    pub hash: String,
}

impl Summary {
    /// Of the store of `task` in `data_dir`, which was just made: what imports and generators give back.
    ///
    /// # Errors
    /// If there is no such store.
    pub fn of(data_dir: &Path, task: &'static dyn Task) -> Result<Self, Error> {
        let (made, name) = (Dataset::open(data_dir, task)?, task.facts().name);
        Ok(Self {
            task: name,
            folder: data_dir.join(name),
            sizes: made.sizes(),
            provenance: made.provenance(),
            notices: made.notices().to_vec(),
            hash: made.hash().to_owned(),
        })
    }
}

/// One of the ten tasks.
pub trait Task: Sync {
    /// What is fixed about it.
    fn facts(&self) -> &'static Facts;

    /// Reads the original files in the folder `from` and makes the store `<data_dir>/<name>` of them. A store that is there
    /// is replaced once the new one is whole, and stays as it is if anything fails.
    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error>;

    /// Makes a store of generated data. Item i of a split depends on the task, the seed, the split and i alone.
    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error>;

    /// How the records of a file become items; [`reader::Rows`], unless the task says otherwise. The split is
    /// `stored.meta().split`: validation data are opened for both uses, training data to fit, test data to judge.
    fn reader(&self, stored: &Arc<Stored>, to: Use, quirks: &Quirks) -> Result<Box<dyn Reader>, Error> {
        let _ = (to, quirks);
        Ok(Box::new(reader::Rows::open(stored)?))
    }

    /// What stands between stored items and a network, fitted on these items of `fit`; `None`: nothing does.
    fn transform(&self, fit: &Split, items: &[u32]) -> Option<Box<dyn Transform>> {
        let _ = (fit, items);
        None
    }

    /// What judges outputs on this split: the 0-1 error, unless the task says otherwise. A task without classes must.
    fn score(&self, split: &Split) -> Box<dyn Score> {
        let _ = split;
        Box::<score::ZeroOne>::default()
    }
}

static ALL: &[&dyn Task] = &[
    &cifar100::Cifar100,
    &spherical::Spherical,
    &ninapro::Ninapro,
    &fsd50k::Fsd50k,
    &darcy::Darcy,
    &psicov::Psicov,
    &cosmic::Cosmic,
    &ecg::Ecg,
    &satellite::Satellite,
    &deepsea::Deepsea,
];

/// The tasks, in the order of the tables.
pub fn all() -> &'static [&'static dyn Task] {
    ALL
}

/// The task of this name.
pub fn by_name(name: &str) -> Result<&'static dyn Task, Error> {
    all().iter().copied().find(|t| t.facts().name == name).ok_or_else(|| {
        let names: Vec<&str> = all().iter().map(|t| t.facts().name).collect();
        let what = format!("there is no task '{}'", name.escape_debug());
        Error::new(ErrorKind::Unsupported, what, format!("the tasks are {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tasks_with_names_of_their_own() {
        let mut names: Vec<&str> = all().iter().map(|t| t.facts().name).collect();
        assert_eq!(names.len(), 10);
        for &name in &names {
            assert_eq!(by_name(name).unwrap().facts().name, name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 10);
        let e = by_name("mnist").err().unwrap();
        assert_eq!(
            e.to_string(),
            "there is no task 'mnist'; the tasks are cifar100, spherical, ninapro, fsd50k, darcy, psicov, cosmic, ecg, \
             satellite, deepsea"
        );
    }

    #[test]
    fn published_totals() {
        // Table 1 of the paper, where the code agrees with it.
        for (name, total) in [("cifar100", 60_000), ("ninapro", 3_956), ("darcy", 1_100), ("psicov", 3_606)] {
            let s = by_name(name).unwrap().facts().sizes;
            assert_eq!(s.train + s.val + s.test, total, "{name}");
        }
    }
}

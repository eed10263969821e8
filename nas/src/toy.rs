//! For tests of whole searches: a little data, a folder a name, and a watcher that kills.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use kernels::Device;
use tasks::{Dataset, Sizes};

use crate::arch::Found;
use crate::method::{Method, Problem, SearchStage};
use crate::profile::{Profile, Values};
use crate::run::{Facts as Process, Identity, Mode, Progress, RunFolder};
use crate::train::subset;

/// Series of the "Crop" kind, and a method's values of the smoke profile.
pub(crate) struct Toy {
    method: &'static dyn Method,
    pub data: Dataset,
    pub values: Values,
    pub scratch: tempfile::TempDir,
    /// Whether batches are bounded by the number of items.
    pub scaled: bool,
}

impl Toy {
    /// So many series; these numbers of the method's own.
    pub fn new(method: &'static dyn Method, sizes: Sizes, own: &[(&str, f64)]) -> Self {
        let (scratch, task) = (tempfile::tempdir().unwrap(), tasks::by_name("satellite").unwrap());
        task.generate(sizes, 0, scratch.path(), &tasks::Silent).unwrap();
        let data = Dataset::open(scratch.path(), task).unwrap();
        let mut values = Profile::Smoke.values("satellite", method.name());
        (values.train, values.val) = (sizes.train, sizes.val);
        for &(key, x) in own {
            let whole = (x.fract() == 0.0).then(|| serde_json::Value::from(x as u64));
            values.own.insert(key.to_owned(), whole.unwrap_or_else(|| x.into()));
        }
        Self { method, data, values, scratch, scaled: false }
    }

    /// The run's folder of this name.
    pub fn open(&self, name: &str) -> RunFolder {
        let identity = Identity {
            task: "satellite".into(),
            method: self.method.name().into(),
            seed: 0,
            protocol: "corrected".into(),
            quirks: [].into(),
            mode: Mode::Exact,
            profile: "smoke".into(),
            values: self.values.map(),
            set: BTreeMap::new(),
            arch: None,
            data: "d0".into(),
            code: crate::code_version(),
        };
        let process =
            Process { commit: "c".into(), device: "cpu".into(), simd: "avx2".into(), threads: 2, cudnn: None };
        RunFolder::open(&self.scratch.path().join(name), &identity, &process, false).unwrap()
    }

    /// Does something as a search of this folder.
    pub fn with<T>(
        &self,
        folder: &mut RunFolder,
        progress: &mut dyn Progress,
        checkpoint_seconds: f64,
        act: impl FnOnce(&mut SearchStage<'_>) -> T,
    ) -> T {
        let (train, val) = (self.data.train(), self.data.val());
        let fitted = train.items_of(&subset(train.groups(), self.values.train));
        let problem = &Problem::new(&self.data, &train, &fitted);
        act(&mut SearchStage {
            task: self.data.task(),
            problem,
            values: &self.values,
            seed: 0,
            train,
            fitted,
            val,
            device: Device::Cpu,
            scaled: self.scaled,
            set: &|_| false,
            checkpoint_seconds,
            folder,
            progress,
        })
    }

    /// The search in the folder `name`, saved after every step, or what killed it.
    pub fn search(&self, name: &str, progress: &mut dyn Progress) -> std::thread::Result<Found> {
        let mut folder = self.open(name);
        let act = |stage: &mut SearchStage<'_>| self.method.search(stage).unwrap();
        catch_unwind(AssertUnwindSafe(|| self.with(&mut folder, progress, 0.0, act)))
    }

    /// A file of the folder `name`.
    pub fn file(&self, name: &str, file: &str) -> Vec<u8> {
        std::fs::read(self.scratch.path().join(name).join(file)).unwrap()
    }
}

/// Dies after so many steps.
pub(crate) struct Mortal(pub usize);

impl Progress for Mortal {
    fn stage(&mut self, _: &str, _: usize, _: usize) {}
    fn step(&mut self, _: usize, _: usize) {
        self.0 = self.0.checked_sub(1).unwrap_or_else(|| resume_unwind(Box::new("died")));
    }
    fn epoch(&mut self, _: usize, _: Option<(&str, f64)>) {}
    fn note(&mut self, _: &str) {}
}

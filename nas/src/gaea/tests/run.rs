//! A whole small search in its folder: interrupted anywhere, it finds the same.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tasks::{Dataset, Sizes};

use super::*;
use crate::profile::Profile;
use crate::run::{Facts as Process, Identity, Mode as Precision, Progress, RunFolder};
use crate::train::subset;

/// Series of the "Crop" kind, and the smallest supernet with both kinds of cells.
struct Toy {
    data: Dataset,
    values: Values,
    scratch: tempfile::TempDir,
}

impl Toy {
    fn new() -> Self {
        let (scratch, task) = (tempfile::tempdir().unwrap(), tasks::by_name("satellite").unwrap());
        let sizes = Sizes { train: 64, val: 16, test: 1 };
        task.generate(sizes, 0, scratch.path(), &tasks::Silent).unwrap();
        let data = Dataset::open(scratch.path(), task).unwrap();
        let mut values = Profile::Smoke.values("satellite", "gaea");
        (values.train, values.val) = (sizes.train, sizes.val);
        values.own.extend([("search_epochs".to_owned(), 2.into()), ("search_batch".to_owned(), 8.into())]);
        Self { data, values, scratch }
    }

    /// The search in the folder `name`, or what killed it.
    fn search(&self, name: &str, progress: &mut dyn Progress) -> std::thread::Result<Found> {
        let identity = Identity {
            task: "satellite".into(),
            method: "gaea".into(),
            seed: 0,
            protocol: "corrected".into(),
            quirks: [].into(),
            mode: Precision::Exact,
            profile: "smoke".into(),
            values: self.values.map(),
            set: BTreeMap::new(),
            arch: None,
            data: "d0".into(),
            code: crate::code_version(),
        };
        let process =
            Process { commit: "c".into(), device: "cpu".into(), simd: "avx2".into(), threads: 2, cudnn: None };
        let mut folder = RunFolder::open(&self.scratch.path().join(name), &identity, &process, false).unwrap();
        let (train, val) = (self.data.train(), self.data.val());
        let fitted = train.items_of(&subset(train.groups(), self.values.train));
        let problem = &Problem::new(&self.data, &train, &fitted);
        let mut stage = SearchStage {
            task: self.data.task(),
            problem,
            values: &self.values,
            seed: 0,
            train,
            fitted,
            val,
            device: Device::Cpu,
            scaled: false,
            set: &|_| false,
            checkpoint_seconds: 0.0,
            folder: &mut folder,
            progress,
        };
        catch_unwind(AssertUnwindSafe(|| Gaea.search(&mut stage).unwrap()))
    }

    fn metrics(&self, name: &str) -> String {
        std::fs::read_to_string(self.scratch.path().join(name).join("metrics.jsonl")).unwrap()
    }
}

/// Dies after so many steps.
struct Mortal(usize);

impl Progress for Mortal {
    fn stage(&mut self, _: &str, _: usize, _: usize) {}
    fn step(&mut self, _: usize, _: usize) {
        self.0 = self.0.checked_sub(1).unwrap_or_else(|| resume_unwind(Box::new("died")));
    }
    fn epoch(&mut self, _: usize, _: Option<(&str, f64)>) {}
    fn note(&mut self, _: &str) {}
}

#[test]
fn a_search_finds_the_same_however_often_it_dies() {
    let toy = Toy::new();
    let whole = toy.search("whole", &mut Mortal(usize::MAX)).unwrap();
    let found = Genotype::from_json(&whole.network["genotype"]).unwrap();
    assert!(found.reduce.is_some() && whole.network["family"] == "cells", "{}", whole.network);
    let form = crate::arch::Form { kind: Kind::Series, input: vec![46, 1], outputs: 24 };
    crate::arch::Arch::new("gaea", "satellite", &form, whole.clone()).unwrap();
    let lines = toy.metrics("whole");
    let lines: Vec<Json> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((lines.len(), lines[1]["epoch"].as_u64()), (2, Some(2)));
    assert!(lines[1]["gap"]["derived"].is_number() && lines[1]["gap"]["random"].is_number(), "{}", lines[1]);
    assert_eq!(lines[1]["architecture"]["genotype"], whole.network["genotype"]);

    let mut deaths = 0;
    let found = loop {
        match toy.search("often", &mut Mortal(3)) {
            Ok(found) => break found,
            Err(_) => deaths += 1,
        }
    };
    assert!(deaths >= 2, "it died {deaths} times");
    assert_eq!((found, toy.metrics("often")), (whole, toy.metrics("whole")));
}

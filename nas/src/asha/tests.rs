//! A whole small search: in any order, and interrupted anywhere, its files are the same bytes.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use kernels::rng::{Key, Purpose};
use tasks::{Dataset, Sizes};

use super::simulate::Leg;
use super::*;
use crate::run::{Progress, Silent};
use crate::toy::Toy;

/// A network of 8 channels, six trials of at most four epochs.
fn toy() -> Toy {
    let mut toy = Toy::new(&Asha, Sizes { train: 32, val: 16, test: 1 }, &[("trials", 6.0), ("width", 0.125)]);
    (toy.values.epochs, toy.scaled) = (4, true);
    toy
}

impl Toy {
    fn found(&self, name: &str) -> Found {
        let mut folder = self.open(name);
        self.with(&mut folder, &mut Silent, 1e9, |stage| Asha.search(stage)).unwrap()
    }

    /// Runs legs one after another, each the one that `pick` takes of those that can be run; says how many.
    fn legs(&self, name: &str, mut pick: impl FnMut(&[Leg]) -> Option<Leg>) -> usize {
        let mut folder = self.open(name);
        self.with(&mut folder, &mut Silent, 0.0, |stage| {
            let search = &Asha::of(stage.values, stage.problem.facts.metric.direction);
            let network = &wrn::described(stage.problem.facts.kind, 0.125, &stage.problem.quirks);
            let batch = stage.values.batch_for(stage.fitted.len(), true, false).size;
            let trainer = Trainer { search, task: self.data.task(), network, batch };
            let mut run = 0;
            loop {
                let trials = trials::read_all(stage.folder, search, stage.seed).unwrap();
                let Next::Run(legs) = search.next(&trials::known(&trials)) else { return run };
                let Some(leg) = pick(&legs) else { return run };
                trainer.run(stage, leg).unwrap();
                run += 1;
            }
        })
    }

    /// Every file of the trials.
    fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.scratch.path().join(name).join("trials");
        let list = |path: &Path| -> Vec<_> { std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect() };
        let files = list(&root).into_iter().flat_map(|trial| list(&trial));
        files.map(|f| (f.strip_prefix(&root).unwrap().display().to_string(), std::fs::read(&f).unwrap())).collect()
    }
}

/// Dies in the `left`-th thing that it is told.
struct Mortal {
    left: u64,
}

impl Mortal {
    fn live(&mut self) {
        self.left = self.left.checked_sub(1).unwrap_or_else(|| std::panic::resume_unwind(Box::new("died")));
    }
}

impl Progress for Mortal {
    fn stage(&mut self, _: &str, _: usize, _: usize) {
        self.live();
    }
    fn step(&mut self, _: usize, _: usize) {
        self.live();
    }
    fn epoch(&mut self, _: usize, _: Option<(&str, f64)>) {
        self.live();
    }
    fn note(&mut self, _: &str) {
        self.live();
    }
}

#[test]
fn a_search_is_its_trials_files_in_any_order_and_however_often_it_dies() {
    let toy = toy();
    let whole = toy.found("whole");
    let files = toy.files("whole");
    assert_eq!(files.len(), 12);
    let facts = whole.search.clone().unwrap();
    let best = facts["best"].as_u64().unwrap() as usize;
    assert_eq!((facts["trials"].as_u64(), facts["ran_away"].as_u64()), (Some(6), Some(0)));
    // Six first epochs, and at least one of six goes on to the fourth.
    assert!(facts["trained_epochs"].as_u64().unwrap() >= 9, "{facts}");
    let drawn = space::draw(0, best).hyperparameters;
    let Values { lr, momentum, dropout, weight_decay, .. } = drawn.values(&toy.values);
    let found = |key: &str| whole.hyperparameters[key];
    assert_eq!([found("lr"), found("momentum")], [lr, momentum]);
    assert_eq!([found("dropout"), found("weight_decay")], [dropout, weight_decay]);
    assert!(
        whole.rule.starts_with(&format!("trial {best} of 6: the best 0-1 error on validation data, at ")),
        "{}",
        whole.rule
    );
    assert_eq!(whole.network["family"], "resnet1d");
    // A search that is over is read again, not run again.
    assert_eq!((toy.found("whole"), toy.files("whole")), (whole.clone(), files.clone()));

    let mut stream = Key::new(0, Purpose::Test).stream(0);
    let mut deaths = 0;
    for name in ["often", "seldom"] {
        let found = loop {
            let mut folder = toy.open(name);
            // It dies later and later, so that it comes to its end.
            let mut mortal = Mortal { left: stream.below(2 + 8 * deaths) };
            let every = if stream.below(2) == 0 { 0.0 } else { 1e9 };
            let act = || toy.with(&mut folder, &mut mortal, every, |stage| Asha.search(stage));
            match catch_unwind(AssertUnwindSafe(act)) {
                Ok(found) => break found.unwrap(),
                Err(_) => deaths += 1,
            }
        };
        assert_eq!((found, toy.files(name)), (whole.clone(), files.clone()), "{name}");
    }
    assert!(deaths > 8, "only {deaths} deaths");

    // As other processes would: any of the legs that can be run, the last of them first.
    let run = toy.legs("backwards", |legs| legs.last().copied());
    assert!(run > 6, "{run} legs");
    assert_eq!((toy.found("backwards"), toy.files("backwards")), (whole, files));
}

#[test]
fn trials_that_run_away_are_the_worst_and_stop_no_search() {
    let mut toy = toy();
    // The first number of the first training series becomes NaN, where it is mapped from.
    let path = toy.scratch.path().join("satellite/train.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let begin = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..begin]).unwrap();
    let x = header.as_object().unwrap().values().find(|t| t["dtype"] == "F32").unwrap();
    let at = begin + x["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    toy.data = Dataset::open(toy.scratch.path(), toy.data.task()).unwrap();

    let found = toy.found("run");
    assert_eq!(found.rule, "no trial of 6 has a metric: trial 0 is taken");
    let facts = found.search.clone().unwrap();
    assert_eq!((facts["ran_away"].as_u64(), facts["trained_epochs"].as_u64()), (Some(6), Some(0)));
    assert_eq!(facts["metric"], "NaN");
    // Of four equals the first is promoted, and has nothing to go on with.
    let promoted = Trial::parse(&toy.files("run")["0/trial.json"]).unwrap();
    let epochs: Vec<usize> = promoted.rungs.iter().map(|r| r.epochs).collect();
    assert_eq!((epochs, promoted.ran_away()), (vec![1, 4], true));
    assert_eq!(toy.found("again"), found);
    assert_eq!(toy.files("again"), toy.files("run"));
}

#[test]
fn damage_is_found_before_it_is_used() {
    let toy = toy();
    let (trial, path) = (crate::trials::file(0), toy.scratch.path().join("run"));
    let refused = |toy: &Toy| {
        let mut folder = toy.open("run");
        toy.with(&mut folder, &mut Silent, 0.0, |stage| Asha.search(stage)).unwrap_err().to_string()
    };
    let first = |legs: &[Leg]| legs.iter().copied().find(|l| l.trial == 0 && l.rung == 0);
    assert_eq!(toy.legs("run", first), 1);
    let good = std::fs::read(path.join(&trial)).unwrap();

    std::fs::write(path.join(&trial), &good[..good.len() / 2]).unwrap();
    let text = refused(&toy);
    assert!(
        text.contains("trials/0/trial.json: it is no JSON (") && text.contains("remove the trial's folder"),
        "{text}"
    );
    let foreign = Trial { id: 0, hyperparameters: space::draw(1, 0).hyperparameters, rungs: Vec::new() };
    std::fs::write(path.join(&trial), foreign.to_bytes()).unwrap();
    assert!(refused(&toy).contains("not those that the seed draws"));
    // Its checkpoint went on without it.
    std::fs::write(path.join(&trial), &good).unwrap();
    let mut once = Some(Leg { trial: 0, rung: 1, from: 1, to: 4 });
    assert_eq!(toy.legs("run", |_| once.take()), 1);
    std::fs::remove_file(path.join(&trial)).unwrap();
    let text = refused(&toy);
    assert!(text.contains("it is past epoch 1, for which trial.json has no metric yet"), "{text}");
    std::fs::remove_dir_all(path.join("trials/0")).unwrap();
    assert_eq!(toy.found("run"), toy.found("whole"));
    assert_eq!(toy.files("run"), toy.files("whole"));
}

//! A few steps of a cell, by the code that runs cells: on a small stand-in of the published shapes, in a scratch folder.

use super::timer::Timer;
use anyhow::Context;
use kernels::Device;
use kernels::cuda::{self, driver};
use nas::cell::{self, Cell};
use nas::course::{Amounts, SIBLING, short};
use nas::method::Method;
use nas::profile::{Overrides, Profile, Values};
use nas::run::{ARCH, Facts, Identity, RunFolder, folder};
use nas::{arch, methods};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tasks::{Dataset, Quirks, Sizes, Task};

/// Multiply-adds of a timed step's forward, about: a tenth of a second.
const WORK: f64 = 2e9;
/// Whole steps of an epoch: one to warm up, two that are timed.
const STEPS: usize = 3;
/// At most, where they are short; where a single item takes long, one is timed.
const MOST: usize = 9;
/// A supernet of so many operations takes about so many times longer than a network of one.
const LONGER: usize = 4;
/// Groups that tell how many items one has.
const FEW: usize = 4;
/// Validation items, about: a search judges by two at least.
const JUDGED: usize = 4;

/// What a cell's steps took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds an item of each leg of [`Method::course`]; none where the run had no such steps.
    pub seconds: Vec<Option<f64>>,
    /// Multiply-adds of the final network.
    pub multiply_adds: u64,
    /// Items of a training group (an ecg record has several, most tasks' have one).
    pub train: f64,
    /// Likewise of validation.
    pub val: f64,
}

/// Where and how cells are measured.
pub struct Probe<'a> {
    /// How much of the protocol.
    pub profile: Profile,
    /// The words of `--set`.
    pub set: &'a [String],
    /// Where to compute.
    pub device: Device,
    /// Scratch: data and runs.
    pub scratch: &'a Path,
}

impl Probe<'_> {
    /// Runs a few steps of a cell.
    ///
    /// # Errors
    /// If the cell fails, or there is no room.
    pub fn measure(
        &self,
        task: &'static dyn Task,
        method: &'static dyn Method,
        values: &Values,
    ) -> anyhow::Result<Measured> {
        let facts = task.facts();
        let few = self.data(task, Sizes { train: FEW, val: JUDGED, test: 1 })?;
        let per_group = few.train().len() as f64 / few.train().groups() as f64;
        let (batch, steps) = self.batch(facts, method, values)?;
        let parts = method.parts();
        let search = if parts == 1 { batch } else { (batch / parts / LONGER).max(1) };
        let groups = |items: usize| (items as f64 / per_group).ceil() as usize;
        let train = groups(steps * search * parts);
        // A final training fits validation data, too. Its batch stays near the one that was chosen: memory grows with it.
        let val = groups(steps * batch).saturating_sub(train).max(groups(JUDGED));
        let data = self.data(task, Sizes { train, val, test: 1 })?;
        let last =
            batch.max((data.train().len() + data.val().len()) / steps).min(values.batch.min(2 * batch).max(batch));
        let mut words = self.set.to_vec();
        words.extend(short(values, search, batch).into_iter().map(|(key, n)| format!("{key}={n}")));
        words.extend([("train", train), ("val", val), ("test", 1), ("batch", last)].map(|(k, n)| format!("{k}={n}")));
        // So few steps teach nothing, but at a high rate they can run away.
        words.extend(["lr=1e-6".to_owned()]);
        words.extend(values.own.contains_key("search_lr").then(|| "search_lr=1e-6".to_owned()));
        let set = Overrides::parse(&words).map_err(anyhow::Error::msg)?;
        let values = &values.with(&set);
        let amounts = Amounts { train: data.train().len(), val: data.val().len(), scaled: false };

        let (mut timer, seed) = (Timer::default(), 0);
        let run = self.folder(&data, facts.name, method.name(), values);
        let (path, identity) = (folder(&self.scratch.join("runs"), &run), run);
        let here = Facts { commit: String::new(), device: String::new(), simd: String::new(), threads: 0, cudnn: None };
        let mut place = RunFolder::open(&path, &identity, &here, true)?;
        let (profile, device, data) = (self.profile, self.device, &data);
        let cell =
            Cell { method, data, seed, profile, values, set: &set, arch: None, device, checkpoint_seconds: f64::MAX };
        driver::guard(|| cell::run(&cell, &mut place, &mut timer))??;

        let found = arch::Arch::read(&path.join(ARCH))?;
        let legs = method.course(facts, values, amounts);
        let seconds = legs.iter().map(|leg| Some(timer.mean(leg.shown)? / leg.step.max(1) as f64)).collect();
        let val = data.val();
        let val = val.len() as f64 / val.groups() as f64;
        Ok(Measured { seconds, multiply_adds: found.multiply_adds, train: per_group, val })
    }

    /// Generated data of these sizes, made once.
    fn data(&self, task: &'static dyn Task, sizes: Sizes) -> anyhow::Result<Dataset> {
        let dir: PathBuf = self.scratch.join(format!("data-{}-{}", sizes.train, sizes.val));
        if !dir.join(task.facts().name).exists() {
            std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
            task.generate(sizes, 0, &dir, &tasks::Silent)?;
        }
        Ok(Dataset::open_with(&dir, task, Quirks::default())?)
    }

    /// A power of two of items whose step takes a fraction of a second, at most the batch that is asked for, and steps. Where the network
    /// is known only after a search, the task's default network stands for it.
    fn batch(
        &self,
        facts: &'static tasks::Facts,
        method: &dyn Method,
        values: &Values,
    ) -> anyhow::Result<(usize, usize)> {
        let wrn = methods::by_name("wrn").context("wrn is not built")?;
        let theirs = self.profile.values(facts.name, "wrn");
        let known = method.fixed(facts, values).or_else(|| wrn.fixed(facts, &theirs)).context("wrn is not fixed")?;
        let one = arch::count(&known.network, &arch::Form::of(facts))?.multiply_adds;
        let most = ((WORK / one.max(1) as f64) as usize).max(1);
        let asked = values.batch_for(values.train + values.val, self.profile != Profile::Paper, false).size;
        let batch = (1 << most.min(asked).ilog2()).max(method.least_batch()).max(2);
        let share = WORK / (batch as f64 * one.max(1) as f64);
        let fewest = if share < 0.5 { STEPS - 1 } else { STEPS };
        Ok((batch, ((STEPS as f64 * share) as usize).clamp(fewest, MOST)))
    }

    fn folder(&self, data: &Dataset, task: &str, method: &str, values: &Values) -> Identity {
        Identity {
            task: task.to_owned(),
            method: method.to_owned(),
            seed: 0,
            protocol: nas::protocol::CORRECTED.to_owned(),
            quirks: Default::default(),
            mode: cuda::mode(),
            profile: self.profile.name().to_owned(),
            values: values.map(),
            set: Default::default(),
            arch: None,
            data: data.hash().to_owned(),
            code: nas::code_version(),
        }
    }
}

impl Measured {
    /// Hours of one run of these values.
    ///
    /// # Errors
    /// The name of a leg that was not measured.
    pub fn hours(
        &self,
        method: &dyn Method,
        facts: &tasks::Facts,
        values: &Values,
        scaled: bool,
        sibling: bool,
    ) -> Result<f64, &'static str> {
        let items = |groups: usize, per: f64| (groups as f64 * per).round() as usize;
        let amounts = Amounts { train: items(values.train, self.train), val: items(values.val, self.val), scaled };
        let legs = method.course(facts, values, amounts);
        let mut seconds = 0.0;
        for (i, leg) in legs.iter().enumerate().filter(|(_, leg)| leg.passes > 0.0) {
            if leg.what == SIBLING && sibling {
                continue;
            }
            // Steps that are another method's are those of its final training, but where it is that method's search.
            let own = method.steps_of() == method.name() || leg.what == SIBLING;
            let at = if own { i } else { self.seconds.len() - 1 };
            let one = self.seconds.get(at).copied().flatten().ok_or(leg.what)?;
            let larger = leg.multiply_adds.map_or(1.0, |mean| mean / self.multiply_adds.max(1) as f64);
            seconds += leg.passes * one * larger;
        }
        Ok(seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_passes_times_seconds() {
        let asha = methods::by_name("wrn-asha").unwrap();
        let facts = tasks::by_name("satellite").unwrap().facts();
        let mut values = Profile::Smoke.values("satellite", "wrn-asha");
        (values.train, values.val, values.epochs) = (900, 100, 1);
        let mut measured = Measured { seconds: vec![Some(3.6)], multiply_adds: 7, train: 2.0, val: 1.0 };
        // Four trials of one epoch over 1,800 items, and a training over 1,900.
        let hours = measured.hours(asha, facts, &values, true, false).unwrap();
        assert!((hours - 9.1).abs() < 1e-12, "{hours}");
        measured.seconds = vec![None];
        assert_eq!(measured.hours(asha, facts, &values, true, false), Err("trials"));
        // A sibling's search is spared where there is one.
        let random = methods::by_name("densenas-random").unwrap();
        let values = Profile::Smoke.values("satellite", "densenas-random");
        measured.seconds = vec![None, Some(1.0), Some(1.0)];
        assert_eq!(measured.hours(random, facts, &values, true, false), Err(SIBLING));
        let spared = measured.hours(random, facts, &values, true, true).unwrap();
        measured.seconds[0] = Some(1.0);
        assert!(spared > 0.0 && measured.hours(random, facts, &values, true, false).unwrap() > spared);
    }

    #[test]
    fn every_method_has_steps_of_every_leg() {
        let scratch = tempfile::tempdir().unwrap();
        let set: Vec<String> = ["width=0.0625", "search_channels=4", "search_layers=3", "channels=4", "layers=3"]
            .map(str::to_owned)
            .into();
        for (task, method) in [("satellite", "densenas"), ("satellite", "amber"), ("satellite", "gaea")] {
            let (task, method) = (tasks::by_name(task).unwrap(), methods::by_name(method).unwrap());
            let probe = Probe { profile: Profile::Smoke, set: &set, device: Device::Cpu, scratch: scratch.path() };
            let all = Overrides::parse(&set).unwrap();
            let values = Profile::Smoke.values("satellite", method.name()).with(&all);
            let measured = probe.measure(task, method, &values).unwrap();
            let there: Vec<bool> = measured.seconds.iter().map(Option::is_some).collect();
            let legs = if method.name() == "gaea" { 2 } else { 3 };
            assert_eq!(there, vec![true; legs], "{}", method.name());
            assert!(measured.seconds.iter().flatten().all(|s| *s > 0.0));
        }
    }
}

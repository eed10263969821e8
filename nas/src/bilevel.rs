//! The search loop that methods with a supernet share: two parts of the training data, one for the weights, one for the
//! architecture; a state machine over its checkpoint, as final training is.
//!
//! The state is (epoch, step, sums of the epoch) and what the supernet saves; data order, augmentation and draws are functions
//! of (seed, epoch, step).

use kernels::rng::{Key, Purpose, Stream};
use kernels::{Device, Tensor, math};
use nn::{Checkpoint, Kind, ParamId, Params};
use serde_json::{Value as Json, json};

use crate::Error;
use crate::method::SearchStage;
use crate::run::{Clock, Place, RunError, interrupt, number};

/// What is particular to a step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The step within the epoch, from 0.
    pub step: usize,
    /// Steps an epoch.
    pub steps: usize,
    /// (seed, [`Purpose::Search`], epoch, step): what the step draws.
    pub key: Key,
    /// Inputs, as the network reads them, and targets for the weights.
    pub weights: (&'a Tensor, &'a Tensor),
    /// Likewise for the architecture, of the held-out part.
    pub arch: (&'a Tensor, &'a Tensor),
}

/// An architecture within the supernet.
#[derive(Debug)]
pub enum Subnet<'a> {
    /// The one that would be derived now.
    Derived,
    /// One drawn uniformly from the space.
    Random(&'a mut Stream),
}

/// What is searched: shared weights and an architecture over them.
pub trait Supernet {
    /// Moves architecture and weights, in the method's order; gives the weights' loss.
    ///
    /// # Errors
    /// What an op refuses.
    fn step(&mut self, step: &Step<'_>) -> Result<f32, Error>;

    /// Why the step's loss is not finite: layer and op.
    fn origin(&mut self, step: &Step<'_>) -> String;

    /// The learning rate of the weights in a step.
    fn rate(&self, epoch: usize, step: usize, steps: usize) -> f64;

    /// What the epoch's line says of the architecture: its weights, entropy, skip counts, what would be derived now.
    fn log(&self) -> Json;

    /// What the user should know of it now: a collapse.
    fn warning(&self) -> Option<String>;

    /// Loss of one architecture with the shared weights on a batch, with batch statistics; nothing moves.
    ///
    /// # Errors
    /// What an op refuses.
    fn subnet_loss(&mut self, which: Subnet<'_>, x: &Tensor, y: &Tensor) -> Result<f64, Error>;

    /// The network that the architecture stands for.
    fn derive(&self) -> Json;

    /// Puts everything that a search goes on from.
    fn save(&self, checkpoint: &mut Checkpoint);

    /// Takes it back.
    ///
    /// # Errors
    /// If the checkpoint is of another search.
    fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error>;
}

/// Running statistics, which move with every forward on batch statistics: in this machine's memory, for on a card they are
/// renewed in place.
pub fn running(params: &Params) -> Vec<(ParamId, Tensor)> {
    let all = params.entries().iter().enumerate().filter(|(_, e)| e.kind() == Kind::Buffer);
    all.map(|(i, e)| (ParamId(i), e.value().to(Device::Cpu))).collect()
}

/// Puts them back.
pub fn put_back(params: &mut Params, running: Vec<(ParamId, Tensor)>) {
    let device = params.device();
    running.into_iter().for_each(|(id, value)| params.set(id, value.to(device)));
}

/// The entropy of a distribution, in nats: `- sum p ln p`, from the first on; a part of 0 adds nothing.
pub fn entropy(p: &[f64]) -> f64 {
    p.iter().fold(0.0, |h, &p| if p > 0.0 { h - p * math::ln(p) } else { h })
}

/// How a search goes over the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Epochs.
    pub epochs: usize,
    /// The items are cut into this many parts, all but the last for the weights, the last for the architecture.
    pub parts: usize,
    /// Items of the architecture's batch; the weights' is `parts - 1` times that.
    pub batch: usize,
    /// Whether the items are shuffled, by the seed, before they are cut.
    pub shuffled: bool,
}

/// How many random architectures the gap is measured against.
const RIVALS: u64 = 4;

/// The two parts: items for the weights, items for the architecture. Of a single item both parts have it.
fn cut(items: &[u32], spec: Spec, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let mut items = items.to_vec();
    if spec.shuffled {
        Key::new(seed, Purpose::Search).stream(0).shuffle(&mut items);
    }
    let held = (items.len() / spec.parts).max(1);
    let arch = items[items.len() - held..].to_vec();
    items.truncate((items.len() - held).max(1));
    (items, arch)
}

struct Search<'s, 'a> {
    stage: &'s mut SearchStage<'a>,
    /// Where it saves, if not in the run itself.
    part: Option<&'s str>,
    spec: Spec,
    weights: Vec<u32>,
    arch: Vec<u32>,
    epoch: usize,
    step: usize,
    /// Sum of the weights' losses, each times its items, and items.
    loss: f64,
    items: u64,
}

/// Runs a search to its end, from the folder's checkpoint if there is one, and saves it.
///
/// # Errors
/// If the folder fails, the loss runs away, or a stop was requested (everything is saved then).
pub fn search(stage: &mut SearchStage<'_>, supernet: &mut dyn Supernet, spec: Spec) -> Result<(), Error> {
    search_in(stage, supernet, spec, None)
}

/// The same with its checkpoint in a part of the run's folder, which keeps no metrics.
///
/// # Errors
/// Likewise.
pub fn search_in(
    stage: &mut SearchStage<'_>,
    supernet: &mut dyn Supernet,
    spec: Spec,
    part: Option<&str>,
) -> Result<(), Error> {
    let (weights, arch) = cut(&stage.fitted, spec, stage.seed);
    let mut search = Search { stage, part, spec, weights, arch, epoch: 0, step: 0, loss: 0.0, items: 0 };
    search.resume(supernet)?;
    search.run(supernet)
}

impl Search<'_, '_> {
    fn place(&mut self) -> Place<'_> {
        match self.part {
            Some(part) => self.stage.folder.part(part),
            None => self.stage.folder.root(),
        }
    }

    fn run(&mut self, supernet: &mut dyn Supernet) -> Result<(), Error> {
        let Spec { epochs, parts, batch, .. } = self.spec;
        let size = batch * (parts - 1);
        let steps = self.weights.len().div_ceil(size);
        self.stage.progress.stage("search", self.epoch, epochs);
        let (mut weights, mut arch) = (Vec::new(), Vec::new());
        let mut saved = Clock::start();
        while self.epoch < epochs {
            self.order(&mut weights, &mut arch);
            while self.step < steps {
                let first = &weights[self.step * size..weights.len().min((self.step + 1) * size)];
                // The held-out part may be a little smaller: it begins again.
                let second: Vec<u32> =
                    (0..batch.min(arch.len())).map(|i| arch[(self.step * batch + i) % arch.len()]).collect();
                self.one(supernet, first, &second, steps)?;
                self.step += 1;
                self.stage.progress.step(self.step, steps);
                if interrupt::requested() {
                    self.save(supernet)?;
                    return Err(Error::Interrupted { epoch: self.epoch + 1, steps: self.step });
                }
                if self.step < steps && saved.seconds() >= self.stage.checkpoint_seconds {
                    self.save(supernet)?;
                    saved = Clock::start();
                }
            }
            self.end_epoch(supernet, steps)?;
            if self.epoch == epochs || saved.seconds() >= self.stage.checkpoint_seconds {
                self.save(supernet)?;
                saved = Clock::start();
            }
        }
        Ok(())
    }

    /// The epoch's order of both parts, a function of (seed, epoch).
    fn order(&self, weights: &mut Vec<u32>, arch: &mut Vec<u32>) {
        let key = Key::new(self.stage.seed, Purpose::Shuffle).at(self.epoch as u64, 0);
        for (stream, from, to) in [(1, &self.weights, weights), (2, &self.arch, arch)] {
            to.clone_from(from);
            key.stream(stream).shuffle(to);
        }
    }

    fn one(&mut self, supernet: &mut dyn Supernet, first: &[u32], second: &[u32], steps: usize) -> Result<(), Error> {
        let stage = &mut *self.stage;
        let (epoch, step) = (self.epoch, self.step);
        let augment = Key::new(stage.seed, Purpose::Augment).at(epoch as u64, 0);
        let batch = |items: &[u32]| {
            let (x, y) = stage.train.training_batch(items, augment);
            (stage.problem.read(&x), y)
        };
        let ((wx, wy), (ax, ay)) = (batch(first), batch(second));
        let key = Key::new(stage.seed, Purpose::Search).at(epoch as u64, step as u64);
        let now = Step { epoch, epochs: self.spec.epochs, step, steps, key, weights: (&wx, &wy), arch: (&ax, &ay) };
        let value = supernet.step(&now)?;
        if !value.is_finite() {
            let (origin, rate) = (supernet.origin(&now), supernet.rate(epoch, step, steps));
            return Err(Error::NotFinite { value, origin, epoch: epoch + 1, step: step + 1, rate });
        }
        let items = if stage.problem.facts.loss.is_sum() { 1.0 } else { first.len() as f64 };
        self.loss += f64::from(value) * items;
        self.items += first.len() as u64;
        Ok(())
    }

    /// The epoch's line: loss, architecture, and how far the derived architecture is from random ones within the supernet.
    fn end_epoch(&mut self, supernet: &mut dyn Supernet, steps: usize) -> Result<(), Error> {
        let loss = self.loss / self.items as f64;
        let mut line = json!({
            "stage": "search",
            "epoch": self.epoch + 1,
            "lr": supernet.rate(self.epoch, steps - 1, steps),
            "train_loss": number(loss),
            "architecture": supernet.log(),
        });
        if let Some(gap) = self.gap(supernet)? {
            line["gap"] = gap;
        }
        self.epoch += 1;
        (self.step, self.loss, self.items) = (0, 0.0, 0);
        self.place().append_metrics(&line)?;
        self.stage.progress.epoch(self.epoch, Some(("search loss", loss)));
        if let Some(warning) = supernet.warning() {
            self.stage.progress.note(&format!("search epoch {}: {warning}", self.epoch));
        }
        Ok(())
    }

    /// Losses on one fixed batch of validation data: of the derived architecture, and the mean of random ones.
    fn gap(&self, supernet: &mut dyn Supernet) -> Result<Option<Json>, Error> {
        let stage = &*self.stage;
        let groups = crate::train::subset(stage.val.groups(), stage.values.val);
        let mut items = stage.val.items_of(&groups);
        items.truncate(self.spec.batch.max(2));
        if items.len() < 2 {
            return Ok(None);
        }
        let (x, y) = stage.val.batch(&items);
        let x = stage.problem.read(&x);
        let derived = supernet.subnet_loss(Subnet::Derived, &x, &y)?;
        let key = Key::new(stage.seed, Purpose::Search).at(self.epoch as u64, u64::MAX);
        let mut random = 0.0;
        for i in 0..RIVALS {
            random += supernet.subnet_loss(Subnet::Random(&mut key.stream(i)), &x, &y)?;
        }
        let random = random / RIVALS as f64;
        Ok(Some(json!({"derived": number(derived), "random": number(random), "random_architectures": RIVALS})))
    }

    fn save(&mut self, supernet: &dyn Supernet) -> Result<(), Error> {
        let mut checkpoint = Checkpoint::new(json!({
            "stage": "search",
            "epoch": self.epoch,
            "step": self.step,
            "loss": format!("{:016x}", self.loss.to_bits()),
            "total": self.items,
            "metrics": self.place().metrics_len(),
        }));
        supernet.save(&mut checkpoint);
        Ok(self.place().save(&checkpoint.to_bytes())?)
    }

    /// Goes back to the folder's checkpoint, if there is one.
    fn resume(&mut self, supernet: &mut dyn Supernet) -> Result<(), Error> {
        let place = self.place();
        let (path, bytes) = (place.path(), place.checkpoint()?);
        let Some(bytes) = bytes else { return Ok(()) };
        let damaged = |what: &str| RunError::Damaged {
            path: path.clone(),
            what: what.to_owned(),
            fix: "move the run aside with --fresh to begin it anew",
        };
        let checkpoint = Checkpoint::from_bytes(&bytes).map_err(|e| damaged(&e.to_string()))?;
        let meta = &checkpoint.meta;
        let whole = |key: &str| meta[key].as_u64().ok_or_else(|| damaged(&format!("its metadata lack '{key}'")));
        if meta["stage"] != "search" {
            return Err(damaged("it is of the final training, but arch.json is not there").into());
        }
        let loss = meta["loss"].as_str().and_then(|s| u64::from_str_radix(s, 16).ok());
        self.loss = f64::from_bits(loss.ok_or_else(|| damaged("its metadata lack 'loss'"))?);
        (self.epoch, self.step, self.items) = (whole("epoch")? as usize, whole("step")? as usize, whole("total")?);
        let metrics = whole("metrics")?;
        supernet.load(&checkpoint)?;
        Ok(self.place().truncate_metrics(metrics)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_a_function_of_seed_and_items() {
        let items: Vec<u32> = (0..103).collect();
        let spec = |parts, shuffled| Spec { epochs: 1, parts, batch: 4, shuffled };
        let (weights, arch) = cut(&items, spec(2, false), 0);
        assert_eq!((weights.len(), arch.len(), weights[0], arch[0]), (52, 51, 0, 52));
        let (mut weights, arch) = cut(&items, spec(5, true), 1);
        assert_eq!((weights.len(), arch.len()), (83, 20));
        assert_ne!(weights, cut(&items, spec(5, true), 2).0);
        weights.extend(arch);
        assert_ne!(weights, items);
        weights.sort_unstable();
        assert_eq!(weights, items);
        assert_eq!(cut(&[7], spec(2, true), 0), (vec![7], vec![7]));
    }
}

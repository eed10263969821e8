//! The training loop that every method's final stage shares: a state machine over its checkpoint.
//!
//! The state is (epoch, step, sums of the epoch, parameters, momentum); data order, augmentation and dropout are functions of
//! (seed, epoch, step), so nothing else need be saved, and going on from a checkpoint gives the bits of never having
//! stopped. Checkpoints are timed by a clock, which changes no bit.

use autograd::Tape;
use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use nn::schedule::Schedule;
use nn::{Checkpoint, Loss, Mode, Network, Params, Pass, Sgd};
use serde_json::{Value, json};
use tasks::metrics::Top1;
use tasks::{Sizes, Split};

use crate::Error;
use crate::method::Problem;
use crate::profile::Values;
use crate::run::{Clock, Progress, RunError, RunFolder, interrupt};

/// The first `most` of a fixed permutation of 0..len, ascending; all of them where there are no more.
///
/// A function of the two sizes alone: every seed and every method of a profile uses the same items.
pub fn subset(len: usize, most: usize) -> Vec<u32> {
    if most >= len {
        return (0..len as u32).collect();
    }
    let mut items = Key::new(0, Purpose::Subset).stream(0).permutation(len);
    items.truncate(most);
    items.sort_unstable();
    items
}

/// What final training fits: the profile's share of training and of validation items, numbered as in `Dataset::fit`.
pub fn fitted_items(sizes: Sizes, values: &Values) -> Vec<u32> {
    let mut items = subset(sizes.train, values.train);
    items.extend(subset(sizes.val, values.val).iter().map(|i| sizes.train as u32 + i));
    items
}

/// How an epoch went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Mean loss over the epoch's items, while they were being fitted.
    pub loss: f64,
    /// Fraction of them that was wrong then.
    pub error: f64,
}

/// Sums over the epoch in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    loss: f64,
    top1: Top1,
}

impl Sums {
    fn summary(&self) -> Summary {
        Summary { loss: self.loss / self.top1.total as f64, error: self.top1.error() }
    }
}

/// A final training.
pub struct Training<'a> {
    problem: &'a Problem,
    values: &'a Values,
    batch: usize,
    seed: u64,
    schedule: Schedule,
    optimiser: Sgd,
    /// The network's numbers.
    pub params: Params,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
    epoch: usize,
    step: usize,
    sums: Sums,
    last: Summary,
}

impl<'a> Training<'a> {
    /// The benchmark's recipe (SGD, Nesterov's momentum, steps of 0.2) on fresh parameters.
    ///
    /// # Errors
    /// If the recipe's numbers make no sense.
    pub fn new(
        problem: &'a Problem,
        values: &'a Values,
        batch: usize,
        seed: u64,
        params: Params,
    ) -> Result<Self, Error> {
        let rule = Rule {
            momentum: values.momentum as f32,
            nesterov: values.momentum > 0.0,
            weight_decay: values.weight_decay as f32,
        };
        Ok(Self {
            problem,
            values,
            batch,
            seed,
            schedule: Schedule::BenchmarkSteps { epochs: values.epochs },
            optimiser: Sgd::new(rule)?,
            params,
            checkpoint_seconds: 10.0,
            epoch: 0,
            step: 0,
            sums: Sums::default(),
            last: Summary::default(),
        })
    }

    /// Trains to the last epoch, from the folder's checkpoint if there is one; gives the last epoch's summary.
    ///
    /// # Errors
    /// If the folder fails, the loss runs away, or a stop was requested (everything is saved then).
    pub fn run(
        &mut self,
        network: &dyn Network,
        data: &Split,
        items: &[u32],
        folder: &mut RunFolder,
        progress: &mut dyn Progress,
    ) -> Result<Summary, Error> {
        self.resume(folder)?;
        let epochs = self.values.epochs;
        let steps = items.len().div_ceil(self.batch);
        progress.stage("train", self.epoch, epochs);
        let mut tape = Tape::new();
        let mut order = Vec::with_capacity(items.len());
        let mut saved = Clock::start();
        while self.epoch < epochs {
            self.order(items, &mut order);
            while self.step < steps {
                let batch = &order[self.step * self.batch..items.len().min((self.step + 1) * self.batch)];
                self.fit(network, &mut tape, data, batch)?;
                self.step += 1;
                progress.step(self.step, steps);
                if interrupt::requested() {
                    self.save(folder)?;
                    return Err(Error::Interrupted { epoch: self.epoch + 1, steps: self.step });
                }
                if self.step < steps && saved.seconds() >= self.checkpoint_seconds {
                    self.save(folder)?;
                    saved = Clock::start();
                }
            }
            self.last = self.sums.summary();
            self.epoch += 1;
            (self.step, self.sums) = (0, Sums::default());
            folder.append_metrics(&self.line())?;
            progress.epoch(self.epoch, Some(("train error", self.last.error)));
            if self.epoch == epochs || saved.seconds() >= self.checkpoint_seconds {
                self.save(folder)?;
                saved = Clock::start();
            }
        }
        Ok(self.last)
    }

    fn rate(&self, epoch: usize) -> f64 {
        self.schedule.rate(self.values.lr, epoch)
    }

    /// The epoch's order of the items, a function of (seed, epoch).
    fn order(&self, items: &[u32], order: &mut Vec<u32>) {
        order.clear();
        order.extend_from_slice(items);
        Key::new(self.seed, Purpose::Shuffle).at(self.epoch as u64, 0).stream(0).shuffle(order);
    }

    /// One step.
    fn fit(&mut self, network: &dyn Network, tape: &mut Tape, data: &Split, batch: &[u32]) -> Result<(), Error> {
        let (epoch, step) = (self.epoch as u64, self.step as u64);
        let (x, y) = data.training_batch(batch, Key::new(self.seed, Purpose::Augment).at(epoch, 0));
        let dropout = Key::new(self.seed, Purpose::Dropout).at(epoch, step);
        let mut pass = Pass::new(tape, &mut self.params, Mode::Train(dropout));
        let logits = network.forward(&mut pass, &x.into())?;
        let loss = loss_of(self.problem.facts.loss).of(&mut pass, &logits, &y)?;
        let value = loss.value().item();
        let rate = self.schedule.rate(self.values.lr, self.epoch);
        if !value.is_finite() {
            return Err(Error::NotFinite { value, epoch: self.epoch + 1, step: self.step + 1, rate });
        }
        self.sums.loss += f64::from(value) * batch.len() as f64;
        self.sums.top1.add(logits.value().data(), y.ints());
        pass.backward(&loss)?;
        self.optimiser.step(&mut self.params, rate);
        Ok(())
    }

    /// The epoch's line of metrics.
    fn line(&self) -> Value {
        json!({
            "stage": "final",
            "epoch": self.epoch,
            "lr": self.rate(self.epoch - 1),
            "train_loss": self.last.loss,
            "train_error": self.last.error,
        })
    }

    fn save(&self, folder: &mut RunFolder) -> Result<(), Error> {
        let bits = |x: f64| format!("{:016x}", x.to_bits());
        let mut checkpoint = Checkpoint::new(json!({
            "stage": "final",
            "epoch": self.epoch,
            "step": self.step,
            "loss": bits(self.sums.loss),
            "wrong": self.sums.top1.wrong,
            "total": self.sums.top1.total,
            "last_loss": bits(self.last.loss),
            "last_error": bits(self.last.error),
            "metrics": folder.metrics_len(),
        }));
        checkpoint.put_params(&self.params);
        self.optimiser.save(&self.params, &mut checkpoint);
        Ok(folder.save_checkpoint(&checkpoint.to_bytes())?)
    }

    /// Goes back to the folder's checkpoint, if there is one.
    fn resume(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        let Some(file) = folder.resume()? else { return Ok(()) };
        let damaged = |what: &str| RunError::Damaged {
            path: folder.path().join(crate::run::CHECKPOINT),
            what: what.to_owned(),
            fix: "move the run aside with --fresh to begin it anew",
        };
        let checkpoint = Checkpoint::from_bytes(&file.bytes).map_err(|e| damaged(&e.to_string()))?;
        let meta = &checkpoint.meta;
        let whole = |key: &str| meta[key].as_u64().ok_or_else(|| damaged(&format!("its metadata lack '{key}'")));
        let real = |key: &str| {
            let text = meta[key].as_str().and_then(|s| u64::from_str_radix(s, 16).ok());
            text.map(f64::from_bits).ok_or_else(|| damaged(&format!("its metadata lack '{key}'")))
        };
        checkpoint.load_params(&mut self.params)?;
        self.optimiser.load(&self.params, &checkpoint)?;
        (self.epoch, self.step) = (whole("epoch")? as usize, whole("step")? as usize);
        self.sums = Sums { loss: real("loss")?, top1: Top1 { wrong: whole("wrong")?, total: whole("total")? } };
        self.last = Summary { loss: real("last_loss")?, error: real("last_error")? };
        let metrics = whole("metrics")?;
        Ok(folder.truncate_metrics(metrics)?)
    }
}

/// The loss's op.
fn loss_of(loss: tasks::Loss) -> Loss {
    match loss {
        tasks::Loss::CrossEntropy => Loss::CrossEntropy,
        tasks::Loss::BceWithLogits | tasks::Loss::MaskedBce => Loss::BceWithLogits,
        tasks::Loss::Mse => Loss::Mse,
        tasks::Loss::RelativeL2Sum => Loss::RelativeL2Sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_is_a_function_of_sizes_and_spreads_over_all_items() {
        assert_eq!(subset(5, 9), [0, 1, 2, 3, 4]);
        let s = subset(1000, 100);
        assert_eq!((s.len(), s.windows(2).all(|w| w[0] < w[1])), (100, true));
        assert!(s[0] < 100 && s[99] > 900);
        let sizes = Sizes { train: 10, val: 5, test: 1 };
        let values = crate::profile::Profile::Smoke.values("satellite");
        assert_eq!(fitted_items(sizes, &values), (0..15).collect::<Vec<_>>());
    }
}

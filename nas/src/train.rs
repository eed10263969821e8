//! The training loop that every method's final stage shares: a state machine over its checkpoint.
//!
//! The state is (epoch, step, sums of the epoch, parameters, optimiser); data order, augmentation and dropout are functions of
//! (seed, epoch, step), so nothing else need be saved, and going on from a checkpoint gives the bits of never having
//! stopped. Checkpoints are timed by a clock, which changes no bit.

use autograd::Tape;
use kernels::cuda::graph::Graph;
use kernels::cuda::step::Changing;
use kernels::ops::elementwise::binary::Binary;
use kernels::ops::optim::max_norm::MaxNorm;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor};
use nn::{Checkpoint, Clip, Loss, Mode, Network, Optimiser, Params, Pass, Schedule};
use serde_json::{Value, json};
use tasks::metrics::Top1;
use tasks::{Dataset, Sizes, Split};

use crate::Error;
use crate::gaea::cutout;
use crate::method::{Problem, Recipe};
use crate::profile::Values;
use crate::run::{Clock, Place, Progress, RunError, interrupt};
use crate::watch;

/// A warm-up takes at most one in so many of all steps: in the protocol, where steps are many, never that bound.
const WARMUP_PART: usize = 10;

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

/// What final training fits: the profile's share of training and of validation data, as items of `Dataset::fit`.
pub fn fitted_items(data: &Dataset, values: &Values) -> Vec<u32> {
    data.fit().items_of(&fitted_groups(data.sizes(), values))
}

/// The same as groups: a limit counts what the task's sizes count.
fn fitted_groups(sizes: Sizes, values: &Values) -> Vec<u32> {
    let mut groups = subset(sizes.train, values.train);
    groups.extend(subset(sizes.val, values.val).iter().map(|i| sizes.train as u32 + i));
    groups
}

/// How an epoch went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Mean loss over the epoch's items, while they were being fitted.
    pub loss: f64,
    /// Fraction of them that was wrong then, where targets are classes.
    pub error: Option<f64>,
}

/// Sums over the epoch in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    loss: f64,
    items: u64,
    /// Of the items, where targets are classes.
    wrong: u64,
}

impl Sums {
    fn summary(&self, classes: bool) -> Summary {
        let items = self.items as f64;
        Summary { loss: self.loss / items, error: classes.then_some(self.wrong as f64 / items) }
    }
}

/// What is particular to a step.
#[derive(Debug, Clone, Copy)]
struct Now {
    dropout: Key,
    drop_path: f32,
    rate: f64,
}

/// A captured step with the buffers that it reads and writes. The graph goes first: nothing is freed that it may write.
struct Captured {
    graph: Graph,
    x: Tensor,
    y: Tensor,
    loss: Tensor,
    outputs: Tensor,
}

/// A training: final, or of a trial.
pub struct Training<'a> {
    problem: &'a Problem,
    values: &'a Values,
    recipe: Recipe,
    batch: usize,
    seed: u64,
    optimiser: Optimiser,
    clip: Option<Clip>,
    bound: Option<MaxNorm>,
    /// The network's numbers.
    pub params: Params,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
    epoch: usize,
    step: usize,
    sums: Sums,
    last: Summary,
    /// On a card: the captured step.
    captured: Option<Captured>,
    /// The probability that a path was dropped in the captured step.
    captured_drop_path: f32,
    /// Steps of this process; the first is never captured, for it loads kernels and makes the momentum.
    steps: usize,
}

impl<'a> Training<'a> {
    /// A recipe on fresh parameters.
    ///
    /// # Errors
    /// If the recipe's numbers make no sense.
    pub fn new(
        problem: &'a Problem,
        values: &'a Values,
        recipe: Recipe,
        batch: usize,
        seed: u64,
        params: Params,
    ) -> Result<Self, Error> {
        let bound = recipe.max_norm.map(MaxNorm::keras);
        bound.map_or(Ok(()), |b| b.check())?;
        Ok(Self {
            problem,
            values,
            batch,
            seed,
            optimiser: recipe.mover.optimiser(values)?,
            clip: recipe.clip.map(Clip::new),
            bound,
            recipe,
            params,
            checkpoint_seconds: 10.0,
            epoch: 0,
            step: 0,
            sums: Sums::default(),
            last: Summary::default(),
            captured: None,
            captured_drop_path: 0.0,
            steps: 0,
        })
    }

    /// Trains to the end of epoch `until` (at most the last), from the place's checkpoint if there is one, and saves there;
    /// gives the last epoch's summary. A training paused so goes on to the same bits.
    ///
    /// # Errors
    /// If the folder fails, the loss runs away, or a stop was requested (everything is saved then).
    pub fn run(
        &mut self,
        network: &dyn Network,
        data: &Split,
        items: &[u32],
        until: usize,
        place: &mut Place<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Summary, Error> {
        self.resume(place)?;
        if self.bound.is_some() {
            self.optimiser.decay_only(network.kernels());
        }
        let epochs = until.min(self.values.epochs);
        let steps = items.len().div_ceil(self.batch);
        progress.stage("train", self.epoch, epochs);
        let mut tape = Tape::new();
        let mut order = Vec::with_capacity(items.len());
        let mut saved = Clock::start();
        while self.epoch < epochs {
            self.order(items, &mut order);
            while self.step < steps {
                let batch = &order[self.step * self.batch..items.len().min((self.step + 1) * self.batch)];
                self.fit(network, &mut tape, data, batch, steps)?;
                self.step += 1;
                progress.step(self.step, steps);
                if interrupt::requested() {
                    self.save(place)?;
                    return Err(Error::Interrupted { epoch: self.epoch + 1, steps: self.step });
                }
                if self.step < steps && saved.seconds() >= self.checkpoint_seconds {
                    self.save(place)?;
                    saved = Clock::start();
                }
            }
            self.last = self.sums.summary(data.has_classes());
            self.epoch += 1;
            (self.step, self.sums) = (0, Sums::default());
            place.append_metrics(&self.line(steps))?;
            let newest = self.last.error.map_or(("train loss", self.last.loss), |e| ("train error", e));
            progress.epoch(self.epoch, Some(newest));
            if self.epoch == epochs || saved.seconds() >= self.checkpoint_seconds {
                self.save(place)?;
                saved = Clock::start();
            }
        }
        Ok(self.last)
    }

    /// The learning rate of a step, of which an epoch has `steps`.
    fn rate(&self, epoch: usize, step: usize, steps: usize) -> f64 {
        let at = if self.recipe.by_step { epoch * steps + step } else { epoch };
        let schedule = match self.recipe.schedule {
            Schedule::Cosine { epochs, end } if self.recipe.by_step => Schedule::Cosine { epochs: epochs * steps, end },
            Schedule::WarmupPoly { warmup, from, epochs } if self.recipe.by_step => {
                let epochs = epochs * steps;
                Schedule::WarmupPoly { warmup: warmup.min(epochs / WARMUP_PART), from, epochs }
            }
            ref other => other.clone(),
        };
        schedule.rate(self.values.lr, at)
    }

    /// The epoch's order of the items, a function of (seed, epoch); the quirk `unshuffled` keeps the file's.
    fn order(&self, items: &[u32], order: &mut Vec<u32>) {
        order.clear();
        order.extend_from_slice(items);
        if self.problem.quirks.has("unshuffled") {
            return;
        }
        Key::new(self.seed, Purpose::Shuffle).at(self.epoch as u64, 0).stream(0).shuffle(order);
    }

    /// One step.
    fn fit(
        &mut self,
        network: &dyn Network,
        tape: &mut Tape,
        data: &Split,
        batch: &[u32],
        steps: usize,
    ) -> Result<(), Error> {
        let (epoch, step) = (self.epoch as u64, self.step as u64);
        let augment = Key::new(self.seed, Purpose::Augment);
        let (x, y) = data.training_batch(batch, augment.at(epoch, 0));
        let now = Now {
            dropout: Key::new(self.seed, Purpose::Dropout).at(epoch, step),
            drop_path: (self.recipe.drop_path * self.epoch as f64 / self.values.epochs as f64) as f32,
            rate: self.rate(self.epoch, self.step, steps),
        };
        let mut x = self.problem.read(&x);
        if self.recipe.cutout > 0 {
            cutout(&mut x, augment.at(epoch, step + 1), self.recipe.cutout);
        }
        let (loss, outputs) = if self.params.device() == Device::Cpu {
            self.eager(network, tape, &x, &y, now)?
        } else {
            self.on_card(network, tape, &x, &y, now)?
        };
        let value = loss.item();
        if !value.is_finite() {
            let mode = Mode::Train(now.dropout);
            let origin = watch::origin(tape, &mut self.params, mode, |pass| {
                pass.drop_path = now.drop_path;
                let x = x.to(pass.device());
                let outputs = self.problem.forward_read(network, pass, x)?;
                loss_of(self.problem.facts.loss).of(pass, &outputs, &y).map(drop)
            });
            let (epoch, step, rate) = (self.epoch + 1, self.step + 1, now.rate);
            return Err(Error::NotFinite { value, origin, epoch, step, rate });
        }
        let items = if self.problem.facts.loss.is_sum() { 1.0 } else { batch.len() as f64 };
        self.sums.loss += f64::from(value) * items;
        self.sums.items += batch.len() as u64;
        if data.has_classes() {
            let mut top1 = Top1::default();
            top1.add(outputs.to(Device::Cpu).data(), y.ints());
            self.sums.wrong += top1.wrong;
        }
        Ok(())
    }

    /// Forward, loss, backward, update; gives the loss and the outputs.
    fn eager(
        &mut self,
        network: &dyn Network,
        tape: &mut Tape,
        x: &Tensor,
        y: &Tensor,
        now: Now,
    ) -> Result<(Tensor, Tensor), Error> {
        let mut pass = Pass::new(tape, &mut self.params, Mode::Train(now.dropout));
        pass.drop_path = now.drop_path;
        let x = x.to(pass.device());
        let (outputs, second) = if self.recipe.auxiliary > 0.0 {
            self.problem.forward_with_auxiliary(network, &mut pass, x)?
        } else {
            (self.problem.forward_read(network, &mut pass, x)?, None)
        };
        let loss_of_outputs = |pass: &mut Pass<'_>, outputs: &nn::Tensor| {
            let loss = loss_of(self.problem.facts.loss);
            match y.device() {
                Device::Cpu => loss.of(pass, outputs, y),
                _ => loss.record(pass, outputs, y), // checked before the capture
            }
        };
        let mut loss = loss_of_outputs(&mut pass, &outputs)?;
        if let Some(second) = second {
            let second = loss_of_outputs(&mut pass, &second)?;
            let weight = Tensor::full_on(pass.device(), second.shape(), self.recipe.auxiliary as f32);
            let second = pass.apply("auxiliary", Binary::mul(), &[&second, &weight.into()])?;
            loss = pass.apply("auxiliary", Binary::add(), &[&loss, &second])?;
        }
        pass.backward(&loss)?;
        if let Some(clip) = &mut self.clip {
            clip.clip(&mut self.params);
        }
        self.optimiser.step(&mut self.params, now.rate);
        if let Some(bound) = &self.bound {
            network.kernels().iter().for_each(|&id| bound.apply(self.params.value_mut(id)));
        }
        Ok((loss.into_value(), outputs.into_value()))
    }

    /// The same on a card: captured at the second step of a size, and replayed from then on.
    fn on_card(
        &mut self,
        network: &dyn Network,
        tape: &mut Tape,
        x: &Tensor,
        y: &Tensor,
        now: Now,
    ) -> Result<(Tensor, Tensor), Error> {
        self.steps += 1;
        // A bound on the gradients' norm is decided here, by a number that the card has to give: no part of a graph.
        if self.steps == 1 || x.shape()[0] < self.batch || self.clip.is_some() || !self.optimiser.in_step() {
            return self.eager(network, tape, x, y, now);
        }
        // A path that is never dropped records nothing: the step is another one when it first is.
        if (self.captured_drop_path == 0.0) != (now.drop_path == 0.0) {
            self.captured = None;
        }
        if self.captured.is_some() {
            self.optimiser.repeat();
        } else {
            self.captured_drop_path = now.drop_path;
            let device = self.params.device();
            let (x, y) = (x.to(device), y.to(device));
            let (graph, done) = Graph::capture(|| self.eager(network, tape, &x, &y, now));
            let (loss, outputs) = done?;
            self.captured = Some(Captured { x, y, loss, outputs, graph });
        }
        let captured = self.captured.as_mut().expect("made above");
        loss_of(self.problem.facts.loss).check(captured.outputs.shape(), y)?;
        captured.x.load(x);
        captured.y.load(y);
        captured.graph.launch(|what| match what {
            Changing::Stream(_, index) => Changing::Stream(now.dropout, index),
            Changing::DropPath(_, index, _) => Changing::DropPath(now.dropout, index, now.drop_path),
            other => self.optimiser.now(other, now.rate),
        });
        Ok((captured.loss.clone(), captured.outputs.clone()))
    }

    /// The epoch's line of metrics.
    fn line(&self, steps: usize) -> Value {
        let mut line = json!({
            "stage": "final",
            "epoch": self.epoch,
            "lr": self.rate(self.epoch - 1, steps - 1, steps),
            "train_loss": self.last.loss,
        });
        if let Some(error) = self.last.error {
            line["train_error"] = error.into();
        }
        line
    }

    fn save(&self, place: &mut Place<'_>) -> Result<(), Error> {
        let bits = |x: f64| format!("{:016x}", x.to_bits());
        let mut checkpoint = Checkpoint::new(json!({
            "stage": "final",
            "epoch": self.epoch,
            "step": self.step,
            "loss": bits(self.sums.loss),
            "wrong": self.sums.wrong,
            "total": self.sums.items,
            "last_loss": bits(self.last.loss),
            "last_error": self.last.error.map(bits),
            "metrics": place.metrics_len(),
        }));
        checkpoint.put_params(&self.params);
        self.optimiser.save(&self.params, &mut checkpoint);
        Ok(place.save(&checkpoint.to_bytes())?)
    }

    /// Goes back to the place's checkpoint, if there is one; from that of a search, which ended, training begins.
    fn resume(&mut self, place: &mut Place<'_>) -> Result<(), Error> {
        let Some(bytes) = place.checkpoint()? else { return Ok(()) };
        let damaged = |what: &str| RunError::Damaged {
            path: place.path(),
            what: what.to_owned(),
            fix: "move the run aside with --fresh to begin it anew",
        };
        let checkpoint = Checkpoint::from_bytes(&bytes).map_err(|e| damaged(&e.to_string()))?;
        let meta = &checkpoint.meta;
        let whole = |key: &str| meta[key].as_u64().ok_or_else(|| damaged(&format!("its metadata lack '{key}'")));
        let real = |key: &str| {
            let text = meta[key].as_str().and_then(|s| u64::from_str_radix(s, 16).ok());
            text.map(f64::from_bits).ok_or_else(|| damaged(&format!("its metadata lack '{key}'")))
        };
        let metrics = whole("metrics")?;
        if meta["stage"] == "search" {
            return Ok(place.truncate_metrics(metrics)?);
        }
        checkpoint.load_params(&mut self.params)?;
        self.optimiser.load(&self.params, &checkpoint)?;
        (self.epoch, self.step) = (whole("epoch")? as usize, whole("step")? as usize);
        self.sums = Sums { loss: real("loss")?, items: whole("total")?, wrong: whole("wrong")? };
        let error = if meta["last_error"].is_null() { None } else { Some(real("last_error")?) };
        self.last = Summary { loss: real("last_loss")?, error };
        Ok(place.truncate_metrics(metrics)?)
    }
}

/// The loss's op.
pub(crate) fn loss_of(loss: tasks::Loss) -> Loss {
    match loss {
        tasks::Loss::CrossEntropy => Loss::CrossEntropy,
        tasks::Loss::BceWithLogits => Loss::BceWithLogits,
        tasks::Loss::MaskedBce => Loss::MaskedBceWithLogits,
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
        let values = crate::profile::Profile::Smoke.values("satellite", "wrn");
        assert_eq!(fitted_groups(sizes, &values), (0..15).collect::<Vec<_>>());
    }

    #[test]
    fn limits_count_records_where_items_are_cut_out_of_them() {
        let (scratch, ecg) = (tempfile::tempdir().unwrap(), tasks::by_name("ecg").unwrap());
        let sizes = Sizes { train: 5, val: 3, test: 1 };
        ecg.generate(sizes, 0, scratch.path(), &tasks::Silent).unwrap();
        let data = Dataset::open(scratch.path(), ecg).unwrap();
        let mut values = crate::profile::Profile::Smoke.values("ecg", "wrn");
        (values.train, values.val) = (2, 1);
        let (fit, items) = (data.fit(), fitted_items(&data, &values));
        let mut groups: Vec<u32> = items.iter().map(|&i| fit.group(i)).collect();
        groups.dedup();
        assert_eq!((groups.len(), groups[1] < 5, groups[2] >= 5), (3, true, true));
        assert_eq!(groups.iter().map(|&g| fit.items_of(&[g]).len()).sum::<usize>(), items.len());
    }
}

//! The search: a warm-up of the shared weights, then episodes. In an episode the shared weights are trained on so many
//! mini-batches, each through an architecture that the controller samples; then so many architectures are sampled, each is worth
//! what it scores on the validation data with the shared weights, and the controller learns from that.
//!
//! It is a state machine over its checkpoint: mini-batches trained, episode, the episode's rewards so far, the best
//! architecture, and what child and controller save. Everything that is drawn is a function of (seed, episode, step) and of the
//! controller, which moves between episodes alone; so what was sampled need not be saved.
//!
//! Mini-batches go over the training items epoch by epoch, in an order of the epoch's own, without a break between episodes; the
//! warm-up is the first epoch.

use kernels::rng::{Key, Purpose};
use nn::Checkpoint;
use serde_json::{Value as Json, json};

use super::child::Child;
use super::controller::{Controller, Probabilities};
use super::reinforce::Reinforce;
use super::space::{OPERATIONS, Sequence};
use crate::Error;
use crate::bilevel::entropy;
use crate::method::SearchStage;
use crate::run::{Clock, RunError, interrupt, number};

/// How long a search is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// Episodes.
    pub episodes: usize,
    /// Mini-batches of an episode.
    pub steps: usize,
    /// Architectures of an episode that are judged.
    pub architectures: usize,
    /// Items of a mini-batch.
    pub batch: usize,
    /// The learning rate of the shared weights.
    pub rate: f64,
}

/// The best architecture so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// What it was worth.
    pub reward: f64,
    /// In which episode, from 0.
    pub episode: usize,
    /// It.
    pub sequence: Sequence,
}

/// What a checkpoint says besides tensors.
#[derive(Debug, Default)]
struct State {
    /// Mini-batches trained, the warm-up's among them.
    step: usize,
    episode: usize,
    /// Of the episode's architectures so far.
    rewards: Vec<f64>,
    best: Option<Best>,
    /// Sum of the episode's losses, each times its items, and items.
    loss: f64,
    items: u64,
}

/// A search in hand.
pub struct Search<'s, 'a, 'p> {
    stage: &'s mut SearchStage<'a>,
    spec: Spec,
    child: Child<'p>,
    controller: Controller,
    reinforce: Reinforce,
    state: State,
    /// Validation items.
    judged: Vec<u32>,
    /// The order of an epoch, and which.
    order: (usize, Vec<u32>),
    saved: Clock,
}

/// Runs a search to its end, from the folder's checkpoint if there is one, and saves it; gives the best architecture.
///
/// # Errors
/// If the folder fails, the loss runs away, or a stop was requested (everything is saved then).
pub fn search(
    stage: &mut SearchStage<'_>,
    spec: Spec,
    child: Child<'_>,
    controller: Controller,
) -> Result<Best, Error> {
    let judged = stage.val.items_of(&crate::train::subset(stage.val.groups(), stage.values.val));
    let order = (usize::MAX, Vec::new());
    let (reinforce, state, saved) = (Reinforce::default(), State::default(), Clock::start());
    let mut search = Search { stage, spec, child, controller, reinforce, state, judged, order, saved };
    search.resume()?;
    search.run()?;
    Ok(search.state.best.expect("an episode has an architecture"))
}

/// An architecture as a line of digits, its tokens in order.
fn digits(sequence: &Sequence) -> String {
    sequence.tokens().iter().map(|t| char::from(b'0' + *t as u8)).collect()
}

/// Reads it back.
fn of_digits(text: &str) -> Option<Sequence> {
    let tokens: Option<Vec<usize>> = text.chars().map(|c| c.to_digit(10).map(|d| d as usize)).collect();
    Sequence::from_tokens(&tokens?).ok()
}

impl Search<'_, '_, '_> {
    /// Mini-batches of an epoch, and so of the warm-up.
    fn epoch(&self) -> usize {
        self.stage.fitted.len().div_ceil(self.spec.batch)
    }

    fn run(&mut self) -> Result<(), Error> {
        let Spec { episodes, steps, architectures, .. } = self.spec;
        self.stage.progress.stage("search", self.state.episode, episodes);
        self.saved = Clock::start();
        while self.state.episode < episodes {
            let end = self.epoch() + (self.state.episode + 1) * steps;
            let begin = if self.state.episode == 0 { 0 } else { end - steps };
            let total = end - begin + architectures;
            while self.state.step < end {
                self.train()?;
                self.stage.progress.step(self.state.step - begin, total);
                self.pause()?;
            }
            let key = Key::new(self.stage.seed, Purpose::Search).at(self.state.episode as u64, u64::MAX);
            let sampled = self.controller.sample(key, architectures);
            while self.state.rewards.len() < architectures {
                let sequence = &sampled[self.state.rewards.len()];
                let reward = self.child.reward(&self.stage.val, &self.judged, sequence)?;
                self.state.rewards.push(reward);
                self.stage.progress.step(end - begin + self.state.rewards.len(), total);
                self.pause()?;
            }
            self.end_episode(&sampled)?;
        }
        Ok(())
    }

    /// Saves where a stop was asked for, or where it is time.
    fn pause(&mut self) -> Result<(), Error> {
        if interrupt::requested() {
            self.save()?;
            return Err(Error::Interrupted { epoch: self.state.episode + 1, steps: self.state.step });
        }
        if self.saved.seconds() >= self.stage.checkpoint_seconds {
            self.save()?;
            self.saved = Clock::start();
        }
        Ok(())
    }

    /// One mini-batch.
    fn train(&mut self) -> Result<(), Error> {
        let (steps, batch, at) = (self.epoch(), self.spec.batch, self.state.step);
        let (epoch, step) = (at / steps, at % steps);
        if self.order.0 != epoch {
            self.order = (epoch, self.stage.fitted.clone());
            Key::new(self.stage.seed, Purpose::Shuffle).at(epoch as u64, 0).stream(0).shuffle(&mut self.order.1);
        }
        let items = &self.order.1[step * batch..self.order.1.len().min((step + 1) * batch)];
        let augment = Key::new(self.stage.seed, Purpose::Augment).at(epoch as u64, 0);
        let (x, y) = self.stage.train.training_batch(items, augment);
        let x = self.stage.problem.read(&x);
        let key = Key::new(self.stage.seed, Purpose::Search).at(epoch as u64, step as u64);
        let sampled = self.controller.sample(key, 1);
        let sequence = &sampled[0];
        let rate = self.spec.rate;
        let value = self.child.fit(key, &x, &y, sequence, rate)?;
        if !value.is_finite() {
            let origin = self.child.origin(key, &x, &y, sequence);
            return Err(Error::NotFinite { value, origin, epoch: epoch + 1, step: step + 1, rate });
        }
        self.state.loss += f64::from(value) * items.len() as f64;
        self.state.items += items.len() as u64;
        self.state.step += 1;
        Ok(())
    }

    /// The controller learns, and the episode's line is written.
    fn end_episode(&mut self, sampled: &[Sequence]) -> Result<(), Error> {
        let State { episode, ref rewards, .. } = self.state;
        let mut best = self.state.best.clone();
        for (sequence, &reward) in sampled.iter().zip(rewards) {
            if best.as_ref().is_none_or(|b| reward > b.reward) {
                best = Some(Best { reward, episode, sequence: sequence.clone() });
            }
        }
        let mut line = self.line(sampled, best.as_ref().expect("an episode has an architecture"))?;
        let key = Key::new(self.stage.seed, Purpose::Search).at(episode as u64, u64::MAX);
        let update = self.reinforce.episode(&mut self.controller, key, sampled, &self.state.rewards)?;
        line["controller_loss"] = number(update.loss);
        line["reward"]["mean"] = update.reward.into();
        line["reward"]["baseline"] = update.baseline.into();
        self.state = State { step: self.state.step, episode: episode + 1, best, ..State::default() };
        self.stage.folder.append_metrics(&line)?;
        self.stage.progress.epoch(self.state.episode, Some(("mean reward", update.reward)));
        if self.state.episode == self.spec.episodes {
            self.save()?;
        }
        self.pause()
    }

    /// What an episode's line says: before the controller learnt from it.
    fn line(&mut self, sampled: &[Sequence], best: &Best) -> Result<Json, Error> {
        let probabilities = self.controller.probabilities(sampled)?;
        let State { episode, ref rewards, loss, items, .. } = self.state;
        let layers = sampled.iter().flat_map(|s| &s.operations);
        let share = |o: usize| layers.clone().filter(|x| **x == o).count() as f64 / layers.clone().count() as f64;
        let operations: serde_json::Map<String, Json> =
            OPERATIONS.iter().enumerate().map(|(o, name)| ((*name).to_owned(), share(o).into())).collect();
        let skips = sampled.iter().flat_map(|s| s.skips.iter().flatten());
        let (all, chosen) = (skips.clone().count(), skips.filter(|s| **s).count());
        let largest = rewards.iter().fold(f64::NEG_INFINITY, |m, &r| if r > m { r } else { m });
        let history: Vec<Json> = sampled.iter().zip(rewards).map(|(s, r)| json!([digits(s), number(*r)])).collect();
        Ok(json!({
            "stage": "search",
            "epoch": episode + 1,
            "lr": self.spec.rate,
            "train_loss": number(loss / items as f64),
            "reward": {"max": number(largest)},
            "entropy": entropies(&probabilities),
            "best": {"episode": best.episode + 1, "reward": number(best.reward), "architecture": digits(&best.sequence)},
            "operations": operations,
            "skips": if all == 0 { 0.0 } else { chosen as f64 / all as f64 },
            "architectures": history,
        }))
    }

    fn save(&mut self) -> Result<(), Error> {
        let bits = |x: f64| format!("{:016x}", x.to_bits());
        let state = &self.state;
        let best = |b: &Best| json!({"reward": bits(b.reward), "episode": b.episode, "tokens": digits(&b.sequence)});
        let mut checkpoint = Checkpoint::new(json!({
            "stage": "search",
            "epoch": state.episode,
            "step": state.step,
            "rewards": state.rewards.iter().map(|r| bits(*r)).collect::<Vec<_>>(),
            "best": state.best.as_ref().map(best),
            "loss": bits(state.loss),
            "total": state.items,
            "metrics": self.stage.folder.metrics_len(),
        }));
        self.child.save(&mut checkpoint);
        self.controller.save(&mut checkpoint);
        self.reinforce.save(&mut checkpoint);
        Ok(self.stage.folder.root().save(&checkpoint.to_bytes())?)
    }

    /// Goes back to the folder's checkpoint, if there is one.
    fn resume(&mut self) -> Result<(), Error> {
        let place = self.stage.folder.root();
        let (path, bytes) = (place.path(), place.checkpoint()?);
        let Some(bytes) = bytes else { return Ok(()) };
        let damaged = |what: &str| RunError::Damaged {
            path: path.clone(),
            what: what.to_owned(),
            fix: "move the run aside with --fresh to begin it anew",
        };
        let checkpoint = Checkpoint::from_bytes(&bytes).map_err(|e| damaged(&e.to_string()))?;
        let meta = &checkpoint.meta;
        if meta["stage"] != "search" {
            return Err(damaged("it is of the final training, but arch.json is not there").into());
        }
        let lacks = |key: &str| damaged(&format!("its metadata lack '{key}'"));
        let whole = |json: &Json, key: &str| json[key].as_u64().ok_or_else(|| lacks(key));
        let real = |json: &Json| json.as_str().and_then(|s| u64::from_str_radix(s, 16).ok()).map(f64::from_bits);
        let rewards = meta["rewards"].as_array().and_then(|all| all.iter().map(real).collect::<Option<Vec<_>>>());
        let best = match &meta["best"] {
            Json::Null => None,
            best => Some(Best {
                reward: real(&best["reward"]).ok_or_else(|| lacks("best"))?,
                episode: whole(best, "episode")? as usize,
                sequence: best["tokens"].as_str().and_then(of_digits).ok_or_else(|| lacks("best"))?,
            }),
        };
        self.state = State {
            step: whole(meta, "step")? as usize,
            episode: whole(meta, "epoch")? as usize,
            rewards: rewards.ok_or_else(|| lacks("rewards"))?,
            best,
            loss: real(&meta["loss"]).ok_or_else(|| lacks("loss"))?,
            items: whole(meta, "total")?,
        };
        let metrics = whole(meta, "metrics")?;
        self.child.load(&checkpoint)?;
        self.controller.load(&checkpoint)?;
        self.reinforce.load(&checkpoint)?;
        Ok(self.stage.folder.truncate_metrics(metrics)?)
    }
}

/// Mean entropy, in nats, of a layer's operation and of a skip.
fn entropies(p: &Probabilities) -> Json {
    let mean = |sum: f64, n: usize| if n == 0 { 0.0 } else { sum / n as f64 };
    let operations = p.operations.iter().fold(0.0, |s, p| s + entropy(p));
    let skips = p.skips.iter().flatten().fold(0.0, |s, &p| s + entropy(&[p, 1.0 - p]));
    let count = p.skips.iter().flatten().count();
    json!({"operations": mean(operations, p.operations.len()), "skips": mean(skips, count)})
}

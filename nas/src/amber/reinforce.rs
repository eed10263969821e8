//! An episode's update: what the sampled architectures were worth, against the episode before.

use kernels::rng::Key;
use kernels::{DType, Shape, Tensor};
use nn::Checkpoint;

use super::controller::Controller;
use super::space::Sequence;
use crate::Error;

/// The first of the streams that order an episode's architectures; those below are [`Controller::sample`]'s.
const ORDERS: u64 = 1 << 32;

/// What an advantage is clipped to, either way.
const MOST: f64 = 10.0;

/// Name of the baseline in checkpoints.
const BASELINE: &str = "controller.baseline";

/// REINFORCE with the previous episode's mean reward as its baseline (the first takes its own).
#[derive(Debug, Clone, PartialEq)]
pub struct Reinforce {
    /// How often an episode goes over its architectures.
    pub passes: usize,
    /// Architectures of an update; the last of a pass may have fewer.
    pub batch: usize,
    /// The last episode's mean reward.
    baseline: Option<f64>,
}

impl Default for Reinforce {
    /// The published one: ten passes in batches of 20.
    fn default() -> Self {
        Self::new(10, 20)
    }
}

/// What an episode did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episode {
    /// Mean reward.
    pub reward: f64,
    /// What it was compared with.
    pub baseline: f64,
    /// Mean loss of its updates.
    pub loss: f64,
}

impl Reinforce {
    /// Before its first episode, with so many passes over an episode's architectures in batches of `batch`.
    pub fn new(passes: usize, batch: usize) -> Self {
        Self { passes, batch, baseline: None }
    }

    /// The last episode's mean reward; none before the first.
    pub fn baseline(&self) -> Option<f64> {
        self.baseline
    }

    /// Updates the controller by an episode's architectures and their rewards. Each pass has its own order, from `key`,
    /// which may be the one that the architectures were sampled by.
    ///
    /// # Errors
    /// If there are no architectures, or not as many rewards; if a reward is not finite; what the controller refuses.
    pub fn episode(
        &mut self,
        controller: &mut Controller,
        key: Key,
        architectures: &[Sequence],
        rewards: &[f64],
    ) -> Result<Episode, Error> {
        let n = architectures.len();
        if n == 0 || n != rewards.len() {
            return Err(Error::Arch(format!(
                "an episode of {n} architectures and {} rewards: give at least one, and a reward for each",
                rewards.len()
            )));
        }
        if let Some(i) = rewards.iter().position(|r| !r.is_finite()) {
            return Err(Error::Arch(format!(
                "the reward of architecture {i} is {}: rewards must be finite numbers",
                rewards[i]
            )));
        }
        let reward = rewards.iter().fold(0.0, |s, r| s + r) / n as f64;
        let baseline = self.baseline.unwrap_or(reward);
        let advantages: Vec<f32> = rewards.iter().map(|r| (r - baseline).clamp(-MOST, MOST) as f32).collect();
        let (mut loss, mut updates) = (0.0, 0);
        for pass in 0..self.passes as u64 {
            let order = key.stream(ORDERS + pass).permutation(n);
            for part in order.chunks(self.batch.max(1)) {
                let batch: Vec<Sequence> = part.iter().map(|&i| architectures[i as usize].clone()).collect();
                let advantages: Vec<f32> = part.iter().map(|&i| advantages[i as usize]).collect();
                loss += f64::from(controller.update(&batch, &advantages)?);
                updates += 1;
            }
        }
        self.baseline = Some(reward);
        Ok(Episode { reward, baseline, loss: loss / f64::from(updates.max(1)) })
    }

    /// Puts the baseline as `state.controller.baseline`: whether there is one, and its bits.
    ///
    /// # Panics
    /// If it was put before.
    pub fn save(&self, checkpoint: &mut Checkpoint) {
        let bits = self.baseline.unwrap_or(0.0).to_bits();
        let words = [i32::from(self.baseline.is_some()), bits as i32, (bits >> 32) as i32];
        checkpoint.put_state(BASELINE, &Tensor::from_ints([3], &words));
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If it is missing; nothing is changed then.
    pub fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let words = checkpoint.state(BASELINE, Shape::from([3]), DType::I32)?;
        let &[there, low, high] = words.ints() else { unreachable!("its shape was checked") };
        let bits = u64::from(high as u32) << 32 | u64::from(low as u32);
        self.baseline = (there != 0).then(|| f64::from_bits(bits));
        Ok(())
    }
}

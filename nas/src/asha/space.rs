//! What is searched: four numbers of the training, the network being fixed.

use kernels::math;
use kernels::rng::{Key, Purpose};
use serde_json::{Map, Value, json};

const DROPOUT: [f64; 3] = [0.0, 0.3, 0.6];
const MOMENTUM: [f64; 4] = [0.0, 0.3, 0.6, 0.9];
/// Decades between which a rate's logarithm is uniform.
const LR: [f64; 2] = [-4.0, -1.0];
const WEIGHT_DECAY: [f64; 2] = [-5.0, -2.0];

/// A configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperparameters {
    /// The probability that dropout drops: 0, .3 or .6.
    pub dropout: f64,
    /// The learning rate at the beginning: 10^U[-4, -1).
    pub lr: f64,
    /// Momentum, Nesterov's where it is not 0: 0, .3, .6 or .9.
    pub momentum: f64,
    /// Weight decay: 10^U[-5, -2).
    pub weight_decay: f64,
}

/// What a trial is, by its number: a function of (seed, trial), so a trial knows it without asking the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// Its configuration.
    pub hyperparameters: Hyperparameters,
    /// The seed of its parameters, order, augmentation and dropout.
    pub seed: u64,
}

/// Draws trial number `trial`: stream `trial` of the search's key, in the order dropout, learning rate, momentum, weight
/// decay, seed.
pub fn draw(seed: u64, trial: usize) -> Draw {
    let mut stream = Key::new(seed, Purpose::Search).stream(trial as u64);
    let dropout = DROPOUT[stream.below(DROPOUT.len() as u64) as usize];
    let lr = decades(LR, stream.uniform64());
    let momentum = MOMENTUM[stream.below(MOMENTUM.len() as u64) as usize];
    let weight_decay = decades(WEIGHT_DECAY, stream.uniform64());
    Draw { hyperparameters: Hyperparameters { dropout, lr, momentum, weight_decay }, seed: stream.word64() }
}

fn decades([from, to]: [f64; 2], u: f64) -> f64 {
    math::pow(10.0, from + (to - from) * u)
}

impl Hyperparameters {
    /// As JSON.
    pub fn json(&self) -> Value {
        let Self { dropout, lr, momentum, weight_decay } = self;
        json!({"dropout": dropout, "lr": lr, "momentum": momentum, "weight_decay": weight_decay})
    }

    /// Reads what [`Hyperparameters::json`] wrote, in the ranges of the space.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(value: &Value) -> Result<Self, String> {
        let map = value.as_object().ok_or("hyperparameters are an object of four numbers")?;
        let known = ["dropout", "lr", "momentum", "weight_decay"];
        if let Some(key) = map.keys().find(|k| !known.contains(&k.as_str())) {
            return Err(format!("there is no hyperparameter '{key}'; known are {}", known.join(", ")));
        }
        let rate = |name: &str, [from, to]: [f64; 2]| {
            let fits = |x: f64| x >= decades([from, to], 0.0) && x <= decades([from, to], 1.0);
            read(map, name, fits, &format!("from 1e{from} to 1e{to}"))
        };
        Ok(Self {
            dropout: read(map, "dropout", |x| DROPOUT.contains(&x), "0, 0.3 or 0.6")?,
            lr: rate("lr", LR)?,
            momentum: read(map, "momentum", |x| MOMENTUM.contains(&x), "0, 0.3, 0.6 or 0.9")?,
            weight_decay: rate("weight_decay", WEIGHT_DECAY)?,
        })
    }
}

fn read(map: &Map<String, Value>, name: &str, fits: impl Fn(f64) -> bool, range: &str) -> Result<f64, String> {
    let value = map.get(name).ok_or_else(|| format!("the hyperparameter '{name}' is missing"))?;
    value.as_f64().filter(|x| fits(*x)).ok_or_else(|| format!("the hyperparameter '{name}' is {value}; it is {range}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_a_function_of_seed_and_number() {
        let all: Vec<Draw> = (0..64).map(|i| draw(0, i)).collect();
        assert_eq!(draw(0, 5), all[5]);
        assert_ne!(draw(1, 5), all[5]);
        let mut seeds: Vec<u64> = all.iter().map(|d| d.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 64);
    }

    #[test]
    fn every_value_is_drawn_as_often_as_any_other() {
        let n = 12_000;
        let all: Vec<Hyperparameters> = (0..n).map(|i| draw(7, i).hyperparameters).collect();
        let share = |p: &dyn Fn(&Hyperparameters) -> bool| all.iter().filter(|h| p(h)).count() as f64 / n as f64;
        for d in DROPOUT {
            assert!((share(&|h| h.dropout == d) - 1.0 / 3.0).abs() < 0.02, "dropout {d}");
        }
        for m in MOMENTUM {
            assert!((share(&|h| h.momentum == m) - 0.25).abs() < 0.02, "momentum {m}");
        }
        for (i, edge) in [1e-4, 1e-3, 1e-2].into_iter().enumerate() {
            let (lr, wd) = (edge..edge * 10.0, edge / 10.0..edge);
            assert!((share(&|h| lr.contains(&h.lr)) - 1.0 / 3.0).abs() < 0.02, "decade {i} of lr");
            assert!((share(&|h| wd.contains(&h.weight_decay)) - 1.0 / 3.0).abs() < 0.02, "decade {i} of weight_decay");
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_is_named() {
        for i in 0..500 {
            let h = draw(3, i).hyperparameters;
            assert_eq!(Hyperparameters::read(&serde_json::from_str(&h.json().to_string()).unwrap()), Ok(h));
        }
        for (change, words) in [
            (json!({"dropout": 0.5}), "'dropout' is 0.5; it is 0, 0.3 or 0.6"),
            (json!({"lr": 1.0}), "'lr' is 1.0; it is from 1e-4 to 1e-1"),
            (json!({"momentum": "fast"}), "'momentum' is \"fast\"; it is 0, 0.3, 0.6 or 0.9"),
            (json!({"weight_decay": 0.1}), "'weight_decay' is 0.1; it is from 1e-5 to 1e-2"),
            (json!({"decay": 1}), "there is no hyperparameter 'decay'"),
        ] {
            let mut value = draw(0, 0).hyperparameters.json();
            value.as_object_mut().unwrap().append(&mut change.as_object().unwrap().clone());
            let text = Hyperparameters::read(&value).unwrap_err();
            assert!(text.contains(words), "{text}");
        }
        let mut value = draw(0, 0).hyperparameters.json();
        value.as_object_mut().unwrap().remove("lr");
        assert_eq!(Hyperparameters::read(&value).unwrap_err(), "the hyperparameter 'lr' is missing");
        assert!(Hyperparameters::read(&json!([])).is_err());
    }
}

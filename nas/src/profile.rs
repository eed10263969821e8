//! How large a cell is: the values of a profile for a task, as data (`profiles.toml`), and the overrides of `--set`.
//!
//! A profile only scales sizes; it never chooses another code path.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

const TABLE: &str = include_str!("profiles.toml");

/// How much of the protocol is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// About 2 s a cell: whether everything is plugged together.
    Smoke,
    /// About 15 s a cell: the same, with numbers that have begun to fall.
    #[default]
    Quick,
    /// The full protocol.
    Paper,
}

impl Profile {
    /// All profiles, smallest first.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Quick, Self::Paper];

    /// Its name, as `--profile` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Paper => "paper",
        }
    }

    /// The seeds it runs unless others are asked for.
    pub fn seeds(self) -> &'static [u64] {
        match self {
            Self::Smoke | Self::Quick => &[0],
            Self::Paper => &[0, 1, 2],
        }
    }

    /// Whether its numbers are results; else they show that the pieces fit, and nothing more.
    pub fn is_result(self) -> bool {
        self == Self::Paper
    }

    /// The values for a task.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn values(self, task: &str) -> Values {
        let table: toml::Table = TABLE.parse().expect("profiles.toml is TOML");
        let mut merged = toml::Table::new();
        let profile = table[self.name()].as_table().expect("a table");
        let general = profile.iter().filter(|(_, v)| !v.is_table()).map(|(k, v)| (k.clone(), v.clone()));
        merged.extend(table["protocol"].as_table().expect("a table").clone());
        merged
            .extend(table["task"].get(task).unwrap_or_else(|| panic!("no task '{task}'")).as_table().unwrap().clone());
        merged.extend(general);
        merged.extend(profile.get(task).and_then(|v| v.as_table()).cloned().unwrap_or_default());
        merged.try_into().expect("profiles.toml gives every value, of its kind")
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let find = Self::ALL.into_iter().find(|p| p.name() == s);
        find.ok_or_else(|| format!("no profile '{s}'; choose smoke, quick or paper"))
    }
}

/// What a cell is run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Epochs of the final training.
    pub epochs: usize,
    /// Items a step; see [`Values::batch_for`].
    pub batch: usize,
    /// The learning rate at the beginning.
    pub lr: f64,
    /// Momentum of SGD; Nesterov's where it is not 0.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// The probability that dropout drops.
    pub dropout: f64,
    /// The most training items used, and how many a stand-in has.
    pub train: usize,
    /// Likewise of validation.
    pub val: usize,
    /// Likewise of test.
    pub test: usize,
    /// Multiplies the channels of networks.
    pub width: f64,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A whole number of at least 1.
    Count,
    /// A number above 0.
    Positive,
    /// A number of at least 0.
    NotNegative,
    /// At least 0, below 1.
    Fraction,
}

/// The keys of `--set`: name, kind.
const KEYS: [(&str, Kind); 10] = [
    ("epochs", Kind::Count),
    ("batch", Kind::Count),
    ("lr", Kind::Positive),
    ("momentum", Kind::Fraction),
    ("weight_decay", Kind::NotNegative),
    ("dropout", Kind::Fraction),
    ("train", Kind::Count),
    ("val", Kind::Count),
    ("test", Kind::Count),
    ("width", Kind::Positive),
];

impl Kind {
    fn parse(self, text: &str) -> Option<Value> {
        if matches!(self, Self::Count) {
            return text.parse::<u32>().ok().filter(|n| *n > 0).map(Value::from);
        }
        let x: f64 = text.parse().ok().filter(|x: &f64| x.is_finite())?;
        let fits = match self {
            Self::Count | Self::Positive => x > 0.0,
            Self::NotNegative => x >= 0.0,
            Self::Fraction => (0.0..1.0).contains(&x),
        };
        // Adding zero turns -0 into +0: one value, one hash.
        fits.then(|| Value::from(x + 0.0))
    }

    fn words(self) -> &'static str {
        match self {
            Self::Count => "a whole number of at least 1",
            Self::Positive => "a number above 0",
            Self::NotNegative => "a number of at least 0",
            Self::Fraction => "a number of at least 0 and below 1",
        }
    }
}

/// The overrides of `--set`, checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides(BTreeMap<String, Value>);

impl Overrides {
    /// Reads `K=V` words; of two for one key the last counts.
    ///
    /// # Errors
    /// If a key is unknown or a value not of its kind, in words for the user.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for word in words {
            let word = word.as_ref();
            let (key, text) = word.split_once('=').ok_or_else(|| format!("--set {word}: write KEY=VALUE"))?;
            let Some((_, kind)) = KEYS.iter().find(|(k, _)| *k == key) else {
                let known: Vec<&str> = KEYS.iter().map(|(k, _)| *k).collect();
                return Err(format!("--set {word}: there is no '{key}'; known are {}", known.join(", ")));
            };
            let value = kind.parse(text).ok_or_else(|| format!("--set {word}: {key} is {}", kind.words()))?;
            all.insert(key.to_owned(), value);
        }
        Ok(Self(all))
    }

    /// By key, as the identity records them.
    pub fn map(&self) -> &BTreeMap<String, Value> {
        &self.0
    }
}

/// A batch size, and what to say where it is not the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Items a step.
    pub size: usize,
    /// The notice that goes into the result.
    pub note: Option<String>,
}

impl Values {
    /// With overrides.
    ///
    /// # Panics
    /// Never: overrides were checked when parsed.
    #[must_use]
    pub fn with(&self, overrides: &Overrides) -> Self {
        let mut map = self.map();
        map.extend(overrides.0.clone());
        serde_json::from_value(Value::Object(map.into_iter().collect())).expect("checked when parsed")
    }

    /// By key, as the identity records them.
    ///
    /// # Panics
    /// Never: they are plain numbers.
    pub fn map(&self) -> BTreeMap<String, Value> {
        match serde_json::to_value(self).expect("plain numbers") {
            Value::Object(map) => map.into_iter().collect(),
            _ => unreachable!("a struct is an object"),
        }
    }

    /// The batch for `items` items. Where sizes are scaled (any profile but `paper`; partial copies; stand-ins) it is at
    /// most items / 16, rounded down to a power of two, so that an epoch has steps; unless `--set` chose it (`chosen`).
    pub fn batch_for(&self, items: usize, scaled: bool, chosen: bool) -> Batch {
        let most = match (items / 16).checked_ilog2() {
            _ if !scaled || chosen => items.max(1),
            Some(log) => 1 << log,
            None => 1,
        };
        let size = self.batch.min(most);
        let note = (size < self.batch).then(|| format!("batch {size} instead of {}: only {items} items", self.batch));
        Batch { size, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_every_task_and_paper_is_the_protocol() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
            for task in tasks::all() {
                let v = profile.values(task.facts().name);
                assert_eq!(v.map().keys().count(), KEYS.len());
                assert!(KEYS.iter().all(|(k, _)| v.map().contains_key(*k)));
                assert_eq!((v.momentum, v.weight_decay, v.dropout), (0.9, 5e-4, 0.0));
            }
        }
        for task in tasks::all() {
            let (facts, v) = (task.facts(), Profile::Paper.values(task.facts().name));
            assert_eq!(
                (v.train, v.val, v.test),
                (facts.sizes.train, facts.sizes.val, facts.sizes.test),
                "{}",
                facts.name
            );
        }
        let sat = Profile::Paper.values("satellite");
        assert_eq!((sat.epochs, sat.batch, sat.lr, sat.train, sat.width), (200, 4096, 0.1, 800_000, 1.0));
        assert_eq!(Profile::Paper.values("darcy").lr, 0.001);
        assert_eq!((Profile::Quick.values("satellite").epochs, Profile::Quick.values("satellite").width), (2, 1.0));
        assert_eq!((Profile::Quick.values("ecg").epochs, Profile::Quick.values("ecg").width), (4, 0.25));
        assert!("huge".parse::<Profile>().unwrap_err().contains("smoke, quick or paper"));
    }

    #[test]
    fn overrides_are_checked_by_kind_and_applied() {
        let set = Overrides::parse(&["epochs=30", "batch=128", "lr=.05", "momentum=-0", "epochs=31"]).unwrap();
        let v = Profile::Quick.values("satellite").with(&set);
        assert_eq!((v.epochs, v.batch, v.lr, v.momentum.to_bits()), (31, 128, 0.05, 0));
        assert_eq!(set.map()["lr"], Value::from(0.05));
        for (word, part) in [
            ("epoch=3", "there is no 'epoch'; known are epochs, batch, lr, momentum, weight_decay"),
            ("epochs", "write KEY=VALUE"),
            ("epochs=0", "epochs is a whole number of at least 1"),
            ("batch=12.5", "batch is a whole number"),
            ("lr=fast", "lr is a number above 0"),
            ("lr=inf", "lr is a number above 0"),
            ("dropout=1", "dropout is a number of at least 0 and below 1"),
            ("weight_decay=-1", "weight_decay is a number of at least 0"),
        ] {
            let text = Overrides::parse(&[word]).unwrap_err();
            assert!(text.starts_with(&format!("--set {word}: ")) && text.contains(part), "{text}");
        }
    }

    #[test]
    fn scaled_batches_leave_an_epoch_sixteen_steps() {
        let v = Profile::Paper.values("satellite");
        let size = |items, scaled, chosen| v.batch_for(items, scaled, chosen).size;
        assert_eq!((size(900_000, false, false), size(100, false, false)), (4096, 100));
        assert_eq!((size(7_200, true, false), size(7_200, true, true), size(3, true, false)), (256, 4096, 1));
        assert_eq!((size(900_000, true, false), size(0, true, false), size(0, false, false)), (4096, 1, 1));
        assert_eq!(v.batch_for(7_200, true, false).note.unwrap(), "batch 256 instead of 4096: only 7200 items");
        assert_eq!(v.batch_for(900_000, false, false).note, None);
    }
}

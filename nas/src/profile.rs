//! How large a cell is: the values of a profile for a task, as data (`profiles.toml`), and the overrides of `--set`.
//!
//! A profile only scales sizes; it never chooses another code path.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::protocol::method_named;

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

    /// The values of a method on a task.
    ///
    /// # Panics
    /// If there is no such task or method.
    pub fn values(self, task: &str, method: &str) -> Values {
        let table: toml::Table = TABLE.parse().expect("profiles.toml is TOML");
        let row = method_named(method).unwrap_or_else(|| panic!("no method '{method}'"));
        let of = |path: &[&str]| {
            let first = table.get(path[0]).and_then(|v| v.as_table());
            let found = path[1..].iter().fold(first, |t, key| t?.get(*key)?.as_table());
            found.into_iter().flatten().filter(|(_, v)| !v.is_table()).map(|(k, v)| (k.clone(), v.clone()))
        };
        assert!(table["task"].get(task).is_some(), "no task '{task}'");
        let mut merged = toml::Table::new();
        merged.extend(of(&["protocol"]));
        merged.extend(of(&["task", task]));
        for name in row.like.into_iter().chain([method]) {
            merged.extend(of(&["method", name]));
            merged.extend(of(&["method", name, task]));
        }
        merged.extend(of(&[self.name()]));
        merged.extend(of(&[self.name(), "task", task]));
        for name in row.like.into_iter().chain([method]) {
            merged.extend(of(&[self.name(), name]));
            merged.extend(of(&[self.name(), name, task]));
        }
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
    /// The method's own: see [`KEYS`].
    #[serde(flatten)]
    pub own: BTreeMap<String, Value>,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A whole number of at least 1.
    Count,
    /// A whole number.
    Whole,
    /// A number above 0.
    Positive,
    /// A number of at least 0.
    NotNegative,
    /// At least 0, below 1.
    Fraction,
}

/// A key of `--set`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As it is typed.
    pub name: &'static str,
    kind: Kind,
    /// The methods that have it, those of [`crate::protocol::MethodName::like`] included; empty: all.
    methods: &'static [&'static str],
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, methods: &[] }
}

const fn own(name: &'static str, kind: Kind, methods: &'static [&'static str]) -> Key {
    Key { name, kind, methods }
}

/// The keys of `--set`: those of every method, then methods' own.
pub const KEYS: [Key; 31] = [
    key("epochs", Kind::Count),
    key("batch", Kind::Count),
    key("lr", Kind::Positive),
    key("momentum", Kind::Fraction),
    key("weight_decay", Kind::NotNegative),
    key("dropout", Kind::Fraction),
    key("train", Kind::Count),
    key("val", Kind::Count),
    key("test", Kind::Count),
    // Multiplies the channels of networks.
    own("width", Kind::Positive, &["wrn", "densenas", "amber", "fno"]),
    // The search: its epochs, items a step of each part, learning rate of the weights.
    own("search_epochs", Kind::Count, &["gaea", "densenas", "autodl"]),
    own("search_batch", Kind::Count, &["gaea", "densenas", "autodl", "amber"]),
    own("search_lr", Kind::Positive, &["gaea", "densenas", "autodl", "amber"]),
    // Channels and cells of supernet and of final network.
    own("search_channels", Kind::Count, &["gaea"]),
    own("search_layers", Kind::Count, &["gaea"]),
    own("channels", Kind::Count, &["gaea"]),
    own("layers", Kind::Count, &["gaea"]),
    // Channels of a node on the finest level, likewise.
    own("search_filters", Kind::Count, &["autodl"]),
    own("filters", Kind::Count, &["autodl"]),
    // Probability that a path is dropped in the last epoch; side of cutout (0: none); weight of the auxiliary head (0: none).
    own("drop_path", Kind::Fraction, &["gaea"]),
    own("cutout", Kind::Whole, &["gaea"]),
    own("auxiliary", Kind::NotNegative, &["gaea"]),
    // Weight of the expected cost; multiplies the stacked layers of a block.
    own("cost_weight", Kind::NotNegative, &["densenas"]),
    own("depth", Kind::Positive, &["densenas"]),
    // Epochs and items a step of a trial, and the fewest trials.
    own("trial_epochs", Kind::Count, &["densenas-random"]),
    own("trial_batch", Kind::Count, &["densenas-random"]),
    // Episodes; of each, mini-batches of the shared weights and architectures that are judged.
    own("episodes", Kind::Count, &["amber"]),
    own("episode_steps", Kind::Count, &["amber"]),
    own("episode_architectures", Kind::Count, &["amber"]),
    // Trials; brackets: 0 aggressive, 1 standard.
    own("trials", Kind::Count, &["wrn-asha", "densenas-random"]),
    own("standard", Kind::Whole, &["wrn-asha"]),
];

impl Key {
    /// Whether a method has it.
    pub fn of(&self, method: &str) -> bool {
        let like = method_named(method).and_then(|m| m.like);
        self.methods.is_empty() || self.methods.iter().any(|m| *m == method || Some(*m) == like)
    }
}

impl Kind {
    fn parse(self, text: &str) -> Option<Value> {
        if matches!(self, Self::Count | Self::Whole) {
            let least = u32::from(matches!(self, Self::Count));
            return text.parse::<u32>().ok().filter(|n| *n >= least).map(Value::from);
        }
        let x: f64 = text.parse().ok().filter(|x: &f64| x.is_finite())?;
        let fits = match self {
            Self::Count | Self::Positive => x > 0.0,
            Self::Whole | Self::NotNegative => x >= 0.0,
            Self::Fraction => (0.0..1.0).contains(&x),
        };
        // Adding zero turns -0 into +0: one value, one hash.
        fits.then(|| Value::from(x + 0.0))
    }

    fn words(self) -> &'static str {
        match self {
            Self::Count => "a whole number of at least 1",
            Self::Whole => "a whole number",
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
            let Some(Key { kind, .. }) = KEYS.iter().find(|k| k.name == key) else {
                let known: Vec<&str> = KEYS.iter().map(|k| k.name).collect();
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

    /// Those that a method has.
    #[must_use]
    pub fn of(&self, method: &str) -> Self {
        let has = |name: &str| KEYS.iter().any(|k| k.name == name && k.of(method));
        Self(self.0.iter().filter(|(k, _)| has(k)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// Those that none of these methods has.
    pub fn idle<'a>(&self, methods: impl Iterator<Item = &'a str> + Clone) -> Vec<&str> {
        let used = |name: &str| methods.clone().any(|m| KEYS.iter().any(|k| k.name == name && k.of(m)));
        self.0.keys().map(String::as_str).filter(|k| !used(k)).collect()
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

impl Batch {
    /// At least so many, but no more than were asked for.
    #[must_use]
    pub fn at_least(self, least: usize) -> Self {
        if self.note.is_none() || self.size >= least {
            return self;
        }
        let note = self.note.map(|n| n.replacen(&format!("batch {}", self.size), &format!("batch {least}"), 1));
        Self { size: least, note }
    }
}

impl Values {
    /// A whole number of the method's own.
    ///
    /// # Panics
    /// If the method has no such key.
    pub fn count(&self, key: &str) -> usize {
        let found = self.own.get(key).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("the method has no whole number '{key}' in profiles.toml")) as usize
    }

    /// A number of the method's own.
    ///
    /// # Panics
    /// If the method has no such key.
    pub fn real(&self, key: &str) -> f64 {
        let found = self.own.get(key).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("the method has no number '{key}' in profiles.toml"))
    }

    /// With overrides, those that the method has.
    ///
    /// # Panics
    /// Never: overrides were checked when parsed.
    #[must_use]
    pub fn with(&self, overrides: &Overrides) -> Self {
        let mut map = self.map();
        map.extend(overrides.0.clone().into_iter().filter(|(k, _)| map.contains_key(k)).collect::<Vec<_>>());
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
        Self::batch_of(self.batch, items, scaled, chosen)
    }

    /// The same for another batch that is asked for (of a search, of trials).
    pub fn batch_of(batch: usize, items: usize, scaled: bool, chosen: bool) -> Batch {
        let most = match (items / 16).checked_ilog2() {
            _ if !scaled || chosen => items.max(1),
            Some(log) => 1 << log,
            None => 1,
        };
        let size = batch.min(most);
        let note = (size < batch).then(|| format!("batch {size} instead of {batch}: only {items} items"));
        Batch { size, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::METHODS;

    #[test]
    fn every_profile_has_every_task_and_method_and_paper_is_the_protocol() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
            for task in tasks::all() {
                for method in METHODS.iter().filter(|m| crate::methods::exists(*task, m.name)) {
                    let v = profile.values(task.facts().name, method.name);
                    let keys: Vec<String> = v.map().keys().cloned().collect();
                    let mut want: Vec<&str> = KEYS.iter().filter(|k| k.of(method.name)).map(|k| k.name).collect();
                    want.sort_unstable();
                    assert_eq!(keys, want, "{profile} {} {}", task.facts().name, method.name);
                    for key in KEYS.iter().filter(|k| k.of(method.name)) {
                        let text = v.map()[key.name].to_string();
                        assert!(key.kind.parse(&text).is_some(), "{}: {} = {text}", task.facts().name, key.name);
                    }
                }
            }
        }
        for task in tasks::all() {
            let (facts, v) = (task.facts(), Profile::Paper.values(task.facts().name, "wrn"));
            assert_eq!((v.momentum, v.weight_decay, v.dropout, v.epochs), (0.9, 5e-4, 0.0, 200));
            assert_eq!(
                (v.train, v.val, v.test),
                (facts.sizes.train, facts.sizes.val, facts.sizes.test),
                "{}",
                facts.name
            );
        }
        let sat = Profile::Paper.values("satellite", "wrn");
        assert_eq!((sat.batch, sat.lr, sat.train, sat.real("width")), (4096, 0.1, 800_000, 1.0));
        assert_eq!(Profile::Paper.values("darcy", "wrn").lr, 0.001);
        let quick = |task| Profile::Quick.values(task, "wrn");
        assert_eq!((quick("satellite").epochs, quick("satellite").real("width")), (2, 1.0));
        assert_eq!((quick("ecg").epochs, quick("ecg").real("width")), (4, 0.25));
        assert!("huge".parse::<Profile>().unwrap_err().contains("smoke, quick or paper"));
    }

    #[test]
    fn overrides_are_checked_by_kind_and_applied() {
        let set = Overrides::parse(&["epochs=30", "batch=128", "lr=.05", "momentum=-0", "epochs=31"]).unwrap();
        let v = Profile::Quick.values("satellite", "wrn").with(&set);
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
        let v = Profile::Paper.values("satellite", "wrn");
        let size = |items, scaled, chosen| v.batch_for(items, scaled, chosen).size;
        assert_eq!((size(900_000, false, false), size(100, false, false)), (4096, 100));
        assert_eq!((size(7_200, true, false), size(7_200, true, true), size(3, true, false)), (256, 4096, 1));
        assert_eq!((size(900_000, true, false), size(0, true, false), size(0, false, false)), (4096, 1, 1));
        assert_eq!(v.batch_for(7_200, true, false).note.unwrap(), "batch 256 instead of 4096: only 7200 items");
        assert_eq!(v.batch_for(900_000, false, false).note, None);
        let two = |batch, items| Values::batch_of(batch, items, true, false).at_least(2);
        assert_eq!((two(14, 28).size, two(14, 28).note), (2, Some("batch 2 instead of 14: only 28 items".to_owned())));
        assert_eq!((two(14, 160).size, two(1, 28).size), (8, 1));
    }
}

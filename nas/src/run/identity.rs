//! What a run is: everything its results depend on, and the hash of that.

pub use kernels::cuda::Mode;
use nn::checkpoint::canonical;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything a run's results depend on. Device, threads and SIMD level are not in it: they change no bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The task's name.
    pub task: String,
    /// The method's name.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// `corrected` or `published`.
    pub protocol: String,
    /// The quirks in force.
    pub quirks: BTreeSet<String>,
    /// How products are computed on a card.
    #[serde(with = "mode")]
    pub mode: Mode,
    /// The profile's name.
    pub profile: String,
    /// The profile's values in force, overrides included.
    pub values: BTreeMap<String, Value>,
    /// The overrides of `--set`, by key.
    pub set: BTreeMap<String, Value>,
    /// BLAKE3 of the architecture file of `--arch`, where one was given.
    pub arch: Option<String>,
    /// BLAKE3 of the task's data.
    pub data: String,
    /// The code's version, [`crate::code_version`].
    pub code: String,
}

impl Identity {
    /// As JSON.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).expect("plain data")
    }

    /// BLAKE3 of the canonical JSON, in hexadecimal.
    pub fn hash(&self) -> String {
        blake3::hash(canonical(&self.json()).as_bytes()).to_hex().to_string()
    }
}

/// The mode by its name.
mod mode {
    use super::Mode;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(mode: &Mode, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(mode)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Mode, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// What this process is run with: written into the manifest beside the identity, no part of the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The git commit, with `-dirty` where the tree was changed; `unknown` outside a repository.
    pub commit: String,
    /// The device.
    pub device: String,
    /// The SIMD level.
    pub simd: String,
    /// Threads.
    pub threads: usize,
    /// What computes convolutions in speed mode, where it is cuDNN: version and card, for which alone the results hold.
    pub cudnn: Option<String>,
}

/// One field in which two configurations differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field's path (`values.epochs`).
    pub field: String,
    /// What the folder was begun with; `-` where it had no such field.
    pub old: String,
    /// What is asked for now; `-` likewise.
    pub new: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.field, self.old, self.new)
    }
}

/// The fields in which two JSON values differ, by path, in order.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let (mut a, mut b) = (BTreeMap::new(), BTreeMap::new());
    flatten(&mut a, "", old);
    flatten(&mut b, "", new);
    let fields: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let text = |m: &BTreeMap<String, String>, k: &String| m.get(k).cloned().unwrap_or_else(|| "-".to_owned());
    fields
        .into_iter()
        .filter(|k| a.get(*k) != b.get(*k))
        .map(|k| Difference { field: k.clone(), old: text(&a, k), new: text(&b, k) })
        .collect()
}

fn flatten(out: &mut BTreeMap<String, String>, path: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            for (key, v) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(out, &path, v);
            }
        }
        Value::Null => {}
        Value::String(s) => {
            out.insert(path.to_owned(), s.clone());
        }
        v => {
            out.insert(path.to_owned(), canonical(v));
        }
    }
}

#[cfg(test)]
pub(crate) fn sample(seed: u64) -> Identity {
    Identity {
        task: "satellite".into(),
        method: "wrn".into(),
        seed,
        protocol: "corrected".into(),
        quirks: BTreeSet::new(),
        mode: Mode::Exact,
        profile: "quick".into(),
        values: [("epochs".to_owned(), Value::from(2)), ("lr".to_owned(), Value::from(0.1))].into(),
        set: BTreeMap::new(),
        arch: None,
        data: "d0".into(),
        code: crate::code_version(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_covers_every_field_and_reads_back() {
        let base = sample(0);
        let back: Identity = serde_json::from_value(base.json()).unwrap();
        assert_eq!(back.hash(), base.hash());
        let changes: [fn(&mut Identity); 12] = [
            |i| i.task = "ecg".into(),
            |i| i.method = "gaea".into(),
            |i| i.seed = 1,
            |i| i.protocol = "published".into(),
            |i| i.quirks = ["corner-pool".to_owned()].into(),
            |i| i.mode = Mode::Speed,
            |i| i.profile = "paper".into(),
            |i| drop(i.values.insert("epochs".into(), 3.into())),
            |i| drop(i.set.insert("epochs".into(), 2.into())),
            |i| i.arch = Some("a".into()),
            |i| i.data = "d1".into(),
            |i| i.code.push('x'),
        ];
        let mut seen = BTreeSet::from([base.hash()]);
        for change in changes {
            let mut other = base.clone();
            change(&mut other);
            assert!(seen.insert(other.hash()));
            assert_eq!(differences(&base.json(), &other.json()).len(), 1);
        }
    }

    #[test]
    fn differences_name_fields_old_and_new() {
        let (old, mut new) = (sample(0), sample(0));
        new.values.insert("epochs".into(), 30.into());
        new.set.insert("epochs".into(), 30.into());
        new.data = "d1".into();
        let lines: Vec<String> = differences(&old.json(), &new.json()).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["data: d0 -> d1", "set.epochs: - -> 30", "values.epochs: 2 -> 30"]);
    }
}

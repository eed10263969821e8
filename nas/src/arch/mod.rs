//! Architectures are files: `arch.json` holds everything that rebuilds a network, and how it was found.
//!
//! ```json
//! {"format": 1, "method": "wrn", "task": "cifar100", "kind": "point2d", "input": [32, 32, 3], "outputs": 100,
//!  "rule": "fixed", "parameters": 2772020, "multiply_adds": 392...,
//!  "network": {"family": "wrn", "depth": 16, "widen": 4, "pooling": "whole"}}
//! ```
//!
//! `network` is read by its family, one line each in [`FAMILIES`]; what it lacks is refused, never assumed. A search may add
//! `hyperparameters` that the final training takes instead of the profile's, and `search`, facts about itself.

mod count;
pub mod draw;
pub mod outline;

use std::collections::BTreeMap;
use std::path::Path;

use nn::{Builder, Network};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tasks::{Facts, Kind};

use crate::Error;
use crate::profile::Values;

pub use count::{Counts, DEFINITION, count};

/// The version of the file's layout.
pub const FORMAT: u32 = 1;

/// What a search found, before it is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How, in words.
    pub rule: String,
    /// The network: an object whose `family` says how the rest is read.
    pub network: Json,
    /// Values that the final training takes instead of the profile's (`lr`, `momentum`, `weight_decay`, `dropout`).
    pub hyperparameters: BTreeMap<String, f64>,
    /// Facts about the search.
    pub search: Option<Json>,
}

impl Found {
    /// A network that nothing searched for.
    pub fn fixed(network: Json) -> Self {
        Self { rule: "fixed".to_owned(), network, hyperparameters: BTreeMap::new(), search: None }
    }
}

/// What a network reads and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// One answer an image, one a pixel, or one a series.
    pub kind: Kind,
    /// Shape of one input, channels last.
    pub input: Vec<usize>,
    /// Classes, labels or channels.
    pub outputs: usize,
}

impl Form {
    /// As a task's published data have it.
    pub fn of(facts: &Facts) -> Self {
        Self { kind: facts.kind, input: facts.input.to_vec(), outputs: facts.outputs }
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.input.last().copied().unwrap_or(1)
    }
}

/// The content of `arch.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arch {
    /// [`FORMAT`].
    pub format: u32,
    /// Which method found it.
    pub method: String,
    /// On which task.
    pub task: String,
    /// `point2d`, `dense2d` or `series`.
    #[serde(with = "kind")]
    pub kind: Kind,
    /// Shape of one input, channels last.
    pub input: Vec<usize>,
    /// Classes, labels or channels.
    pub outputs: usize,
    /// How it was found.
    pub rule: String,
    /// See [`Found::network`].
    pub network: Json,
    /// See [`Found::hyperparameters`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hyperparameters: BTreeMap<String, f64>,
    /// See [`Found::search`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Json>,
    /// Trained numbers of the network.
    pub parameters: usize,
    /// Multiply-adds of one input's forward: see [`DEFINITION`].
    pub multiply_adds: u64,
}

impl Arch {
    /// What a method found on a task, counted.
    ///
    /// # Errors
    /// If the network is not one.
    pub fn new(method: &str, task: &str, form: &Form, found: Found) -> Result<Self, Error> {
        let Form { kind, ref input, outputs } = *form;
        let Counts { parameters, multiply_adds } = count(&found.network, form)?;
        let Found { rule, network, hyperparameters, search } = found;
        let (method, task, input) = (method.to_owned(), task.to_owned(), input.clone());
        Ok(Self {
            format: FORMAT,
            method,
            task,
            kind,
            input,
            outputs,
            rule,
            network,
            hyperparameters,
            search,
            parameters,
            multiply_adds,
        })
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// If they are no architecture, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let json: Json = serde_json::from_slice(bytes).map_err(|e| Error::Arch(format!("no JSON: {e}")))?;
        match json["format"].as_u64() {
            Some(f) if f == u64::from(FORMAT) => {}
            Some(f) => {
                return Err(Error::Arch(format!(
                    "format {f}, this program reads {FORMAT}: use the version that wrote it"
                )));
            }
            None => return Err(Error::Arch("no architecture file: it has no number 'format'".to_owned())),
        }
        let arch: Self = serde_json::from_value(json).map_err(|e| Error::Arch(e.to_string()))?;
        if arch.input.is_empty() || arch.input.contains(&0) || arch.outputs == 0 {
            return Err(Error::Arch(format!("input {:?} and {} outputs are no task's", arch.input, arch.outputs)));
        }
        let known = ["lr", "momentum", "weight_decay", "dropout"];
        if let Some(key) = arch.hyperparameters.keys().find(|k| !known.contains(&k.as_str())) {
            return Err(Error::Arch(format!("hyperparameter '{key}' is none of {}", known.join(", "))));
        }
        family(&arch.network)?;
        Ok(arch)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no architecture; the message names it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let named = |e: String| Error::Arch(format!("{}: {e}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| named(e.to_string()))?;
        Self::parse(&bytes).map_err(|e| match e {
            Error::Arch(what) => named(what),
            other => other,
        })
    }

    /// As JSON.
    ///
    /// # Panics
    /// Never: it is plain data.
    pub fn json(&self) -> Json {
        serde_json::to_value(self).expect("plain data")
    }

    /// What its network reads and gives.
    pub fn form(&self) -> Form {
        Form { kind: self.kind, input: self.input.clone(), outputs: self.outputs }
    }

    /// What was found, for another problem of its kind.
    pub fn found(&self) -> Found {
        Found {
            rule: self.rule.clone(),
            network: self.network.clone(),
            hyperparameters: self.hyperparameters.clone(),
            search: self.search.clone(),
        }
    }

    /// Counts the network again.
    ///
    /// # Errors
    /// If it is not one.
    pub fn count(&self) -> Result<Counts, Error> {
        count(&self.network, &self.form())
    }

    /// The values that its final training takes.
    #[must_use]
    pub fn values(&self, values: &Values) -> Values {
        let mut values = values.clone();
        for (key, &x) in &self.hyperparameters {
            match key.as_str() {
                "lr" => values.lr = x,
                "momentum" => values.momentum = x,
                "weight_decay" => values.weight_decay = x,
                "dropout" => values.dropout = x,
                _ => unreachable!("checked when read"),
            }
        }
        values
    }
}

/// Builds a network of a family; `dropout` where the family has any.
pub type Build = fn(&Json, &Form, f32, &mut Builder<'_>) -> Result<Box<dyn Network>, Error>;

/// A family of networks.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The value of `network.family`.
    pub name: &'static str,
    /// Builds one.
    pub build: Build,
}

/// The families: one line each.
pub const FAMILIES: &[Family] = &[
    Family { name: "wrn", build: crate::wrn::wide },
    Family { name: "resnet1d", build: crate::wrn::resnet1d },
    Family { name: "cells", build: cells },
    Family { name: "blocks", build: blocks },
    Family { name: "branches", build: crate::amber::network::build },
    Family { name: "fno", build: crate::fno::build },
    Family { name: "deeplab", build: deeplab },
    Family { name: "constant", build: crate::yardstick::constant },
    Family { name: "linear", build: crate::yardstick::linear },
];

fn cells(network: &Json, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    let built = crate::gaea::network::build(network, form.kind, &form.input, form.outputs, at);
    built.map_err(|e| Error::Arch(e.to_string()))
}

fn blocks(network: &Json, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    let blocks = crate::densenas::Blocks::read(network).map_err(Error::Arch)?;
    Ok(Box::new(blocks.build(form.kind, form.channels(), form.outputs, at)))
}

fn deeplab(network: &Json, form: &Form, _: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    if form.kind != Kind::Dense2d {
        return Err(Error::Arch(
            "a network of family 'deeplab' answers every pixel: this task has one answer".to_owned(),
        ));
    }
    let spec = crate::autodl::DeepLabSpec::read(network).map_err(Error::Arch)?;
    Ok(Box::new(crate::autodl::DeepLab::new(at, &spec, form.channels(), form.outputs)))
}

/// The family of a network.
///
/// # Errors
/// If it names none that exists.
pub fn family(network: &Json) -> Result<&'static Family, Error> {
    let name = text(network, "family")?;
    FAMILIES.iter().find(|f| f.name == name).ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|f| f.name).collect();
        Error::Arch(format!("network.family '{}' is none of {}", name.escape_debug(), known.join(", ")))
    })
}

/// Builds a network.
///
/// # Errors
/// If the description lacks something, or does not fit the form.
pub fn build(network: &Json, form: &Form, dropout: f32, at: &mut Builder<'_>) -> Result<Box<dyn Network>, Error> {
    (family(network)?.build)(network, form, dropout, at)
}

/// The text `network.<key>`.
pub(crate) fn text<'a>(network: &'a Json, key: &str) -> Result<&'a str, Error> {
    network[key].as_str().ok_or_else(|| Error::Arch(format!("network.{key} is {}, not a text", network[key])))
}

/// The whole number `network.<key>`, from 1 to `most`.
pub(crate) fn whole(network: &Json, key: &str, most: usize) -> Result<usize, Error> {
    let found = network[key].as_u64().map(|n| n as usize).filter(|n| (1..=most).contains(n));
    found.ok_or_else(|| Error::Arch(format!("network.{key} is {}, not a whole number from 1 to {most}", network[key])))
}

/// Refuses keys that a family does not have.
pub(crate) fn only(network: &Json, keys: &[&str]) -> Result<(), Error> {
    let wrong = network.as_object().and_then(|o| o.keys().find(|k| *k != "family" && !keys.contains(&k.as_str())));
    match wrong {
        None => Ok(()),
        Some(key) => {
            Err(Error::Arch(format!("network.{} is not known; there are {}", key.escape_debug(), keys.join(", "))))
        }
    }
}

/// Kinds by their names.
mod kind {
    use super::Kind;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    const NAMES: [(Kind, &str); 3] = [(Kind::Point2d, "point2d"), (Kind::Dense2d, "dense2d"), (Kind::Series, "series")];

    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(NAMES.iter().find(|(k, _)| k == kind).expect("every kind has a name").1)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let text = String::deserialize(from)?;
        let found = NAMES.iter().find(|(_, n)| *n == text).map(|(k, _)| *k);
        found.ok_or_else(|| D::Error::custom(format!("kind '{text}' is none of point2d, dense2d, series")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Arch {
        let form = Form { kind: Kind::Point2d, input: vec![32, 32, 3], outputs: 10 };
        let network = json!({"family": "wrn", "depth": 16, "widen": 4, "pooling": "whole"});
        Arch::new("wrn", "cifar100", &form, Found::fixed(network)).unwrap()
    }

    #[test]
    fn a_file_is_counted_and_reads_back() {
        let arch = sample();
        assert_eq!((arch.parameters, arch.multiply_adds / 100_000), (2_748_890, 3_926));
        assert_eq!(Arch::parse(arch.json().to_string().as_bytes()).unwrap(), arch);
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_assumed() {
        let refused = |edit: fn(&mut Json)| {
            let mut json = sample().json();
            edit(&mut json);
            let parsed = Arch::parse(json.to_string().as_bytes());
            parsed.and_then(|a| a.count()).map(|_| ()).unwrap_err().to_string()
        };
        for (edit, part) in [
            ((|j| j["format"] = 2.into()) as fn(&mut Json), "format 2, this program reads 1"),
            (|j| drop(j.as_object_mut().unwrap().remove("format")), "it has no number 'format'"),
            (|j| drop(j.as_object_mut().unwrap().remove("rule")), "missing field `rule`"),
            (|j| j["more"] = 1.into(), "unknown field `more`"),
            (|j| j["kind"] = "3d".into(), "kind '3d' is none of point2d, dense2d, series"),
            (|j| j["outputs"] = 0.into(), "0 outputs are no task's"),
            (|j| j["network"] = json!({}), "network.family is null, not a text"),
            (|j| j["network"]["family"] = "vgg".into(), "'vgg' is none of wrn, resnet1d"),
            (
                |j| drop(j["network"].as_object_mut().unwrap().remove("widen")),
                "network.widen is null, not a whole number",
            ),
            (|j| j["network"]["widen"] = 4.5.into(), "network.widen is 4.5, not a whole number"),
            (|j| j["network"]["depth"] = 17.into(), "network.depth is 17"),
            (|j| j["network"]["wide"] = 4.into(), "network.wide is not known"),
            (|j| j["hyperparameters"] = json!({"rate": 1.0}), "hyperparameter 'rate' is none of lr"),
        ] {
            let text = refused(edit);
            assert!(text.contains(part), "{text} / {part}");
        }
        assert!(Arch::parse(b"{").unwrap_err().to_string().contains("no JSON"));
    }
}

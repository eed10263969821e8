//! What an `arch.json` says, read into types: for drawing, and for writing the network in another language.

use crate::densenas::network::Blocks;
use crate::gaea::space::Genotype;
use serde_json::Value as Json;
use tasks::Kind;

/// An architecture with what it was made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The method that found it.
    pub method: String,
    /// The task.
    pub task: String,
    /// What is answered.
    pub kind: Kind,
    /// Shape of one input, channels last.
    pub input: Vec<usize>,
    /// Classes, labels or channels.
    pub outputs: usize,
    /// How it was found, in words.
    pub rule: String,
    /// Trained numbers, as recorded.
    pub parameters: Option<u64>,
    /// Multiply-adds of one input's forward, as recorded.
    pub multiply_adds: Option<u64>,
    /// The network.
    pub network: Family,
}

/// The member `network`.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    /// A wide residual network.
    Wrn {
        /// Layers with weights along the main path.
        depth: usize,
        /// Multiple of 16, 32, 64 channels.
        widen: usize,
        /// Rows and columns that the head averages; none: the whole map.
        corner: Option<usize>,
    },
    /// The three-stage residual network for series.
    Resnet1d {
        /// Channels of the first stage; the others have twice as many.
        width: usize,
    },
    /// A stack of two kinds of cell.
    Cells {
        /// Channels of a node in the first cells.
        channels: usize,
        /// Cells.
        layers: usize,
        /// What is in them.
        genotype: Genotype,
        /// Weight of the batch in new running statistics.
        momentum: f64,
        /// Added to variances.
        eps: f64,
        /// Whether training has an auxiliary head; evaluation has none.
        auxiliary: bool,
    },
    /// A path of residual blocks.
    Blocks(Blocks),
}

/// Why an `arch.json` is refused: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// The name of a kind in files.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Point2d => "point2d",
        Kind::Dense2d => "dense2d",
        Kind::Series => "series",
    }
}

/// A member of an object, by the type that is read.
fn member<T>(json: &Json, name: &str, what: &str, read: impl Fn(&Json) -> Option<T>) -> Result<T, Refused> {
    match json.get(name) {
        None => Err(Refused(format!("'{name}' is missing; give {what}"))),
        Some(value) => read(value).ok_or_else(|| Refused(format!("'{name}' is {value}; give {what}"))),
    }
}

fn whole(json: &Json) -> Option<usize> {
    json.as_u64().filter(|n| (1..=1 << 20).contains(n)).map(|n| n as usize)
}

fn count(json: &Json, name: &str) -> Result<usize, Refused> {
    member(json, name, "a whole number above 0", whole)
}

fn text(json: &Json, name: &str) -> Result<String, Refused> {
    member(json, name, "a text", |v| v.as_str().map(str::to_owned))
}

impl Outline {
    /// Reads the content of an `arch.json`.
    ///
    /// # Errors
    /// If a member is missing or makes no sense: which, and why. Nothing is assumed in its place.
    pub fn read(arch: &Json) -> Result<Self, Refused> {
        member(arch, "format", "1, the format that this program reads", |v| (*v == 1).then_some(()))?;
        let kind = member(arch, "kind", "\"point2d\", \"dense2d\" or \"series\"", |v| {
            [Kind::Point2d, Kind::Dense2d, Kind::Series].into_iter().find(|k| v == kind_name(*k))
        })?;
        let rank = if kind == Kind::Series { 2 } else { 3 };
        let sizes = format!("{rank} sizes above 0, channels last");
        let input = member(arch, "input", &sizes, |v| {
            let sizes: Option<Vec<usize>> = v.as_array()?.iter().map(whole).collect();
            sizes.filter(|s| s.len() == rank)
        })?;
        let network = member(arch, "network", "an object", |v| v.is_object().then(|| v.clone()))?;
        let family = Family::read(&network, kind).map_err(|e| Refused(format!("network: {e}")))?;
        Ok(Self {
            method: text(arch, "method")?,
            task: text(arch, "task")?,
            kind,
            input,
            outputs: count(arch, "outputs")?,
            rule: text(arch, "rule")?,
            parameters: arch["parameters"].as_u64(),
            multiply_adds: arch["multiply_adds"].as_u64(),
            network: family,
        })
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.input.last().copied().unwrap_or(0)
    }
}

impl Family {
    fn read(json: &Json, kind: Kind) -> Result<Self, Refused> {
        let families = "\"wrn\", \"resnet1d\", \"cells\" or \"blocks\"";
        let family = member(json, "family", families, |v| v.as_str().map(str::to_owned))?;
        let series = kind == Kind::Series;
        match family.as_str() {
            "wrn" if series => Err(Refused("family 'wrn' is for images; give 'resnet1d'".to_owned())),
            "resnet1d" if !series => Err(Refused("family 'resnet1d' is for series; give 'wrn'".to_owned())),
            "wrn" => Ok(Self::Wrn {
                depth: member(json, "depth", "10, 16, 22, ...", |v| whole(v).filter(|d| *d >= 10 && d % 6 == 4))?,
                widen: count(json, "widen")?,
                corner: member(json, "pooling", "\"whole\", or rows and columns", |v| match v.as_str() {
                    Some("whole") => Some(None),
                    _ => whole(v).map(Some),
                })?,
            }),
            "resnet1d" => Ok(Self::Resnet1d { width: count(json, "width")? }),
            "blocks" => Blocks::read(json).map(Self::Blocks).map_err(Refused),
            "cells" => {
                let genotype = member(json, "genotype", "an object", |v| v.is_object().then(|| v.clone()))?;
                let genotype = Genotype::from_json(&genotype).map_err(|e| Refused(e.to_string()))?;
                if genotype.reduce.is_some() != (kind != Kind::Dense2d) {
                    let what = "the genotype's 'reduce' is null where each pixel is answered, and a cell elsewhere";
                    return Err(Refused(what.to_owned()));
                }
                Ok(Self::Cells {
                    channels: count(json, "channels")?,
                    layers: count(json, "layers")?,
                    genotype,
                    momentum: member(json, "momentum", "a number", Json::as_f64)?,
                    eps: member(json, "eps", "a number", Json::as_f64)?,
                    auxiliary: member(json, "auxiliary", "true or false", Json::as_bool)?,
                })
            }
            other => Err(Refused(format!("there is no family '{other}'; give {families}"))),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// An architecture of a network, for an image of 32 x 32 or a series of 1,000.
    pub(crate) fn arch(kind: &str, network: Json) -> Json {
        let (task, input) = match kind {
            "series" => ("ecg", json!([1000, 1])),
            "dense2d" => ("darcy", json!([85, 85, 3])),
            _ => ("cifar100", json!([32, 32, 3])),
        };
        json!({"format": 1, "method": "gaea", "task": task, "kind": kind, "input": input, "outputs": 100,
            "rule": "two edges a node by the largest weight", "parameters": 3_401_272, "multiply_adds": 528_360_000u64,
            "network": network})
    }

    pub(crate) fn darts_v2() -> Json {
        json!({"family": "cells", "channels": 36, "layers": 20, "momentum": 0.1, "eps": 1e-5, "auxiliary": false,
            "genotype": {"normal": [[["sep_conv_3x3", 0], ["sep_conv_3x3", 1]], [["sep_conv_3x3", 0], ["sep_conv_3x3", 1]],
                [["sep_conv_3x3", 1], ["skip_connect", 0]], [["skip_connect", 0], ["dil_conv_3x3", 2]]],
            "reduce": [[["max_pool_3x3", 0], ["max_pool_3x3", 1]], [["skip_connect", 2], ["max_pool_3x3", 1]],
                [["max_pool_3x3", 0], ["skip_connect", 2]], [["skip_connect", 2], ["avg_pool_3x3", 1]]]}})
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let refused = |kind: &str, network: Json| Outline::read(&arch(kind, network)).unwrap_err().to_string();
        let mut cells = darts_v2();
        assert!(Outline::read(&arch("point2d", cells.clone())).is_ok());
        assert!(refused("dense2d", cells.clone()).contains("'reduce' is null"));
        cells["genotype"]["normal"][1][0] = json!(["sep_conv_3x3", 3]);
        assert!(refused("point2d", cells).contains("normal, node 1: 3 is none of its 3 states"));
        let wrn = json!({"family": "wrn", "depth": 16, "widen": 4});
        assert!(refused("point2d", wrn.clone()).contains("'pooling' is missing; give \"whole\""));
        assert!(refused("series", wrn).contains("give 'resnet1d'"));
        let block = |inputs: usize| json!([{"inputs": inputs, "outputs": 64, "stride": 2, "stacked": 1}]);
        let blocks = |inputs| json!({"family": "blocks", "stem": 32, "blocks": block(inputs)});
        assert!(Outline::read(&arch("series", blocks(32))).is_ok());
        assert!(refused("series", blocks(16)).contains("block 0 reads 16 channels"));
        assert!(refused("series", json!({"family": "ring"})).contains("no family 'ring'"));
        let mut old = arch("point2d", darts_v2());
        old["format"] = json!(2);
        assert!(Outline::read(&old).unwrap_err().to_string().contains("'format' is 2; give 1"));
    }
}

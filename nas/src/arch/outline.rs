//! What an `arch.json` says, read into types: for drawing, and for writing a network in another language.

use serde::Deserialize;
use serde_json::Value as Json;
use std::fmt;

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

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One answer an image.
    Point2d,
    /// One answer a pixel.
    Dense2d,
    /// One answer a series.
    Series,
}

impl Kind {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point2d => "point2d",
            Self::Dense2d => "dense2d",
            Self::Series => "series",
        }
    }
}

/// The member `network`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "family", rename_all = "lowercase", deny_unknown_fields)]
pub enum Family {
    /// A wide residual network.
    Wrn {
        /// Layers with weights along the main path.
        depth: usize,
        /// Multiple of 16, 32, 64 channels.
        widen: usize,
        /// What the head averages.
        pooling: Pooling,
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
    Blocks {
        /// Channels of the stem.
        stem: usize,
        /// The path.
        blocks: Vec<Block>,
    },
}

/// What the head of a WRN averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Pooling {
    /// The whole map.
    Whole(Whole),
    /// Its first rows and columns, so many of each.
    Corner(usize),
}

/// The word for [`Pooling::Whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whole {
    /// The whole map.
    Whole,
}

/// Two kinds of cell; a node's two operations with the state that each reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genotype {
    /// The cell that keeps the size.
    pub normal: Cell,
    /// The cell that halves it; none where one answer a pixel is given.
    pub reduce: Option<Cell>,
}

/// Four nodes; states 0 and 1 are the outputs of the cells before, state 2 is node 0.
pub type Cell = [[(Operation, usize); 2]; 4];

/// An operation of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Operation {
    /// The largest of 3.
    #[serde(rename = "max_pool_3x3")]
    MaxPool3,
    /// The mean of 3, without what lies outside.
    #[serde(rename = "avg_pool_3x3")]
    AvgPool3,
    /// What comes in; where the size is halved, a factorised reduction of it.
    #[serde(rename = "skip_connect")]
    Skip,
    /// Twice ReLU, depthwise 3, pointwise, batch norm.
    #[serde(rename = "sep_conv_3x3")]
    Sep3,
    /// The same with 5.
    #[serde(rename = "sep_conv_5x5")]
    Sep5,
    /// ReLU, depthwise 3 dilated by 2, pointwise, batch norm.
    #[serde(rename = "dil_conv_3x3")]
    Dil3,
    /// The same with 5.
    #[serde(rename = "dil_conv_5x5")]
    Dil5,
}

impl Operation {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxPool3 => "max_pool_3x3",
            Self::AvgPool3 => "avg_pool_3x3",
            Self::Skip => "skip_connect",
            Self::Sep3 => "sep_conv_3x3",
            Self::Sep5 => "sep_conv_5x5",
            Self::Dil3 => "dil_conv_3x3",
            Self::Dil5 => "dil_conv_5x5",
        }
    }
}

/// A block: one residual layer that changes width and size, then some that change neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Of the first layer.
    pub stride: usize,
    /// Layers after the first.
    pub stacked: usize,
}

/// Why an `arch.json` is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The members that are read; others are facts of the search.
#[derive(Deserialize)]
struct File {
    format: u64,
    method: String,
    task: String,
    kind: Kind,
    input: Vec<usize>,
    outputs: usize,
    rule: String,
    parameters: Option<u64>,
    multiply_adds: Option<u64>,
    network: Json,
}

impl Outline {
    /// Reads the content of an `arch.json`.
    ///
    /// # Errors
    /// If a member is missing or makes no sense: which, and why. Nothing is assumed in its place.
    pub fn read(arch: &Json) -> Result<Self, Refused> {
        let file = File::deserialize(arch).map_err(|e| Refused(e.to_string()))?;
        if file.format != 1 {
            return Err(Refused(format!("format {}: this program reads format 1", file.format)));
        }
        let network = Family::deserialize(&file.network).map_err(|e| Refused(format!("network: {e}")))?;
        let outline = Self {
            method: file.method,
            task: file.task,
            kind: file.kind,
            input: file.input,
            outputs: file.outputs,
            rule: file.rule,
            parameters: file.parameters,
            multiply_adds: file.multiply_adds,
            network,
        };
        outline.check().map_err(Refused)?;
        Ok(outline)
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.input.last().copied().unwrap_or(0)
    }

    fn check(&self) -> Result<(), String> {
        let rank = if self.kind == Kind::Series { 2 } else { 3 };
        if self.input.len() != rank || self.input.contains(&0) || self.outputs == 0 {
            let kind = self.kind.name();
            return Err(format!("input {:?}, outputs {}: '{kind}' has {rank} sizes above 0", self.input, self.outputs));
        }
        match &self.network {
            Family::Wrn { depth, widen, .. } => {
                if self.kind == Kind::Series {
                    return Err("network: family 'wrn' is for images; 'resnet1d' is for series".to_owned());
                }
                if *depth < 10 || depth % 6 != 4 || *widen == 0 {
                    return Err(format!(
                        "network: depth {depth}, widen {widen}: depth is 10, 16, 22 ..., widen above 0"
                    ));
                }
            }
            Family::Resnet1d { width } => {
                if self.kind != Kind::Series {
                    return Err("network: family 'resnet1d' is for series; 'wrn' is for images".to_owned());
                }
                if *width == 0 {
                    return Err("network: width 0".to_owned());
                }
            }
            Family::Cells { channels, layers, genotype, .. } => self.check_cells(*channels, *layers, genotype)?,
            Family::Blocks { stem, blocks } => {
                let mut from = *stem;
                for (i, b) in blocks.iter().enumerate() {
                    if b.inputs != from || b.outputs == 0 || !(1..=2).contains(&b.stride) {
                        return Err(format!("network: block {i} {b:?}: it gets {from} channels, its stride is 1 or 2"));
                    }
                    from = b.outputs;
                }
                if *stem == 0 || blocks.is_empty() {
                    return Err("network: no block, or a stem of no channels".to_owned());
                }
            }
        }
        Ok(())
    }

    fn check_cells(&self, channels: usize, layers: usize, genotype: &Genotype) -> Result<(), String> {
        if channels == 0 || layers == 0 {
            return Err(format!("network: {layers} layers of {channels} channels"));
        }
        if genotype.reduce.is_some() != (self.kind != Kind::Dense2d) {
            return Err(
                "network: genotype: 'reduce' is null where one answer a pixel is given, and there elsewhere".to_owned()
            );
        }
        for (name, cell) in [("normal", Some(&genotype.normal)), ("reduce", genotype.reduce.as_ref())] {
            for (i, node) in cell.into_iter().flatten().enumerate() {
                if let Some((op, from)) = node.iter().find(|(_, from)| *from >= 2 + i) {
                    return Err(format!(
                        "network: genotype: {name} node {i}: {} of state {from}: it has states 0 to {}",
                        op.name(),
                        1 + i
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// An architecture of a network, for an image of 32 x 32 or a series of 1,000.
    pub(crate) fn arch(kind: &str, network: Json) -> Json {
        let input = if kind == "series" { json!([1000, 4]) } else { json!([32, 32, 3]) };
        json!({"format": 1, "method": "gaea", "task": "cifar100", "kind": kind, "input": input, "outputs": 100,
            "rule": "two edges a node by the largest weight", "parameters": 3_401_272, "multiply_adds": 528_360_000u64, "network": network})
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
        assert!(refused("point2d", cells.clone()).contains("normal node 1: sep_conv_3x3 of state 3"));
        cells["genotype"]["normal"][1][0] = json!(["none", 0]);
        assert!(refused("point2d", cells).contains("unknown variant `none`"));
        assert!(
            refused("point2d", json!({"family": "wrn", "depth": 16, "widen": 4})).contains("missing field `pooling`")
        );
        assert!(
            refused("series", json!({"family": "wrn", "depth": 16, "widen": 4, "pooling": 8})).contains("resnet1d")
        );
        let block = |inputs: usize| json!({"inputs": inputs, "outputs": 64, "stride": 2, "stacked": 1});
        assert!(Outline::read(&arch("series", json!({"family": "blocks", "stem": 32, "blocks": [block(32)]}))).is_ok());
        assert!(refused("series", json!({"family": "blocks", "stem": 16, "blocks": [block(32)]})).contains("gets 16"));
        assert!(refused("series", json!({"family": "ring"})).contains("unknown variant `ring`"));
    }
}

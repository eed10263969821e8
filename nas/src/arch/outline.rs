//! What an `arch.json` says, read into types: for drawing, and for writing the network in another language.

use super::{Arch, Form, only, text, whole};
use crate::Error;
use crate::amber::Branches;
use crate::autodl::DeepLabSpec;
use crate::densenas::network::Blocks;
use crate::fno::{self, FnoSpec};
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
    /// What the network reads and gives.
    pub form: Form,
    /// How it was found, in words.
    pub rule: String,
    /// Trained numbers, as recorded.
    pub parameters: u64,
    /// Multiply-adds of one input's forward, as recorded.
    pub multiply_adds: u64,
    /// The network.
    pub network: Network,
}

/// The member `network`, by family.
#[derive(Debug, Clone, PartialEq)]
pub enum Network {
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
        genotype: Box<Genotype>,
        /// Weight of the batch in new running statistics.
        momentum: f64,
        /// Added to variances.
        eps: f64,
        /// Whether training has an auxiliary head; evaluation has none.
        auxiliary: bool,
    },
    /// Layers of one operation each, and the earlier ones that they add.
    Branches(Branches),
    /// A path of residual blocks.
    Blocks(Blocks),
    /// A Fourier neural operator.
    Fno(FnoSpec),
    /// A path through levels of resolution, and a decoder.
    DeepLab(DeepLabSpec),
    /// The same answer for every input.
    Constant,
    /// A linear model.
    Linear,
}

impl Outline {
    /// Reads an architecture.
    ///
    /// # Errors
    /// If its network is not one of a family that can be drawn and exported, or lacks something.
    pub fn read(arch: &Arch) -> Result<Self, Error> {
        Ok(Self {
            method: arch.method.clone(),
            task: arch.task.clone(),
            form: arch.form(),
            rule: arch.rule.clone(),
            parameters: arch.parameters as u64,
            multiply_adds: arch.multiply_adds,
            network: Network::read(&arch.network, &arch.form())?,
        })
    }

    /// Height and width, or length, of the input.
    pub fn places(&self) -> &[usize] {
        &self.form.input[..self.form.input.len() - 1]
    }

    /// Whether the input is a series.
    pub fn series(&self) -> bool {
        self.form.kind == Kind::Series
    }

    /// Whether there is an answer a pixel.
    pub fn dense(&self) -> bool {
        self.form.kind == Kind::Dense2d
    }
}

impl Network {
    fn read(json: &Json, form: &Form) -> Result<Self, Error> {
        let wrong = |what: String| Err(Error::Arch(what));
        let rank = if form.kind == Kind::Series { 2 } else { 3 };
        if form.input.len() != rank {
            return wrong(format!("input {:?} has not {rank} sizes, channels last", form.input));
        }
        match text(json, "family")? {
            "wrn" if form.kind != Kind::Series => {
                let (depth, widen) = (whole(json, "depth", 1_000)?, whole(json, "widen", 64)?);
                let corner = if json["pooling"].is_number() { Some(whole(json, "pooling", 1 << 16)?) } else { None };
                Ok(Self::Wrn { depth, widen, corner })
            }
            "resnet1d" if form.kind == Kind::Series => Ok(Self::Resnet1d { width: whole(json, "width", 4_096)? }),
            "branches" if form.kind == Kind::Series => Branches::read(json).map(Self::Branches).map_err(Error::Arch),
            "blocks" => Blocks::read(json).map(Self::Blocks).map_err(Error::Arch),
            "deeplab" if form.kind == Kind::Dense2d => DeepLabSpec::read(json).map(Self::DeepLab).map_err(Error::Arch),
            "cells" => {
                only(json, &["channels", "layers", "genotype", "momentum", "eps", "auxiliary"])?;
                let genotype = Genotype::from_json(&json["genotype"]).map_err(|e| Error::Arch(e.to_string()))?;
                if genotype.reduce.is_some() != (form.kind != Kind::Dense2d) {
                    return wrong("a genotype has a cell that halves, but not where each pixel is answered".to_owned());
                }
                let real = |key: &str| match json[key].as_f64() {
                    Some(x) => Ok(x),
                    None => Err(Error::Arch(format!("network.{key} is {}, not a number", json[key]))),
                };
                let Some(auxiliary) = json["auxiliary"].as_bool() else {
                    return wrong(format!("network.auxiliary is {}, neither true nor false", json["auxiliary"]));
                };
                let (channels, layers) = (whole(json, "channels", 4_096)?, whole(json, "layers", 256)?);
                let (momentum, eps, genotype) = (real("momentum")?, real("eps")?, Box::new(genotype));
                Ok(Self::Cells { channels, layers, genotype, momentum, eps, auxiliary })
            }
            "fno" => fno::read(json, form).map(Self::Fno),
            "constant" => Ok(Self::Constant),
            "linear" => Ok(Self::Linear),
            other => wrong(format!("network.family '{}' is none for this kind of task", other.escape_debug())),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// An architecture of a network, for the published data of a task of the kind.
    pub(crate) fn arch(kind: &str, network: Json) -> Arch {
        let (task, input, outputs) = match kind {
            "series" => ("ecg", json!([1000, 1]), 4),
            "dense2d" => ("darcy", json!([85, 85, 3]), 1),
            _ => ("cifar100", json!([32, 32, 3]), 100),
        };
        let json = json!({"format": 1, "method": "gaea", "task": task, "kind": kind, "input": input, "outputs": outputs,
            "rule": "two edges a node by the largest weight", "parameters": 3_401_272, "multiply_adds": 528_360_000u64,
            "network": network});
        Arch::parse(json.to_string().as_bytes()).unwrap()
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
        assert!(refused("dense2d", cells.clone()).contains("not where each pixel is answered"));
        cells["genotype"]["normal"][1][0] = json!(["sep_conv_3x3", 3]);
        assert!(refused("point2d", cells.clone()).contains("normal, node 1: 3 is none of its 3 states"));
        cells["genotype"] = Json::Null;
        assert!(refused("point2d", cells).contains("null is no object"));
        let wrn = json!({"family": "wrn", "depth": 16, "widen": 4, "pooling": "whole"});
        assert!(Outline::read(&arch("point2d", wrn.clone())).is_ok());
        assert!(refused("series", wrn).contains("none for this kind of task"));
    }
}

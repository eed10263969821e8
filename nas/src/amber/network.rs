//! The final network, family "branches" of `arch.json`: one operation a layer, with weights of its own, twice as wide as in the
//! supernet.
//!
//! What no layer reads is not built: of the layers that are kept across stages, only those that a later one adds.

use nn::layers::Builder;
use nn::{Network, OpError, ParamId, Pass, Tensor};
use serde_json::{Value as Json, json};
use tasks::Kind;

use super::body::{Body, Spec};
use super::space::Sequence;
use super::stages::{Stages, read_after};
use crate::Error;
use crate::arch::Form;

/// The most channels and units that are taken for real: a file with more is refused, not built.
const MOST: u64 = 4096;

/// Likewise of trained numbers.
const MOST_PARAMETERS: usize = 1 << 30;

/// Weight of the batch in new running statistics, and what is added to variances: Keras' defaults, which the reference's final
/// network has.
pub const MOMENTUM: f64 = 0.01;
/// See [`MOMENTUM`].
pub const EPS: f64 = 1e-3;

/// What `arch.json` says of a network: `{"family": "branches", "stages": [3, 3, 3, 3], "widths": [64, 128, 256, 512], "dense": 100,
/// "momentum": 0.01, "eps": 0.001, "operations": ["conv_8", ...], "skips": [[], [0], ...]}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Branches {
    /// Layers and channels of the stages.
    pub stages: Stages,
    /// Units of the hidden linear layer.
    pub dense: usize,
    /// Weight of the batch in new running statistics.
    pub momentum: f64,
    /// Added to variances.
    pub eps: f64,
    /// Operations and skips.
    pub sequence: Sequence,
}

impl Branches {
    /// The member `network` of `arch.json`.
    pub fn json(&self) -> Json {
        let mut json = self.sequence.json();
        json["family"] = "branches".into();
        json["stages"] = json!(self.stages.layers);
        json["widths"] = json!(self.stages.widths);
        json["dense"] = self.dense.into();
        json["momentum"] = self.momentum.into();
        json["eps"] = self.eps.into();
        json
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Says what is wrong where, and what belongs there.
    pub fn read(json: &Json) -> Result<Self, String> {
        const KEYS: [&str; 8] = ["family", "stages", "widths", "dense", "momentum", "eps", "operations", "skips"];
        let Some(object) = json.as_object() else { return Err(format!("the network is {json}; give an object")) };
        if let Some(odd) = object.keys().find(|k| !KEYS.contains(&k.as_str())) {
            return Err(format!("the network has a member '{odd}'; known are {}", KEYS.join(", ")));
        }
        if json["family"] != "branches" {
            return Err(format!("the network's family is {}, not \"branches\"", json["family"]));
        }
        let whole = |json: &Json, what: &str| {
            let fits = json.as_u64().filter(|n| (1..=MOST).contains(n));
            fits.map(|n| n as usize).ok_or_else(|| format!("{what} is {json}; give a whole number from 1 to {MOST}"))
        };
        let list = |key: &str| match json[key].as_array() {
            Some(list) if (1..=16).contains(&list.len()) => {
                list.iter().enumerate().map(|(i, n)| whole(n, &format!("{key}[{i}]"))).collect::<Result<Vec<_>, _>>()
            }
            _ => Err(format!("the network's {key} are {}; give a list of 1 to 16 numbers", json[key])),
        };
        let real = |key: &str| {
            let fits = json[key].as_f64().filter(|x| (0.0..=1.0).contains(x));
            fits.ok_or_else(|| format!("the network's {key} is {}; give a number from 0 to 1", json[key]))
        };
        let stages = Stages { layers: list("stages")?, widths: list("widths")? };
        let sequence = Sequence::read(json)?;
        if stages.layers.len() != stages.widths.len() {
            let (a, b) = (stages.layers.len(), stages.widths.len());
            return Err(format!("there are {a} stages and {b} widths; give one width a stage"));
        }
        if stages.total() != sequence.layers() {
            let (a, b) = (stages.total(), sequence.layers());
            return Err(format!("the stages have {a} layers and there are {b} operations; make them equal"));
        }
        let dense = whole(&json["dense"], "the network's dense")?;
        Ok(Self { stages, dense, momentum: real("momentum")?, eps: real("eps")?, sequence })
    }

    /// Trained numbers for inputs of so many places and channels.
    pub fn parameters(&self, [length, channels]: [usize; 2], outputs: usize) -> usize {
        let (stages, sequence) = (&self.stages, &self.sequence);
        let mut all = 8 * channels * stages.width(0) + 2 * stages.width(0);
        for (i, &operation) in sequence.operations.iter().enumerate() {
            let c = stages.width(i);
            all += match operation {
                0 | 2 => 8 * c * c + 2 * c,
                1 | 3 => 4 * c * c + 2 * c,
                4 | 5 => c * c + 2 * c,
                _ => 0,
            };
            if i > 0 {
                all += 2 * c;
            }
            if stages.ends(i) {
                all += (0..=i).filter(|&from| read_after(sequence, i, from)).count() * c * stages.width(i + 1);
            }
        }
        let flat = stages.last_length(length) * stages.width(stages.total() - 1);
        all + (flat + 1) * self.dense + (self.dense + 1) * outputs
    }

    /// Builds the network for inputs of so many places and channels.
    pub fn build(&self, input: [usize; 2], outputs: usize, dropout: f32, at: &mut Builder<'_>) -> Net {
        let spec = Spec {
            stages: &self.stages,
            dense: self.dense,
            input,
            outputs,
            dropout,
            momentum: self.momentum as f32,
            eps: self.eps as f32,
        };
        Net { body: Body::new(spec, Some(&self.sequence), at), sequence: self.sequence.clone() }
    }
}

/// A network of the family.
#[derive(Debug)]
pub struct Net {
    body: Body,
    sequence: Sequence,
}

impl Network for Net {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        self.body.forward(pass, x, &self.sequence)
    }

    fn kernels(&self) -> &[ParamId] {
        self.body.kernels()
    }
}

/// Builds the family `branches`.
pub(crate) fn build(
    network: &Json,
    form: &Form,
    dropout: f32,
    at: &mut Builder<'_>,
) -> Result<Box<dyn Network>, Error> {
    let branches = Branches::read(network).map_err(Error::Arch)?;
    match form.input[..] {
        [length, channels] if form.kind == Kind::Series => {
            let input = [length, channels];
            let n = branches.parameters(input, form.outputs);
            if n > MOST_PARAMETERS {
                return Err(Error::Arch(format!("the network has {n} parameters; the most is 2^30")));
            }
            Ok(Box::new(branches.build(input, form.outputs, dropout, at)))
        }
        _ => Err(Error::Arch(format!("a network of branches reads series [places, channels], not {:?}", form.input))),
    }
}

//! The derived network, family "blocks" of `arch.json`: a stem, basic blocks, a classifier.

use kernels::ops::activation::Pointwise;
use nn::layers::{BatchNorm, Builder, Conv, Linear, LinearSpec, global_avg_pool};
use nn::{Network, OpError, Pass, Tensor};
use serde_json::{Value as Json, json};
use tasks::Kind;

use super::block::{BasicBlock, BasicBlockSpec, batch_norm, conv};

/// The most channels and stacked blocks that are taken for real: a file with more is refused, not built.
const MOST: u64 = 4096;

/// Likewise of parameters, of images.
const MOST_PARAMETERS: usize = 1 << 30;

/// A head from one width to another, and basic blocks that keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Stride of the head: 1 or 2.
    pub stride: usize,
    /// Basic blocks after the head.
    pub stacked: usize,
}

/// What `arch.json` says of a network: `{"family":"blocks","stem":32,"blocks":[{"inputs":32,"outputs":64,"stride":2,"stacked":1}]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// Channels of the stem.
    pub stem: usize,
    /// The blocks, in order.
    pub blocks: Vec<Block>,
}

impl Blocks {
    /// The member `network` of `arch.json`.
    pub fn json(&self) -> Json {
        let block =
            |b: &Block| json!({"inputs": b.inputs, "outputs": b.outputs, "stride": b.stride, "stacked": b.stacked});
        json!({"family": "blocks", "stem": self.stem, "blocks": self.blocks.iter().map(block).collect::<Vec<_>>()})
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Says what is wrong where, and what belongs there.
    pub fn read(json: &Json) -> Result<Self, String> {
        known(json, "the network", &["family", "stem", "blocks"])?;
        if json["family"] != "blocks" {
            return Err(format!("the network's family is {}, not \"blocks\"", json["family"]));
        }
        let stem = whole(&json["stem"], "the network's stem", 1, MOST)?;
        let Some(list) = json["blocks"].as_array() else {
            return Err(format!("the network's blocks are {}; give a list", json["blocks"]));
        };
        let (mut blocks, mut width) = (Vec::new(), stem);
        for (i, b) in list.iter().enumerate() {
            let at = |key: &str| format!("block {i}'s {key}");
            known(b, &format!("block {i}"), &["inputs", "outputs", "stride", "stacked"])?;
            let block = Block {
                inputs: whole(&b["inputs"], &at("inputs"), 1, MOST)?,
                outputs: whole(&b["outputs"], &at("outputs"), 1, MOST)?,
                stride: whole(&b["stride"], &at("stride"), 1, 2)?,
                stacked: whole(&b["stacked"], &at("stacked"), 0, MOST)?,
            };
            if block.inputs != width {
                let before = if i == 0 { "the stem has".into() } else { format!("block {} gives", i - 1) };
                return Err(format!(
                    "block {i} reads {} channels, but {before} {width}; make them equal",
                    block.inputs
                ));
            }
            width = block.outputs;
            blocks.push(block);
        }
        let network = Self { stem, blocks };
        match network.parameters(Kind::Point2d, 1, 1) {
            n if n > MOST_PARAMETERS => Err(format!("the network's blocks have {n} parameters; the most is 2^30")),
            _ => Ok(network),
        }
    }

    /// The basic blocks, in order.
    fn basic(&self, series: bool) -> impl Iterator<Item = BasicBlockSpec> + '_ {
        self.blocks.iter().flat_map(move |b| {
            let Block { inputs, outputs, stride, stacked } = *b;
            let head = BasicBlockSpec { series, inputs, outputs, stride, affine: true };
            std::iter::once(head)
                .chain(std::iter::repeat_n(BasicBlockSpec { inputs: outputs, stride: 1, ..head }, stacked))
        })
    }

    /// Channels of the classifier's input.
    fn width(&self) -> usize {
        self.blocks.last().map_or(self.stem, |b| b.outputs)
    }

    /// Trained numbers of the network for so many input channels and outputs.
    pub fn parameters(&self, kind: Kind, inputs: usize, outputs: usize) -> usize {
        let series = kind == Kind::Series;
        let stem = if series { 3 } else { 9 } * inputs * self.stem + 2 * self.stem;
        stem + self.basic(series).map(|b| b.parameters()).sum::<usize>() + (self.width() + 1) * outputs
    }

    /// Multiply-adds of one input's forward (convolutions and the classifier); `input` is channels last.
    pub fn multiply_adds(&self, kind: Kind, input: &[usize], outputs: usize) -> u64 {
        let series = kind == Kind::Series;
        let (places, channels) = input.split_at(input.len() - 1);
        let mut sizes = places.to_vec();
        let count = |sizes: &[usize]| sizes.iter().product::<usize>() as u64;
        let taps = if series { 3 } else { 9 };
        let mut all = count(&sizes) * (taps * channels[0] * self.stem) as u64;
        for b in self.basic(series) {
            sizes.iter_mut().for_each(|n| *n = n.div_ceil(b.stride));
            all += b.multiply_adds(count(&sizes));
        }
        let answers = if kind == Kind::Dense2d { count(&sizes) } else { 1 };
        all + answers * (self.width() * outputs) as u64
    }

    /// Builds the network.
    pub fn build(&self, kind: Kind, inputs: usize, outputs: usize, at: &mut Builder<'_>) -> Derived {
        let series = kind == Kind::Series;
        let stem = at.conv("input_block.0", conv(series, inputs, self.stem, 3, 1));
        let stem = (stem, at.batch_norm("input_block.1", batch_norm(self.stem, true)));
        let mut blocks = Vec::new();
        for (i, b) in self.blocks.iter().enumerate() {
            let head = BasicBlockSpec { series, inputs: b.inputs, outputs: b.outputs, stride: b.stride, affine: true };
            blocks.push(BasicBlock::new(&mut at.scope(format_args!("blocks.{i}.head_layer")), head));
            let stacked = BasicBlockSpec { inputs: b.outputs, stride: 1, ..head };
            for j in 0..b.stacked {
                blocks.push(BasicBlock::new(&mut at.scope(format_args!("blocks.{i}.stack_layers.{j}")), stacked));
            }
        }
        let classifier = at.linear("classifier", LinearSpec::new(self.width(), outputs));
        Derived { stem, blocks, classifier, dense: kind == Kind::Dense2d }
    }
}

/// Refuses what is no object, and members beyond these.
fn known(json: &Json, what: &str, keys: &[&str]) -> Result<(), String> {
    let Some(object) = json.as_object() else { return Err(format!("{what} is {json}; give an object")) };
    match object.keys().find(|k| !keys.contains(&k.as_str())) {
        Some(odd) => Err(format!("{what} has a member '{odd}'; known are {}", keys.join(", "))),
        None => Ok(()),
    }
}

fn whole(json: &Json, what: &str, least: u64, most: u64) -> Result<usize, String> {
    let fits = json.as_u64().filter(|n| (least..=most).contains(n));
    fits.map(|n| n as usize).ok_or_else(|| format!("{what} is {json}; give a whole number from {least} to {most}"))
}

/// `conv3, BN, ReLU6`, basic blocks, then the mean over all places and a linear layer; dense: a linear layer at each place.
#[derive(Debug)]
pub struct Derived {
    stem: (Conv, BatchNorm),
    blocks: Vec<BasicBlock>,
    classifier: Linear,
    dense: bool,
}

impl Network for Derived {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let x = self.stem.0.forward(pass, x)?;
        let x = self.stem.1.forward(pass, &x)?;
        let mut x = pass.apply("input_block.2", Pointwise::relu6(), &[&x])?;
        for block in &self.blocks {
            x = block.forward(pass, &x)?;
        }
        if !self.dense {
            x = global_avg_pool(pass, &x)?;
        }
        self.classifier.forward(pass, &x)
    }
}

//! The derived network, family "deeplab" of `arch.json`: stems, the cells of a path, a pyramid of dilated convolutions on the
//! last of them, and a decoder that looks at the third one too.

use kernels::Tensor as Value;
use kernels::ops::shape::concat::Concat;
use kernels::ops::shape::pad::Pad;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, Dropout, add};
use nn::{Network, OpError, Pass, Tensor};
use serde_json::{Value as Json, json};

use super::space::{self, Architecture, LOW_LEVEL};
use super::supernet::{padded, pooled, resized, size, spread};
use crate::gaea::Operation;
use crate::gaea::cell::{Layer, Style};
use crate::gaea::operations::{Form, Norm, ReluConvBn};
use crate::gaea::space::INPUTS;

/// The most channels that are taken for real: a file with more is refused, not built.
const MOST: u64 = 4096;

/// Likewise of parameters.
const MOST_PARAMETERS: u64 = 1 << 30;

/// Dilations of the pyramid's 3x3.
const DILATIONS: [usize; 3] = [6, 12, 18];

/// Members of a network of this family.
const MEMBERS: [&str; 8] = ["family", "filters", "path", "cell", "stem", "head", "low_level", "dropout"];

/// What `arch.json` says of a network: `{"family":"deeplab","filters":32,"path":[0,1,...],"cell":[[["sep_conv_3x3",0],
/// ["skip_connect",1]],...],"stem":64,"head":256,"low_level":48,"dropout":[0.5,0.1]}`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeepLabSpec {
    /// Path and cell.
    pub architecture: Architecture,
    /// Channels of a node on the finest level.
    pub filters: usize,
    /// Channels of the first two stems; the third has twice as many.
    pub stem: usize,
    /// Channels of the pyramid and of the decoder.
    pub head: usize,
    /// Channels that the decoder makes of the third cell's output.
    pub low_level: usize,
    /// What the decoder drops.
    pub dropout: [f64; 2],
}

impl DeepLabSpec {
    /// The published one (`filters` 32), its other widths in the same proportion.
    pub fn new(architecture: Architecture, filters: usize) -> Self {
        let low_level = (3 * filters / 2).max(1);
        Self { architecture, filters, stem: 2 * filters, head: 8 * filters, low_level, dropout: [0.5, 0.1] }
    }

    /// The member `network` of `arch.json`.
    pub fn json(&self) -> Json {
        let [path, cell] = self.architecture.json();
        json!({
            "family": "deeplab",
            "filters": self.filters,
            "path": path,
            "cell": cell,
            "stem": self.stem,
            "head": self.head,
            "low_level": self.low_level,
            "dropout": self.dropout,
        })
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Says what is wrong where, and what belongs there.
    pub fn read(json: &Json) -> Result<Self, String> {
        let Some(members) = json.as_object() else { return Err(format!("the network is {json}; give an object")) };
        if let Some(odd) = members.keys().find(|k| !MEMBERS.contains(&k.as_str())) {
            return Err(format!("the network has a member '{odd}'; known are {}", MEMBERS.join(", ")));
        }
        if json["family"] != "deeplab" {
            return Err(format!("the network's family is {}, not \"deeplab\"", json["family"]));
        }
        let whole = |key: &str| {
            let fits = json[key].as_u64().filter(|n| (1..=MOST).contains(n));
            let wrong = || format!("the network's {key} is {}; give a whole number from 1 to {MOST}", json[key]);
            fits.map(|n| n as usize).ok_or_else(wrong)
        };
        let drops = |value: &Json| value.as_f64().filter(|p| (0.0..1.0).contains(p));
        let dropout = match json["dropout"].as_array().map(|l| l.iter().map(drops).collect::<Vec<_>>()).as_deref() {
            Some(&[Some(first), Some(second)]) => [first, second],
            _ => {
                return Err(format!(
                    "the network's dropout is {}; give two numbers, each at least 0 and below 1",
                    json["dropout"]
                ));
            }
        };
        let spec = Self {
            architecture: Architecture::read(&json["path"], &json["cell"])?,
            filters: whole("filters")?,
            stem: whole("stem")?,
            head: whole("head")?,
            low_level: whole("low_level")?,
            dropout,
        };
        match spec.parameters(1, 1) {
            n if n > MOST_PARAMETERS => Err(format!("the network has {n} parameters; the most is 2^30")),
            _ => Ok(spec),
        }
    }

    /// Channels of a node on a level.
    fn channels(&self, level: usize) -> usize {
        self.filters << level
    }

    /// Channels of a cell's output.
    fn width(&self, layer: usize) -> usize {
        self.architecture.cell.len() * self.channels(self.architecture.path[layer])
    }

    /// Channels of the two inputs of a layer's cell.
    fn inputs(&self, layer: usize) -> [usize; 2] {
        match layer {
            0 => [self.stem, 2 * self.stem],
            1 => [2 * self.stem, self.width(0)],
            _ => [self.width(layer - 2), self.width(layer - 1)],
        }
    }

    /// Trained numbers of the network for so many input channels and outputs.
    pub fn parameters(&self, inputs: usize, outputs: usize) -> u64 {
        let wide = |n: usize| n as u64;
        let (stem, head, low, last) = (wide(self.stem), wide(self.head), wide(self.low_level), wide(outputs));
        let of = |o: Operation, c: u64| match o {
            Operation::None | Operation::MaxPool3 | Operation::AvgPool3 | Operation::Skip => 0,
            Operation::SepConv3 => 2 * (9 + c) * c,
            Operation::SepConv5 => 2 * (25 + c) * c,
            Operation::DilConv3 => (9 + c) * c,
            Operation::DilConv5 => (25 + c) * c,
        };
        let Architecture { path, cell } = &self.architecture;
        let layer = |layer: usize| {
            let c = wide(self.channels(path[layer]));
            let operations = cell.iter().flatten().map(|choice| of(choice.operation, c)).sum::<u64>();
            self.inputs(layer).iter().map(|&n| wide(n) * c).sum::<u64>() + operations
        };
        // Stems have biases, and batch norms two numbers a channel.
        let stems = stem * (9 * wide(inputs) + 3) + stem * (9 * stem + 3) + 2 * stem * (9 * stem + 3);
        let deep = wide(self.width(path.len() - 1));
        let pyramid = head * (deep * (1 + 9 + 9 + 9 + 1) + 10) + head * (5 * head + 2);
        let decoder = low * (wide(self.width(LOW_LEVEL)) + 2) + head * (9 * (head + low) + 2) + head * (9 * head + 2);
        stems + (0..path.len()).map(layer).sum::<u64>() + pyramid + decoder + (head + 1) * last
    }
}

/// A cell's node: its two edges, the stronger first; none give nothing.
type Node = [Option<(usize, Layer)>; 2];

/// A cell.
#[derive(Debug)]
struct Cell {
    name: String,
    level: usize,
    channels: usize,
    project: [ReluConvBn; INPUTS],
    nodes: Vec<Node>,
}

impl Cell {
    fn new(at: &mut Builder<'_>, spec: &DeepLabSpec, layer: usize) -> Self {
        let (level, [first, second]) = (spec.architecture.path[layer], spec.inputs(layer));
        let (name, channels, form) = (at.path("nodes"), spec.channels(level), Form::Image);
        let style = Style { form, preprocess: Norm::PLAIN, operation: Norm::PLAIN, reference: false };
        let mut project = |name, inputs| ReluConvBn::new(at, name, form, inputs, channels, Norm::PLAIN);
        let project = [project("pre_preprocess", first), project("preprocess", second)];
        let mut edge = |node: usize, i: usize, choice: &crate::gaea::space::Choice| {
            let name = format!("_ops.{}", 2 * node + i);
            let layer = |at: &mut Builder<'_>| Layer::new(at, &name, choice.operation, channels, 1, &style);
            (choice.operation != Operation::None).then(|| (choice.source, layer(at)))
        };
        let cell: &space::Cell = &spec.architecture.cell;
        let nodes = cell.iter().enumerate().map(|(n, [a, b])| [edge(n, 0, a), edge(n, 1, b)]).collect();
        Self { name, level, channels, project, nodes }
    }

    fn forward(&self, pass: &mut Pass<'_>, inputs: [&Tensor; INPUTS], whole: [usize; 2]) -> Result<Tensor, OpError> {
        let size = size(whole, self.level);
        let mut states = Vec::with_capacity(INPUTS + self.nodes.len());
        for (project, x) in self.project.iter().zip(inputs) {
            let x = resized(pass, &self.name, x, size)?;
            states.push(project.forward(pass, &x)?);
        }
        for node in &self.nodes {
            let mut sum: Option<Tensor> = None;
            for (source, layer) in node.iter().flatten() {
                let y = layer.forward(pass, &states[*source])?;
                sum = Some(match sum {
                    Some(sum) => add(pass, &sum, &y)?,
                    None => y,
                });
            }
            states.push(sum.unwrap_or_else(|| {
                let shape = [states[0].shape()[0], size[0], size[1], self.channels];
                Tensor::constant(Value::full_on(pass.device(), shape, 0.0))
            }));
        }
        let nodes: Vec<&Tensor> = states[INPUTS..].iter().collect();
        pass.apply(&self.name, Concat { dim: 3 }, &nodes)
    }
}

/// A convolution and a batch norm with ReLU.
type ConvBn = (Conv, BatchNorm);

fn run(pass: &mut Pass<'_>, (conv, bn): &ConvBn, x: &Tensor) -> Result<Tensor, OpError> {
    let x = conv.forward(pass, x)?;
    bn.forward(pass, &x)
}

/// `[N, H, W, C]` to `[N, H, W, outputs]`.
#[derive(Debug)]
pub struct DeepLab {
    stems: [ConvBn; 3],
    cells: Vec<Cell>,
    /// 1x1, three dilated 3x3.
    pyramid: [ConvBn; 4],
    whole: ConvBn,
    join: ConvBn,
    low_level: ConvBn,
    decoder: [(ConvBn, Dropout); 2],
    last: Conv,
}

impl DeepLab {
    /// Builds it. Convolutions of pyramid and decoder begin with Kaiming's normal, those before with PyTorch's default.
    pub fn new(at: &mut Builder<'_>, spec: &DeepLabSpec, inputs: usize, outputs: usize) -> Self {
        let norm = |channels| BatchNormSpec::new(channels).relu();
        let mut encoder = at.scope("encoder");
        let mut stem = |i: usize, from, to, stride| {
            let conv = ConvSpec::image(from, to, 3).padding(1).stride(stride).bias();
            let conv = encoder.conv(&format!("stem{i}.0"), conv);
            (conv, encoder.batch_norm(&format!("stem{i}.1.op.0"), norm(to)))
        };
        let s = spec.stem;
        let stems = [stem(0, inputs, s, 2), stem(1, s, s, 1), stem(2, s, 2 * s, 2)];
        let layers = spec.architecture.path.len();
        let cell = |layer: usize| Cell::new(&mut encoder.scope(format_args!("cells.{layer}")), spec, layer);
        let cells = (0..layers).map(cell).collect();

        let mut at = at.kaiming_normal();
        let (deep, head) = (spec.width(layers - 1), spec.head);
        let mut aspp = at.scope("aspp");
        let mut pair = |conv: &str, bn: &str, spec: ConvSpec| (aspp.conv(conv, spec), aspp.batch_norm(bn, norm(head)));
        let mut branch = |i: usize, spec| pair(&format!("aspp{i}"), &format!("aspp{i}_bn.op.0"), spec);
        let wide = |d: usize| ConvSpec::image(deep, head, 3).dilation(d).padding(d);
        let [a, b, c] = DILATIONS.map(wide);
        let point = ConvSpec::image(deep, head, 1);
        let pyramid = [branch(1, point), branch(2, a), branch(3, b), branch(4, c)];
        let whole = branch(5, point);
        let join = pair("conv2", "bn2.op.0", ConvSpec::image(5 * head, head, 1));

        let mut at = at.scope("decoder");
        let low = spec.low_level;
        let conv = at.conv("conv1", ConvSpec::image(spec.width(LOW_LEVEL), low, 1));
        let low_level = (conv, at.batch_norm("bn1.op.0", norm(low)));
        let mut block = |first: usize, from, p: f64| {
            let name = |i: usize| format!("last_conv.{}", first + i);
            let conv = at.conv(&name(0), ConvSpec::image(from, head, 3).padding(1));
            let bn = at.batch_norm(&format!("{}.op.0", name(1)), norm(head));
            ((conv, bn), at.dropout(&name(2), p as f32))
        };
        let decoder = [block(0, head + low, spec.dropout[0]), block(3, head, spec.dropout[1])];
        let last = at.conv("last_conv.6", ConvSpec::image(head, outputs, 1).bias());
        Self { stems, cells, pyramid, whole, join, low_level, decoder, last }
    }

    /// Answers at the padded input's places.
    fn answer(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let whole = [x.shape()[1], x.shape()[2]];
        let first = run(pass, &self.stems[0], x)?;
        let mut before = run(pass, &self.stems[1], &first)?;
        let mut last = run(pass, &self.stems[2], &before)?;
        let mut low = last.clone();
        for (layer, cell) in self.cells.iter().enumerate() {
            let y = cell.forward(pass, [&before, &last], whole)?;
            (before, last) = (last, y);
            if layer == LOW_LEVEL {
                low = last.clone();
            }
        }
        drop(before);
        const ASPP: &str = "aspp";
        let size = [last.shape()[1], last.shape()[2]];
        let mut views = Vec::with_capacity(5);
        for branch in &self.pyramid {
            views.push(run(pass, branch, &last)?);
        }
        let y = pooled(pass, ASPP, &last)?;
        let y = self.whole.0.forward(pass, &y)?;
        views.push(spread(pass, ASPP, &self.whole.1, &y, size)?);
        let y = pass.apply(ASPP, Concat { dim: 3 }, &views.iter().collect::<Vec<_>>())?;
        let y = run(pass, &self.join, &y)?;

        const DECODER: &str = "decoder";
        let low = run(pass, &self.low_level, &low)?;
        let y = resized(pass, DECODER, &y, [low.shape()[1], low.shape()[2]])?;
        let mut y = pass.apply(DECODER, Concat { dim: 3 }, &[&y, &low])?;
        for (conv, dropout) in &self.decoder {
            y = run(pass, conv, &y)?;
            y = dropout.forward(pass, &y)?;
        }
        let y = self.last.forward(pass, &y)?;
        resized(pass, DECODER, &y, whole)
    }
}

impl Network for DeepLab {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let (x, crop) = padded(pass, x)?;
        let y = self.answer(pass, &x)?;
        if crop == Pad::images([0, 0], [0, 0]) { Ok(y) } else { pass.apply("crop", crop, &[&y]) }
    }
}

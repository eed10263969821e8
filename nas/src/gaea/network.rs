//! The network of a genotype: a stem, a stack of its cells, and a head.

use kernels::ops::pool::Window;
use kernels::ops::pool::avg_pool::AvgPool;
use nn::layers::{BatchNorm, BatchNormSpec, Builder, Conv, ConvSpec, Linear, LinearSpec, global_avg_pool, relu};
use nn::{Network, OpError, Pass, Tensor};
use serde_json::Value as Json;
use tasks::Kind;

use super::cell::{Cell, Position, Style};
use super::operations::{Form, Norm};
use super::space::{Genotype, GenotypeError, NODES};

/// What the network is.
#[derive(Debug, Clone, PartialEq)]
pub struct CellsSpec {
    /// One answer an image, a pixel or a series.
    pub kind: Kind,
    /// Channels of the input.
    pub inputs: usize,
    /// Answers.
    pub outputs: usize,
    /// Channels of a node in the first cells (C).
    pub channels: usize,
    /// Cells.
    pub layers: usize,
    /// What is in them.
    pub genotype: Genotype,
    /// Weight of the batch in new running statistics: of every batch norm in the cells, in a dense network of those before
    /// the nodes alone, as the benchmark places it.
    pub momentum: f32,
    /// Added to the variances of the same.
    pub eps: f32,
    /// Whether training has an auxiliary head; one answer an image alone.
    pub auxiliary: bool,
    /// Factorised reductions as the benchmark's code for series has them. For comparison with its vectors; no method uses
    /// it.
    pub reference: bool,
}

impl CellsSpec {
    /// The published network: 20 cells, C = 36, PyTorch's batch norms, no auxiliary head.
    pub fn new(kind: Kind, inputs: usize, outputs: usize, genotype: Genotype) -> Self {
        let Norm { momentum, eps, .. } = Norm::AFFINE;
        let (channels, layers) = (36, 20);
        let (auxiliary, reference) = (false, false);
        Self { kind, inputs, outputs, channels, layers, genotype, momentum, eps, auxiliary, reference }
    }

    fn form(&self) -> Form {
        match self.kind {
            Kind::Series => Form::Series,
            Kind::Point2d | Kind::Dense2d => Form::Image,
        }
    }

    fn style(&self) -> Style {
        let preprocess = Norm { momentum: self.momentum, eps: self.eps, ..Norm::AFFINE };
        let operation = if self.kind == Kind::Dense2d { Norm::AFFINE } else { preprocess };
        Style { form: self.form(), preprocess, operation, reference: self.reference }
    }

    /// Whether cell i halves the size and doubles the channels: those after a third and two thirds of all, but none where
    /// every pixel is answered.
    fn reduces(&self, i: usize) -> bool {
        self.kind != Kind::Dense2d && (i == self.layers / 3 || i == 2 * self.layers / 3)
    }
}

/// The cells behind a stem of so many channels, each with the channels of its output. `halved`: the stem's second output is
/// half as large as the first.
///
/// # Panics
/// If a reduction cell is needed and the genotype has none.
pub(super) fn stack(at: &mut Builder<'_>, spec: &CellsSpec, stem: usize, halved: bool) -> Vec<(Cell, usize)> {
    let (style, genotype) = (spec.style(), &spec.genotype);
    let (mut inputs, mut channels, mut after_reduction) = ([stem; 2], spec.channels, halved);
    let cell = |i| {
        let (mut of, reduction) = (&genotype.normal, spec.reduces(i));
        if reduction {
            of = genotype.reduce.as_ref().expect("a network that is halved has a cell that halves");
            channels *= 2;
        }
        let place = Position { inputs, channels, reduction, after_reduction };
        (inputs, after_reduction) = ([inputs[1], NODES * channels], reduction);
        (Cell::new(at, &format!("cells.{i}"), of, place, &style), NODES * channels)
    };
    (0..spec.layers).map(cell).collect()
}

/// `[N, H, W, C]` or `[N, L, C]` to `[N, outputs]`; dense, to `[N, H, W, outputs]`.
#[derive(Debug)]
pub struct Cells {
    kind: Kind,
    stem: (Conv, BatchNorm),
    cells: Vec<Cell>,
    classifier: Linear,
    /// The head, and the cell that feeds it.
    auxiliary: Option<(AuxiliaryHead, usize)>,
}

impl Cells {
    /// Builds it, with PyTorch's initial values.
    ///
    /// # Panics
    /// If a reduction cell is needed and the genotype has none, or an auxiliary head is asked for where there is not one
    /// answer an image.
    pub fn new(at: &mut Builder<'_>, spec: &CellsSpec) -> Self {
        let c = spec.channels;
        let stem = at.conv("stem.0", spec.form().conv(spec.inputs, 3 * c, 3, 1));
        let stem = (stem, at.batch_norm("stem.1", BatchNormSpec::new(3 * c)));
        let stack = stack(at, spec, 3 * c, false);
        let classifier = at.linear("classifier", LinearSpec::new(stack.last().map_or(3 * c, |s| s.1), spec.outputs));
        // It comes last, so that the network begins with the same numbers with and without it.
        let auxiliary = spec.auxiliary.then(|| {
            assert_eq!(spec.kind, Kind::Point2d, "an auxiliary head has one answer an image");
            let cell = 2 * spec.layers / 3;
            (AuxiliaryHead::new(&mut at.scope("auxiliary_head"), stack[cell].1, spec.outputs), cell)
        });
        let cells = stack.into_iter().map(|s| s.0).collect();
        Self { kind: spec.kind, stem, cells, classifier, auxiliary }
    }

    fn run(&self, pass: &mut Pass<'_>, x: &Tensor, with_auxiliary: bool) -> Result<(Tensor, Option<Tensor>), OpError> {
        let head = self.auxiliary.as_ref().filter(|_| with_auxiliary);
        let x = self.stem.0.forward(pass, x)?;
        let x = self.stem.1.forward(pass, &x)?;
        let (mut before, mut last, mut auxiliary) = (x.clone(), x, None);
        for (i, cell) in self.cells.iter().enumerate() {
            let y = cell.forward(pass, [&before, &last])?;
            (before, last) = (last, y);
            if let Some((head, _)) = head.filter(|(_, at)| *at == i) {
                auxiliary = Some(head.forward(pass, &last)?);
            }
        }
        drop(before);
        if self.kind != Kind::Dense2d {
            last = global_avg_pool(pass, &last)?;
        }
        Ok((self.classifier.forward(pass, &last)?, auxiliary))
    }
}

impl Network for Cells {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        Ok(self.run(pass, x, false)?.0)
    }

    fn forward_with_auxiliary(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<(Tensor, Option<Tensor>), OpError> {
        let training = pass.training();
        self.run(pass, x, training)
    }
}

/// A second answer from the map of a cell, of at least 8 x 8: ReLU, means of 5 x 5 by 3, 1x1 convolution to 128 channels,
/// batch norm, ReLU, 2x2 convolution to 768, batch norm, ReLU, linear.
///
/// A map of 8 x 8 ends in one place, as published; what a larger one ends in is averaged.
#[derive(Debug)]
struct AuxiliaryHead {
    name: String,
    convs: [(Conv, BatchNorm); 2],
    classifier: Linear,
}

impl AuxiliaryHead {
    /// Least rows and columns of its map.
    const LEAST: usize = 8;

    fn new(at: &mut Builder<'_>, inputs: usize, classes: usize) -> Self {
        let mut conv = |first: usize, from, to, k| {
            let conv = at.conv(&format!("features.{first}"), ConvSpec::image(from, to, k));
            (conv, at.batch_norm(&format!("features.{}", first + 1), BatchNormSpec::new(to).relu()))
        };
        let convs = [conv(2, inputs, 128, 1), conv(5, 128, 768, 2)];
        Self { name: at.path("features.1"), convs, classifier: at.linear("classifier", LinearSpec::new(768, classes)) }
    }

    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let window = Window::images([5, 5], [3, 3], [0, 0]);
        let mut x = relu(pass, x)?;
        x = pass.apply(&self.name, AvgPool { window, count_include_pad: false }, &[&x])?;
        for (conv, bn) in &self.convs {
            x = conv.forward(pass, &x)?;
            x = bn.forward(pass, &x)?;
        }
        let x = global_avg_pool(pass, &x)?;
        self.classifier.forward(pass, &x)
    }
}

/// The content of a network of family "cells" is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellsError {
    /// The genotype.
    #[error("network of cells: {0}")]
    Genotype(#[from] GenotypeError),
    /// Another member.
    #[error("network of cells: {what}; {fix}")]
    Member {
        /// What is wrong.
        what: String,
        /// What to do.
        fix: String,
    },
}

/// Members of a network of this family.
const MEMBERS: [&str; 7] = ["family", "channels", "layers", "genotype", "momentum", "eps", "auxiliary"];

fn wrong<T>(what: impl Into<String>, fix: impl Into<String>) -> Result<T, CellsError> {
    Err(CellsError::Member { what: what.into(), fix: fix.into() })
}

impl CellsSpec {
    /// Reads `{"family": "cells", "channels": 36, "layers": 20, "genotype": {...}, "momentum": 0.1, "eps": 1e-5, "auxiliary":
    /// false}` for inputs of shape `input`, channels last.
    ///
    /// # Errors
    /// If a member is missing, unknown or out of range, if there is a reduction cell where nothing is halved or none where
    /// something is, or if the map is too small for an auxiliary head.
    pub fn from_json(network: &Json, kind: Kind, input: &[usize], outputs: usize) -> Result<Self, CellsError> {
        let Some(members) = network.as_object() else {
            return wrong(format!("{network} is no object"), format!("give the members {}", MEMBERS.join(", ")));
        };
        if let Some(name) = members.keys().find(|k| !MEMBERS.contains(&k.as_str())) {
            return wrong(format!("there is no member '{name}'"), format!("the members are {}", MEMBERS.join(", ")));
        }
        let member = |name: &str| match members.get(name) {
            Some(value) => Ok(value),
            None => wrong(format!("'{name}' is missing"), format!("the members are {}", MEMBERS.join(", "))),
        };
        if member("family")? != "cells" {
            return wrong(format!("the family is {}", network["family"]), "give \"cells\"");
        }
        let whole = |name: &str, most: usize| {
            let value = member(name)?;
            match value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=most).contains(n)) {
                Some(n) => Ok(n),
                None => wrong(format!("'{name}' is {value}"), format!("give a whole number from 1 to {most}")),
            }
        };
        let real = |name: &str, least: f64| {
            let value = member(name)?;
            match value.as_f64().filter(|x| (least..=1.0).contains(x)) {
                Some(x) => Ok(x as f32),
                None => wrong(format!("'{name}' is {value}"), format!("give a number from {least} to 1")),
            }
        };
        let auxiliary = match member("auxiliary")?.as_bool() {
            Some(auxiliary) => auxiliary,
            None => return wrong(format!("'auxiliary' is {}", network["auxiliary"]), "give true or false"),
        };
        let spec = Self {
            kind,
            inputs: input.last().copied().unwrap_or(1),
            outputs,
            channels: whole("channels", 4096)?,
            layers: whole("layers", 256)?,
            genotype: Genotype::from_json(member("genotype")?)?,
            momentum: real("momentum", 0.0)?,
            eps: real("eps", 1e-12)?,
            auxiliary,
            reference: false,
        };
        spec.check(input)?;
        Ok(spec)
    }

    /// Whether the parts fit each other and the input.
    fn check(&self, input: &[usize]) -> Result<(), CellsError> {
        match (&self.genotype.reduce, self.kind) {
            (Some(_), Kind::Dense2d) => {
                return wrong(
                    "the genotype has a reduction cell, and nothing is halved where every pixel is answered",
                    "give \"reduce\": null",
                );
            }
            (None, Kind::Point2d | Kind::Series) => {
                return wrong("the genotype has no reduction cell", "give one in \"reduce\"");
            }
            _ => {}
        }
        if self.auxiliary && self.kind != Kind::Point2d {
            return wrong("an auxiliary head has one answer an image", "give \"auxiliary\": false");
        }
        if let (true, &[h, w, _]) = (self.auxiliary, input) {
            let halvings = (0..self.layers).filter(|&i| self.reduces(i)).count();
            let [mh, mw] = [h, w].map(|n| (0..halvings).fold(n, |n, _| n.div_ceil(2)));
            let least = AuxiliaryHead::LEAST;
            if mh.min(mw) < least {
                let what = format!(
                    "an auxiliary head reads a map of at least {least} x {least}, and that of {h} x {w} inputs is {mh} x {mw}"
                );
                return wrong(what, "give \"auxiliary\": false");
            }
        }
        Ok(())
    }
}

/// Builds the network that the member `network` of an `arch.json` names, family "cells".
///
/// # Errors
/// As [`CellsSpec::from_json`].
pub fn build(
    network: &Json,
    kind: Kind,
    input: &[usize],
    outputs: usize,
    at: &mut Builder<'_>,
) -> Result<Box<dyn Network>, CellsError> {
    Ok(Box::new(Cells::new(at, &CellsSpec::from_json(network, kind, input, outputs)?)))
}

#[cfg(test)]
mod tests;

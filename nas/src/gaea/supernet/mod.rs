//! PC-DARTS's supernet: every operation on every edge, mixed by architecture weights.
//!
//! Operations see the first 1 / fraction of a state's channels; the others go past them, and channels are shuffled then.
//! Since a node is a sum of edges, that is done once a node, after the sums; and since edges that leave a state read the
//! same channels, they are computed side by side (`bundle`).

pub(crate) mod bundle;
mod cell;
pub(crate) mod few;
mod mixing;
#[cfg(test)]
mod tests;

pub use mixing::{CellWeights, Mixing, Weights};

use nn::layers::{BatchNorm, Builder, Conv, Linear, LinearSpec, global_avg_pool, relu};
use nn::{Network, OpError, ParamId, Pass, Tensor};
use tasks::Kind;

use super::Genotype;
use super::operations::{Form, Norm};
use cell::{MixedCell, Place};
use mixing::Sums;

/// What a supernet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupernetSpec {
    /// What it reads and answers: images or series, an answer for all of it or for each place (then nothing is halved).
    pub kind: Kind,
    /// Channels of the input.
    pub inputs: usize,
    /// Answers.
    pub outputs: usize,
    /// Channels of a node before the first reduction (16).
    pub channels: usize,
    /// Cells (8); those at a third and two thirds of them reduce.
    pub layers: usize,
    /// Operations see 1 / this of the channels (4).
    pub fraction: usize,
    /// How architecture weights mix.
    pub mixing: Mixing,
    /// As the reference code for series has it: factorised reductions are not shifted. For comparison with its vectors; no
    /// method uses it.
    pub reference: bool,
}

impl SupernetSpec {
    /// The published size.
    pub fn new(kind: Kind, inputs: usize, outputs: usize) -> Self {
        Self { kind, inputs, outputs, channels: 16, layers: 8, fraction: 4, mixing: Mixing::Simplex, reference: false }
    }

    fn form(&self) -> Form {
        if self.kind == Kind::Series { Form::Series } else { Form::Image }
    }

    /// Whether some cells reduce.
    pub fn reduces(&self) -> bool {
        self.kind != Kind::Dense2d
    }

    fn reduces_at(&self, layer: usize) -> bool {
        self.reduces() && [self.layers / 3, 2 * self.layers / 3].contains(&layer)
    }
}

/// The supernet: `[N, H, W, C]` or `[N, L, C]` to `[N, outputs]`, or `[N, H, W, outputs]`.
#[derive(Debug)]
pub struct Supernet {
    spec: SupernetSpec,
    stem: (Conv, BatchNorm),
    cells: Vec<(MixedCell, bool)>,
    classifier: Linear,
    normal: CellWeights,
    reduce: Option<CellWeights>,
}

impl Supernet {
    /// Builds it.
    ///
    /// # Panics
    /// If the fraction does not divide the channels.
    pub fn new(at: &mut Builder<'_>, spec: SupernetSpec) -> Self {
        assert!(
            spec.fraction > 0 && spec.channels.is_multiple_of(spec.fraction),
            "operations see 1 / {} of {} channels",
            spec.fraction,
            spec.channels
        );
        let form = spec.form();
        let width = 3 * spec.channels;
        let stem =
            (at.conv("stem.0", form.conv(spec.inputs, width, 3, 1)), at.batch_norm("stem.1", Norm::AFFINE.over(width)));
        let (mut inputs, mut channels, mut after_reduction) = ([width; 2], spec.channels, false);
        let cells = (0..spec.layers)
            .map(|layer| {
                let reduces = spec.reduces_at(layer);
                channels *= 1 + usize::from(reduces);
                let place = Place { inputs, channels, reduces, after_reduction };
                let cell = MixedCell::new(&mut at.scope(format_args!("cells.{layer}")), &spec, place);
                (inputs, after_reduction) = ([inputs[1], 4 * channels], reduces);
                (cell, reduces)
            })
            .collect();
        let classifier = at.linear("classifier", LinearSpec::new(inputs[1], spec.outputs));
        let normal = CellWeights::new(at, "normal", spec.mixing);
        let reduce = spec.reduces().then(|| CellWeights::new(at, "reduce", spec.mixing));
        Self { spec, stem, cells, classifier, normal, reduce }
    }

    /// What it is.
    pub fn spec(&self) -> &SupernetSpec {
        &self.spec
    }

    /// Architecture weights of cells that keep the size.
    pub fn normal(&self) -> CellWeights {
        self.normal
    }

    /// Architecture weights of cells that halve it.
    pub fn reduce(&self) -> Option<CellWeights> {
        self.reduce
    }

    /// All architecture weights.
    pub fn architecture(&self) -> impl Iterator<Item = ParamId> {
        std::iter::once(self.normal).chain(self.reduce).flat_map(|w| w.ids())
    }

    /// The weights that mix, of both kinds of cells.
    ///
    /// # Errors
    /// None at present.
    pub fn weights(&self, pass: &mut Pass<'_>) -> Result<(Weights, Option<Weights>), OpError> {
        let normal = Weights::of(pass, self.normal, self.spec.mixing)?;
        let reduce = self.reduce.map(|cell| Weights::of(pass, cell, self.spec.mixing)).transpose()?;
        Ok((normal, reduce))
    }

    /// The network of one genotype within the supernet.
    pub fn only<'a>(&'a self, genotype: &Genotype) -> Only<'a> {
        let reduce = genotype.reduce.as_ref().map(Weights::of_cell);
        Only { supernet: self, normal: Weights::of_cell(&genotype.normal), reduce }
    }

    fn mixed(
        &self,
        pass: &mut Pass<'_>,
        x: &Tensor,
        normal: &Weights,
        reduce: Option<&Weights>,
    ) -> Result<Tensor, OpError> {
        let normal = Sums::new(pass, normal)?;
        let reduce = reduce.map(|w| Sums::new(pass, w)).transpose()?;
        let x = self.stem.0.forward(pass, x)?;
        let x = self.stem.1.forward(pass, &x)?;
        // Two cells read an output, both behind ReLU.
        let active = relu(pass, &x)?;
        let mut last = [active.clone(), active];
        for (i, (cell, reduces)) in self.cells.iter().enumerate() {
            let sums = if *reduces { reduce.as_ref().unwrap_or(&normal) } else { &normal };
            let y = cell.forward(pass, [&last[0], &last[1]], sums)?;
            let y = if i + 1 < self.cells.len() { relu(pass, &y)? } else { y };
            last = [last[1].clone(), y];
        }
        let [_, x] = last;
        let x = if self.spec.kind == Kind::Dense2d { x } else { global_avg_pool(pass, &x)? };
        self.classifier.forward(pass, &x)
    }
}

impl Network for Supernet {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let (normal, reduce) = self.weights(pass)?;
        self.mixed(pass, x, &normal, reduce.as_ref())
    }
}

/// A supernet in which every edge does what a genotype says.
#[derive(Debug)]
pub struct Only<'a> {
    supernet: &'a Supernet,
    normal: Weights,
    reduce: Option<Weights>,
}

impl Network for Only<'_> {
    fn forward(&self, pass: &mut Pass<'_>, x: &Tensor) -> Result<Tensor, OpError> {
        let device = pass.device();
        let there = |w: &Weights| Weights {
            operations: w.operations.value().to(device).into(),
            edges: w.edges.value().to(device).into(),
        };
        self.supernet.mixed(pass, x, &there(&self.normal), self.reduce.as_ref().map(there).as_ref())
    }
}

//! What is drawn: uniform over paths and depths; as a quirk, what the reference's derivation makes of a fresh supernet.

use kernels::rng::{Key, Purpose, Stream};
use tasks::{Facts, Kind};

use crate::arch::Form;
use crate::densenas::supernet::BEGIN;
use crate::densenas::{Blocks, Grid, Relaxed, viterbi};

/// The reference's random grids, with fewer stacked layers than the searched ones: task, and layers of the nodes by position
/// (stem first). Tasks that are not here use the searched grid.
const SHALLOW: [(&str, &[usize]); 6] = [
    ("cifar100", &[0, 0, 0, 0, 2, 2, 2, 1, 0, 0, 0, 0, 0, 1]),
    ("spherical", &[0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1]),
    ("fsd50k", &[0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]),
    ("satellite", &[0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]),
    ("ecg", &[0, 1, 1, 1, 2, 2, 2]),
    ("deepsea", &[0, 1, 1, 1, 2, 2, 2]),
];

/// The grid that the reference draws from.
pub fn reference_grid(facts: &Facts, grid: Grid) -> Grid {
    match SHALLOW.iter().find(|(task, _)| *task == facts.name) {
        Some((_, layers)) => grid.with_layers(|i, node| node.layers.min(layers[i])),
        None => grid,
    }
}

/// Draws networks.
#[derive(Debug, Clone)]
pub struct Sampler {
    grid: Grid,
    kind: Kind,
    inputs: usize,
    outputs: usize,
    most: usize,
    depth_only: bool,
}

impl Sampler {
    /// Of a grid, networks of at most `most` parameters. `depth_only`: as the reference draws them.
    pub fn new(facts: &Facts, grid: Grid, form: &Form, most: usize, depth_only: bool) -> Self {
        let grid = if depth_only { reference_grid(facts, grid) } else { grid };
        Self { grid, kind: form.kind, inputs: form.channels(), outputs: form.outputs, most, depth_only }
    }

    /// One draw, large or small.
    pub fn draw(&self, stream: &mut Stream) -> Blocks {
        if !self.depth_only {
            return self.grid.derive(&self.grid.draw(stream));
        }
        let mut weights = Relaxed::zeros(&self.grid);
        weights.links.iter_mut().flatten().for_each(|w| *w = stream.normal() * BEGIN);
        weights.stacks.iter_mut().flatten().flatten().for_each(|w| *w = stream.normal() * BEGIN);
        self.grid.derive(&viterbi::derive(&self.grid, &weights.softmaxed(1.0)))
    }

    /// Trial number `id`'s network: the first draw of its stream that is small enough.
    pub fn network(&self, seed: u64, id: usize) -> Blocks {
        let mut stream = trial_key(seed, id).stream(0);
        loop {
            let blocks = self.draw(&mut stream);
            if blocks.parameters(self.kind, self.inputs, self.outputs) <= self.most {
                return blocks;
            }
        }
    }
}

/// What is drawn for a trial; a search never has an epoch of that number.
fn trial_key(seed: u64, id: usize) -> Key {
    Key::new(seed, Purpose::Search).at(u64::MAX, id as u64)
}

/// The seed of a trial's training.
pub fn trial_seed(seed: u64, id: usize) -> u64 {
    trial_key(seed, id).stream(1).word64()
}

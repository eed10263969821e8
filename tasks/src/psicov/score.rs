//! How far predicted distances are off.

use std::collections::BTreeMap;

use kernels::Tensor;
use serde_json::Value;

use super::reader::{FAR, MARGIN, SIDE, windows};
use super::store::Proteins;
use crate::metrics::protein_mae::{Map, ProteinMae};
use crate::{Part, Quirks, Score, Split};

/// Pairs at most so far apart count in the error over all separations.
const NEAR: f64 = 8.0;
/// Predictions below this are this.
const LEAST: f64 = 0.01;

/// What judges a split: whole proteins at test, pixels of windows elsewhere.
pub(super) fn of(split: &Split) -> Box<dyn Score> {
    let file = split.files().next().expect("a split has a file");
    match Proteins::open(file) {
        Ok(proteins) if file.meta().split == Part::Test => Box::new(Whole {
            lengths: (0..proteins.len()).map(|p| proteins.length(p)).collect(),
            split: split.clone(),
            open: BTreeMap::new(),
            errors: ProteinMae::default(),
            all: Mean::default(),
            proteins: 0,
        }),
        _ => Box::new(Pixels::default()),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, v: f64) {
        self.sum += v;
        self.count += 1;
    }

    /// NaN of nothing.
    fn value(self) -> f64 {
        self.sum / self.count as f64
    }
}

/// A protein of which windows are still to come.
struct Canvas {
    left: usize,
    outputs: Vec<f32>,
    targets: Vec<f32>,
}

/// MAE8 over proteins.
struct Whole {
    split: Split,
    lengths: Vec<usize>,
    open: BTreeMap<u32, Canvas>,
    errors: ProteinMae,
    all: Mean,
    proteins: u64,
}

impl Whole {
    fn finish(&mut self, protein: u32, canvas: &Canvas, quirks: &Quirks) {
        let side = windows(self.lengths[protein as usize]) * SIDE;
        // The quirk: the benchmark reads lengths in another order than proteins; here the next protein's.
        let foreign = quirks.has("foreign-length");
        let of = if foreign { (protein as usize + 1) % self.lengths.len() } else { protein as usize };
        let length = self.lengths[of].min(side - 2 * MARGIN);
        let at = |map: &[f32], p: usize, q: usize| map[(MARGIN + p) * side + MARGIN + q];
        let cut = |f: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
            (0..length * length).map(|i| f(i / length, i % length)).collect()
        };
        let targets = cut(&|p, q| at(&canvas.targets, p, q));
        // The mean of both triangles; no distance is below a hundredth. NaN stays.
        let outputs = cut(&|p, q| {
            let mean = (f64::from(at(&canvas.outputs, p, q)) + f64::from(at(&canvas.outputs, q, p))) / 2.0;
            if mean < LEAST { LEAST as f32 } else { mean as f32 }
        });
        if quirks.has("double-symmetry") {
            let map = Map { outputs: &canvas.outputs, targets: &canvas.targets, side, length };
            self.errors.add_as_published(map, 2 * MARGIN);
        } else {
            self.errors.add(Map { outputs: &outputs, targets: &targets, side: length, length });
        }
        let mut near = Mean::default();
        for p in 0..length {
            for q in p + 1..length {
                let (output, truth) = (f64::from(outputs[p * length + q]), f64::from(targets[p * length + q]));
                if truth <= NEAR {
                    near.add((output - truth).abs());
                }
            }
        }
        if near.count > 0 {
            self.all.add(near.value());
        }
        self.proteins += 1;
    }
}

impl Score for Whole {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        let each = SIDE * SIDE;
        assert_eq!((outputs.len(), targets.len()), (each * items.len(), each * items.len()), "windows");
        let rows = outputs.data().chunks_exact(each).zip(targets.data().chunks_exact(each));
        for ((output, target), &item) in rows.zip(items) {
            let protein = self.split.group(item);
            let n = windows(self.lengths[protein as usize]);
            let side = n * SIDE;
            let canvas = self.open.entry(protein).or_insert_with(|| Canvas {
                left: n * n,
                outputs: vec![0.0; side * side],
                targets: vec![FAR; side * side],
            });
            let at = (item - self.split.items_of(&[protein])[0]) as usize;
            for r in 0..SIDE {
                let to = (at / n * SIDE + r) * side + at % n * SIDE;
                canvas.outputs[to..to + SIDE].copy_from_slice(&output[r * SIDE..(r + 1) * SIDE]);
                canvas.targets[to..to + SIDE].copy_from_slice(&target[r * SIDE..(r + 1) * SIDE]);
            }
            canvas.left -= 1;
            if canvas.left == 0
                && let Some(canvas) = self.open.remove(&protein)
            {
                let quirks = self.split.quirks().clone();
                self.finish(protein, &canvas, &quirks);
            }
        }
    }

    fn value(&self) -> f64 {
        self.errors.errors().lr8
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        let mean = self.errors.errors();
        BTreeMap::from([
            ("mae8_all", self.all.value().into()),
            ("mlr8", mean.mlr8.into()),
            ("mae12", mean.lr12.into()),
            ("mlr12", mean.mlr12.into()),
            ("test_items", self.proteins.into()),
            ("test_proteins_without_such_pairs", (self.proteins - self.errors.counted()).into()),
        ])
    }
}

/// The mean absolute error over all pixels, margin and all: what validation selects by.
#[derive(Debug, Default)]
struct Pixels {
    mean: Mean,
    items: u64,
}

impl Score for Pixels {
    fn add(&mut self, outputs: &Tensor, targets: &Tensor, items: &[u32]) {
        for (&x, &t) in outputs.data().iter().zip(targets.data()) {
            self.mean.add((f64::from(x) - f64::from(t)).abs());
        }
        self.items += items.len() as u64;
    }

    fn value(&self) -> f64 {
        self.mean.value()
    }

    fn secondary(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([("items", self.items.into())])
    }
}

//! Hand gestures from two armbands of eight electrodes: electrodes by time.
//!
//! An item is a window of 52 samples (260 ms at 200 Hz) of 16 electrodes, stored `[16, 52, 1]`: the first armband's eight
//! rows, then the second's. The benchmark's windows `(52, 16)` are transposed and otherwise left as they are. Windows that
//! are cut here out of the publisher's recordings are high-passed, rectified and averaged first.

mod archive;
mod filter;
mod generate;
mod import;
mod recording;

use std::path::Path;

use safetensors::Dtype;

use crate::facts::{Facts, Kind, Loss, Sizes, Table, ZERO_ONE_ERROR};
use crate::store::{Origin, Part, Provenance, Source, SplitWriter};
use crate::{Error, Progress, Summary, Task};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "ninapro",
    title: "NinaPro",
    input: &[16, 52, 1],
    outputs: 18,
    kind: Kind::Point2d,
    loss: Loss::CrossEntropy,
    metric: ZERO_ONE_ERROR,
    sizes: Sizes { train: 2_638, val: 659, test: 659 },
    items: "windows",
    table: Table { size: "3,956", objective: "classify sEMG signals into 18 hand gestures", new_to_nas: true },
    preprocessing: 1,
};

/// Samples a second.
const RATE: f64 = 200.0;

/// The task.
#[derive(Debug)]
pub struct Ninapro;

impl Task for Ninapro {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        if let Some(folder) = import::folder(from) {
            return import::import(folder, data_dir, progress);
        }
        archive::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }
}

/// The three parts in the making: windows as they come, each to its part, then all classes.
struct Writing {
    splits: Vec<SplitWriter>,
    labels: [Vec<i32>; 3],
}

impl Writing {
    /// Begins windows of this many electrodes and samples.
    fn begin(store: &crate::store::StoreWriter, [electrodes, samples]: [usize; 2]) -> Result<Self, Error> {
        let begin = |part| {
            let mut split = store.split(part)?;
            split.tensor("x", Dtype::F32, &[electrodes, samples, 1])?;
            Ok(split)
        };
        let splits = Part::ALL.into_iter().map(begin).collect::<Result<_, Error>>()?;
        Ok(Self { splits, labels: Default::default() })
    }

    /// Adds a window `[electrodes, samples]` or, piece by piece, its rows; the class goes with the first piece.
    fn push(&mut self, part: Part, class: Option<i32>, window: &[f32]) -> Result<(), Error> {
        self.labels[part as usize].extend(class);
        self.splits[part as usize].push(window)
    }

    /// Writes the classes and finishes the parts.
    fn finish(self, store: &mut crate::store::StoreWriter, origin: &Origin) -> Result<(), Error> {
        for (mut split, labels) in self.splits.into_iter().zip(&self.labels) {
            split.tensor("y", Dtype::I32, &[])?;
            split.push(labels)?;
            store.finish(split, origin)?;
        }
        Ok(())
    }
}

/// What a store of imported windows says of itself.
fn origin(provenance: Provenance, sources: Vec<Source>, outputs: usize, notices: Vec<String>) -> Origin {
    let (preprocessing, task) = (FACTS.preprocessing, FACTS.name.to_owned());
    Origin { preprocessing, provenance, seed: None, sources, task, outputs, notices }
}

/// The part of an item when parts are cut anew, 8:1:1 by the hash of what names it.
fn part_by_hash(id: &str) -> Part {
    let hash = blake3::hash(id.as_bytes());
    let word = hash.as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    match word % 10 {
        0..8 => Part::Train,
        8 => Part::Val,
        _ => Part::Test,
    }
}

/// A line for each part that lacks classes: counts of windows by part and class.
fn missing_classes(counts: &[Vec<usize>; 3]) -> impl Iterator<Item = String> {
    ["training", "validation", "test"].into_iter().zip(counts).filter_map(|(part, counts)| {
        let (all, seen) = (counts.len(), counts.iter().filter(|&&n| n > 0).count());
        (seen < all).then(|| format!("{part} holds {seen} of {all} classes"))
    })
}

#[cfg(test)]
mod tests;

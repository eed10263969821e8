//! Heart rhythm from one lead (PhysioNet/CinC Challenge 2017), in windows of 1,000 samples at 300 Hz.
//!
//! Each record is standardised by itself, whole: minus its mean, over its standard deviation (of the population), both in
//! f64, summed in the order of time. The store keeps records, not windows: `signal` f32 `[S, 1]`, all of them one after the
//! other, so that a window is a plain copy (the 16-bit originals would be half the size, and every batch would standardise
//! again); `offsets` i64 `[R + 1]`, where each begins; `label` i32 `[R]`, N 0, A 1, O 2, ~ 3; `record` i32 `[R]`, its number in
//! the original, from 0. Items are windows, groups are records: windows overlap more the rarer the class, but only where
//! they are fitted. A record's answer is its windows' vote, and the metric is F1 over records.

mod archive;
mod generate;
mod import;
mod pickled;
mod score;

use std::path::Path;
use std::sync::Arc;

use safetensors::Dtype;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::reader::{Cuts, Windows};
use crate::standardise::standardise;
use crate::store::SplitWriter;
use crate::{Error, Progress, Quirks, Reader, Score, Split, Stored, Summary, Task, Use};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "ecg",
    title: "ECG",
    input: &[1000, 1],
    outputs: 4,
    kind: Kind::Series,
    loss: Loss::CrossEntropy,
    metric: Metric { name: "F1", direction: Direction::Higher, unit: "", scale: 1.0 },
    sizes: Sizes { train: 6_822, val: 853, test: 853 },
    items: "records",
    table: Table { size: "330K", objective: "detect atrial disease in an ECG recording, 4 classes", new_to_nas: true },
    preprocessing: 1,
};

/// Normal rhythm, atrial fibrillation, other rhythm, noise; as the originals write them.
pub const CLASSES: [&str; 4] = ["N", "A", "O", "~"];

/// Windows of 3.33 s.
const WINDOWS: Windows = Windows { length: 1_000, fitted: &[500, 83, 250, 25], judged: 500 };

/// The task.
#[derive(Debug)]
pub struct Ecg;

impl Task for Ecg {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn reader(&self, stored: &Arc<Stored>, to: Use, _: &Quirks) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(Cuts::open(stored, WINDOWS, to)?))
    }

    fn score(&self, split: &Split) -> Box<dyn Score> {
        Box::new(score::Rhythm::new(split))
    }
}

/// Number of a class as the originals write it.
fn class(label: &str) -> Option<i32> {
    CLASSES.iter().position(|c| *c == label).map(|k| k as i32)
}

/// Writes one split, given the records' numbers in the original and how to read the i-th of them.
fn write_split(
    split: &mut SplitWriter,
    records: &[i32],
    labels: &[i32],
    mut read: impl FnMut(usize, &mut Vec<f64>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut raw, mut done, mut offsets) = (Vec::new(), Vec::new(), vec![0i64]);
    split.tensor("signal", Dtype::F32, &[1])?;
    for i in 0..records.len() {
        read(i, &mut raw)?;
        done.resize(raw.len(), 0.0f32);
        standardise(&raw, &mut done);
        split.push(&done)?;
        offsets.push(offsets[i] + raw.len() as i64);
    }
    split.tensor("offsets", Dtype::I64, &[])?;
    split.push(&offsets)?;
    split.tensor("label", Dtype::I32, &[])?;
    split.push(labels)?;
    split.tensor("record", Dtype::I32, &[])?;
    split.push(records)
}

#[cfg(test)]
mod tests;

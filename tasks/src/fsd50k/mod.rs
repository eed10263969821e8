//! Sounds with any of 200 labels, as log-mel spectrograms of one second.
//!
//! A record is a clip of any length, cut into chunks of one second that begin every half second; what is left at its end is
//! repeated to fill a second. Stored are the chunks' spectrograms ([`mel`]), clip after clip: `x` f32 `[chunks, 96, 101, 1]`,
//! `offsets` i64 `[clips + 1]`, `y` u8 `[clips, 200]`, `clip` i64 `[clips]` (the originals' numbers), and with the training
//! data `noise` f32 `[N, 96, 101]`, seconds of noise. Training reads one chunk of a clip each epoch and changes it
//! (`reader`); a clip is judged by the mean of its chunks' outputs (`score`).

mod chunks;
mod generate;
mod import;
pub mod mel;
mod official;
mod reader;
mod resample;
mod score;
mod synth;

use std::path::Path;
use std::sync::Arc;

use crate::facts::{Direction, Facts, Kind, Loss, Metric, Sizes, Table};
use crate::{Error, Progress, Quirks, Reader, Score, Split, Stored, Summary, Task, Use};

/// What is fixed about it.
pub static FACTS: Facts = Facts {
    name: "fsd50k",
    title: "FSD50K",
    input: &[mel::BANDS, mel::FRAMES, 1],
    outputs: 200,
    kind: Kind::Point2d,
    loss: Loss::BceWithLogits,
    metric: Metric { name: "mAP", direction: Direction::Higher, unit: "", scale: 1.0 },
    sizes: Sizes { train: 36_796, val: 4_170, test: 10_231 },
    items: "clips",
    table: Table {
        size: "51K",
        objective: "classify sound events in log-mel spectrograms, 200 labels",
        new_to_nas: true,
    },
    preprocessing: 1,
};

/// The task.
#[derive(Debug)]
pub struct Fsd50k;

impl Task for Fsd50k {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        if official::is_there(from) {
            return official::import(from, data_dir, progress);
        }
        import::import(from, data_dir, progress)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        generate::generate(sizes, seed, data_dir, progress)
    }

    fn reader(&self, stored: &Arc<Stored>, to: Use, _: &Quirks) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::Clips::open(stored, to)?))
    }

    fn score(&self, split: &Split) -> Box<dyn Score> {
        Box::new(score::Precision::new(split))
    }
}

#[cfg(test)]
mod tests;

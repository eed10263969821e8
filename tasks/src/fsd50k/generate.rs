//! The stand-in's store: synthesised clips through the same front end.

use std::path::Path;

use kernels::pool;

use super::FACTS;
use super::chunks::{Spectrograms, chunk, starts, write_clips};
use super::mel::RATE;
use super::synth::{Clip, noise};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

/// Clips made at once.
const BLOCK: usize = 32;
/// Seconds of noise to mix in, and the first stream that they are made from.
const NOISE: u64 = 32;
const NOISES: u64 = 1 << 40;

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut before, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut split = store.split(part)?;
        let mut spectrograms = Spectrograms::begin(&mut split, "x", true)?;
        for first in (0..n).step_by(BLOCK) {
            progress.report("generating fsd50k", before + first as u64, total, Unit::Items);
            let mut clips = vec![Vec::new(); BLOCK.min(n - first)];
            pool::chunks_mut(&mut clips, 1, |i, to| {
                to[0] = Clip::samples(&mut key.stream((first + i) as u64));
            });
            for clip in &clips {
                for start in starts(clip.len()) {
                    spectrograms.push(chunk(clip, start), &mut split)?;
                }
            }
        }
        spectrograms.flush(&mut split)?;
        let streams = || (0..n as u64).map(|i| key.stream(i));
        let chunks: Vec<usize> = streams().map(|mut s| starts(Clip::len(&mut s)).count()).collect();
        let labels: Vec<Vec<u16>> = streams().map(|mut s| Clip::labels(&mut s)).collect();
        let numbers: Vec<i64> = (0..n as i64).collect();
        write_clips(&mut split, &chunks, &labels, &numbers, FACTS.outputs)?;
        if part == Part::Train {
            let mut spectrograms = Spectrograms::begin(&mut split, "noise", false)?;
            for i in 0..NOISE {
                let mut chance = key.stream(NOISES + i);
                let level = 0.02 + 0.05 * chance.uniform64();
                spectrograms.push(noise(RATE, level, &mut chance), &mut split)?;
            }
            spectrograms.flush(&mut split)?;
        }
        store.finish(split, &origin)?;
        before += n as u64;
    }
    store.publish()?;
    progress.report("generating fsd50k", total, total, Unit::Items);
    Summary::of(data_dir, &super::Fsd50k)
}

//! Clips to chunks of a second, chunks to spectrograms, spectrograms to the store.

use kernels::pool;
use safetensors::Dtype;

use super::mel::{BANDS, EACH, FRAMES, RATE, Scratch, log_mel};
use crate::Error;
use crate::store::SplitWriter;

/// Samples from a chunk's beginning to the next one's.
const STEP: usize = RATE / 2;
/// Chunks whose spectrograms are made at once.
const BLOCK: usize = 64;

/// Where the chunks of a clip of so many samples begin: every half second while there are samples; one chunk of a clip that is
/// shorter than that.
pub(super) fn starts(samples: usize) -> impl Iterator<Item = usize> {
    (0..if samples < RATE { 1 } else { samples }).step_by(STEP)
}

/// Second `start..` of a clip, what is missing filled by repeating what is there.
pub(super) fn chunk(clip: &[f64], start: usize) -> Vec<f64> {
    let piece = &clip[start.min(clip.len())..clip.len().min(start + RATE)];
    if piece.is_empty() {
        return vec![0.0; RATE];
    }
    piece.iter().copied().cycle().take(RATE).collect()
}

/// Takes chunks, writes spectrograms, in the same order.
pub(super) struct Spectrograms {
    waiting: Vec<Vec<f64>>,
    done: Vec<f32>,
}

impl Spectrograms {
    /// Begins the tensor `name` of spectrograms `[96, 101, ...]`.
    pub(super) fn begin(split: &mut SplitWriter, name: &str, with_channel: bool) -> Result<Self, Error> {
        split.tensor(name, Dtype::F32, if with_channel { &[BANDS, FRAMES, 1] } else { &[BANDS, FRAMES] })?;
        Ok(Self { waiting: Vec::with_capacity(BLOCK), done: vec![0.0; BLOCK * EACH] })
    }

    /// One more second.
    pub(super) fn push(&mut self, chunk: Vec<f64>, split: &mut SplitWriter) -> Result<(), Error> {
        self.waiting.push(chunk);
        if self.waiting.len() == BLOCK { self.flush(split) } else { Ok(()) }
    }

    /// Writes what is waiting.
    pub(super) fn flush(&mut self, split: &mut SplitWriter) -> Result<(), Error> {
        let (waiting, done) = (&self.waiting, &mut self.done[..self.waiting.len() * EACH]);
        // A few runs a thread, each with scratch of its own.
        let run = waiting.len().div_ceil(4 * pool::threads()).max(1);
        pool::chunks_mut(done, run * EACH, |r, to| {
            let mut scratch = Scratch::default();
            for (chunk, to) in waiting[r * run..].iter().zip(to.chunks_exact_mut(EACH)) {
                log_mel(chunk, &mut scratch, to);
            }
        });
        split.push(done)?;
        self.waiting.clear();
        Ok(())
    }
}

/// The tensors beside the spectrograms: how many chunks each clip has, its labels, its number.
pub(super) fn write_clips(
    split: &mut SplitWriter,
    chunks: &[usize],
    labels: &[Vec<u16>],
    clips: &[i64],
    classes: usize,
) -> Result<(), Error> {
    split.tensor("offsets", Dtype::I64, &[])?;
    let mut offset = 0i64;
    split.push(&[offset])?;
    for n in chunks {
        offset += *n as i64;
        split.push(&[offset])?;
    }
    split.tensor("y", Dtype::U8, &[classes])?;
    let mut row = vec![0u8; classes];
    for labels in labels {
        row.fill(0);
        labels.iter().for_each(|&l| row[usize::from(l)] = 1);
        split.push(&row)?;
    }
    split.tensor("clip", Dtype::I64, &[])?;
    split.push(clips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_begin_every_half_second_and_tails_are_repeated() {
        assert_eq!(starts(0).collect::<Vec<_>>(), [0]);
        assert_eq!(starts(RATE - 1).collect::<Vec<_>>(), [0]);
        assert_eq!(starts(RATE).collect::<Vec<_>>(), [0, STEP]);
        assert_eq!(starts(RATE + 1).collect::<Vec<_>>(), [0, STEP, RATE]);
        let clip: Vec<f64> = (0..RATE + 3).map(|i| i as f64).collect();
        assert_eq!(chunk(&clip, 0), clip[..RATE]);
        assert_eq!(chunk(&clip, RATE)[..5], [22_050.0, 22_051.0, 22_052.0, 22_050.0, 22_051.0]);
        assert_eq!(chunk(&[], 0), [0.0; RATE]);
    }
}

//! Clips as training reads them, chunks as they are judged.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use kernels::rng::Stream;

use crate::reader::Column;
use crate::{Error, Part, Reader, Stored, Use};

/// How often a training item is masked, and mixed with noise.
const MASKED: f64 = 0.5;
const MIXED: f64 = 0.75;
/// The widest mask, as a share of the bands and of the frames, and the largest share of noise.
const WIDEST: [f64; 2] = [0.15, 0.20];
const LOUDEST: f64 = 0.5;

thread_local! { static NOISE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) }; }

/// A file's clips.
pub(super) struct Clips {
    x: Column<f32>,
    y: Column<u8>,
    /// Number of each clip's first chunk; one more at the end.
    offsets: Vec<u32>,
    /// The clip of each chunk, where chunks are items.
    owner: Vec<u32>,
    to: Use,
    noise: Option<Column<f32>>,
    target: [usize; 1],
}

impl Clips {
    pub(super) fn open(stored: &Arc<Stored>, to: Use) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, "import the task again").at(stored.path());
        let (x, y) = (Column::<f32>::open(stored, "x")?, Column::<u8>::open(stored, "y")?);
        let offsets = Column::<i64>::open(stored, "offsets")?;
        let (all, clips, chunks) = (offsets.all(), y.rows(), x.rows());
        let ends = (all.first().copied(), all.last().and_then(|&n| usize::try_from(n).ok()));
        let rising = all.windows(2).all(|w| w[0] < w[1]);
        if ends != (Some(0), Some(chunks)) || !rising || all.len() != clips + 1 || u32::try_from(chunks).is_err() {
            return Err(wrong(format!("{} offsets do not go with {clips} clips and {chunks} chunks", all.len())));
        }
        let (&[bands, frames, _], &[classes]) = (x.shape(), y.shape()) else {
            return Err(wrong(format!("chunks of shape {:?} with labels of shape {:?}", x.shape(), y.shape())));
        };
        let offsets: Vec<u32> = all.iter().map(|&o| o as u32).collect();
        let owner = match to {
            Use::Fit => Vec::new(),
            Use::Judge => (0..clips as u32)
                .flat_map(|c| std::iter::repeat_n(c, (offsets[c as usize + 1] - offsets[c as usize]) as usize))
                .collect(),
        };
        let noise = if to == Use::Fit { noise_beside(stored)? } else { None };
        if noise.as_ref().is_some_and(|n| n.shape() != [bands, frames]) {
            return Err(wrong("noise and chunks have other shapes".into()));
        }
        Ok(Self { x, y, offsets, owner, to, noise, target: [classes] })
    }

    /// Rounds of masks: a run of bands, then a run of frames, become the least number that is there.
    fn mask(&self, chance: &mut Stream, x: &mut [f32]) {
        if chance.uniform64() >= MASKED {
            return;
        }
        let size = [self.x.shape()[0], self.x.shape()[1]];
        let least = x.iter().fold(f32::INFINITY, |m, &v| if v < m { v } else { m });
        for _ in 0..1 + chance.below(2) {
            let mut run = |axis: usize| {
                let width = (WIDEST[axis] * chance.uniform64() * size[axis] as f64) as usize;
                let start = (chance.uniform64() * (size[axis] - width) as f64) as usize;
                start..start + width
            };
            let (bands, frames): (Range<usize>, Range<usize>) = (run(0), run(1));
            x[bands.start * size[1]..bands.end * size[1]].fill(least);
            for row in x.chunks_exact_mut(size[1]) {
                row[frames.clone()].fill(least);
            }
        }
    }

    /// `(1 - a) x + a noise`, a second of noise masked in its turn, a from 0 to one half.
    fn mix(&self, noise: &Column<f32>, chance: &mut Stream, x: &mut [f32]) {
        if chance.uniform64() >= MIXED {
            return;
        }
        NOISE.with_borrow_mut(|second| {
            second.clear();
            second.extend_from_slice(noise.row(chance.below(noise.rows() as u64) as usize));
            self.mask(chance, second);
            let a = (LOUDEST * chance.uniform64()) as f32;
            for (v, n) in x.iter_mut().zip(second) {
                *v = (1.0 - a) * *v + a * *n;
            }
        });
    }
}

/// Noise lies with the training data; validation data that are fitted too look there.
fn noise_beside(stored: &Arc<Stored>) -> Result<Option<Column<f32>>, Error> {
    let train = if stored.meta().split == Part::Train {
        Arc::clone(stored)
    } else {
        Arc::new(Stored::open(stored.path().parent().unwrap_or(Path::new(".")), Part::Train)?)
    };
    if train.tensor_type("noise").is_none() {
        return Ok(None);
    }
    Column::open(&train, "noise").map(|n| Some(n).filter(|n| n.rows() > 0))
}

impl Reader for Clips {
    fn items(&self) -> usize {
        if self.to == Use::Fit { self.records() } else { self.owner.len() }
    }

    fn records(&self) -> usize {
        self.y.rows()
    }

    fn record(&self, item: usize) -> usize {
        if self.to == Use::Fit { item } else { self.owner[item] as usize }
    }

    fn items_of(&self, record: usize) -> Range<usize> {
        match self.to {
            Use::Fit => record..record + 1,
            Use::Judge => self.offsets[record] as usize..self.offsets[record + 1] as usize,
        }
    }

    fn input(&self) -> &[usize] {
        self.x.shape()
    }

    fn target(&self) -> Option<&[usize]> {
        Some(&self.target)
    }

    fn class(&self, _: usize) -> i32 {
        unreachable!("targets are labels")
    }

    /// Chance is drawn in this order: the chunk; masks; whether noise is mixed in, which second, its masks, its share.
    fn read(&self, item: usize, mut chance: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]) {
        let record = self.record(item);
        let chunk = match (self.to, &mut chance) {
            (Use::Judge, _) => item,
            (Use::Fit, None) => self.offsets[record] as usize,
            (Use::Fit, Some(chance)) => {
                let (first, end) = (self.offsets[record], self.offsets[record + 1]);
                (u64::from(first) + chance.below(u64::from(end - first))) as usize
            }
        };
        x.copy_from_slice(self.x.row(chunk));
        y.iter_mut().zip(self.y.row(record)).for_each(|(y, &v)| *y = v.into());
        if let Some(chance) = chance {
            self.mask(chance, x);
            if let Some(noise) = &self.noise {
                self.mix(noise, chance, x);
            }
        }
    }
}

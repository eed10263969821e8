//! Windows of a protein's pairs.
//!
//! A protein lies in a canvas with a margin of 5 all round, where features are 0. Training and validation see one window of
//! 128 x 128: the canvas's top left if it fits, else one whose first row and first column are drawn each for itself. A test
//! protein is seen whole, in windows side by side from the top left. (The benchmark's canvas is 512 wide and all its 16
//! windows are computed; those without a residue hold no pair that is judged, so only windows that touch the protein with its
//! margin are items here.)
//!
//! Channel 2 k is feature k of the column's residue, channel 2 k + 1 that of the row's (27 of each), then come the pair's 3.
//! A distance below 1 is 1; a residue's distance to itself becomes the mean of those to its two neighbours in the chain (the
//! one there is, at the ends). Training and validation clip targets at 16, which the margin and what is not known have;
//! test leaves them as they are, and has 100 there.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use kernels::rng::{Key, Purpose, Stream};

use super::store::{PAIR, Proteins, RESIDUE};
use crate::{Error, Part, Reader, Stored, Use};

/// Rows and columns of a window.
pub(super) const SIDE: usize = 128;
pub(super) const CHANNELS: usize = 2 * RESIDUE + PAIR;
/// Of the canvas, on each side.
pub(super) const MARGIN: usize = 5;
/// The largest distance that is learnt, and what stands for "far" at test.
const CLIP: f32 = 16.0;
pub(super) const FAR: f32 = 100.0;

thread_local! { static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) }; }

/// Windows along a side of a protein's canvas.
pub(super) fn windows(length: usize) -> usize {
    (length + 2 * MARGIN).div_ceil(SIDE)
}

/// A file's windows.
pub(super) struct Windows {
    proteins: Proteins,
    /// Number of each protein's first item; one more at the end.
    first: Vec<u32>,
    /// The protein of each item, where a protein has several.
    owner: Vec<u32>,
    whole: bool,
}

impl Windows {
    pub(super) fn open(stored: &Arc<Stored>, to: Use) -> Result<Self, Error> {
        let proteins = Proteins::open(stored)?;
        let whole = stored.meta().split == Part::Test && to == Use::Judge;
        let (mut first, mut owner) = (vec![0], Vec::new());
        for p in 0..proteins.len() {
            let n = if whole { windows(proteins.length(p)).pow(2) } else { 1 };
            owner.extend(std::iter::repeat_n(p as u32, n));
            first.push(owner.len() as u32);
        }
        Ok(Self { proteins, first, owner, whole })
    }

    /// First row and column of an item in its canvas.
    fn origin(&self, item: usize, chance: Option<&mut Stream>) -> [usize; 2] {
        let protein = self.record(item);
        if self.whole {
            let (n, at) = (windows(self.proteins.length(protein)), item - self.first[protein] as usize);
            return [at / n * SIDE, at % n * SIDE];
        }
        let room = (self.proteins.length(protein) + 2 * MARGIN).saturating_sub(SIDE);
        let draw = |chance: &mut Stream| [(); 2].map(|()| chance.below(room as u64 + 1) as usize);
        match chance {
            _ if room == 0 => [0, 0],
            Some(chance) => draw(chance),
            // What is judged has its window once and for all.
            None => draw(&mut Key::new(0, Purpose::Augment).at(u64::MAX, 0).stream(item as u64)),
        }
    }

    /// The cleaned distance of a pair, NaN if it is not known.
    fn distance(&self, protein: usize, row: usize, column: usize) -> f32 {
        let length = self.proteins.length(protein);
        let at = |column: usize| {
            let mut d = [0.0];
            self.proteins.distance.read(self.proteins.pair_at(protein, row, column), &mut d);
            if d[0] < 1.0 { 1.0 } else { d[0] }
        };
        if row != column {
            return at(column);
        }
        let before = column.checked_sub(1).map(at).filter(|d| !d.is_nan());
        let after = Some(column + 1).filter(|&c| c < length).map(at).filter(|d| !d.is_nan());
        match (before, after) {
            (Some(a), Some(b)) => (a + b) / 2.0,
            (Some(d), None) | (None, Some(d)) => d,
            (None, None) => f32::NAN,
        }
    }
}

/// The part of `0..length` that a window from `origin` on sees, and where in the window it begins.
fn seen(origin: usize, length: usize) -> (Range<usize>, usize) {
    let first = origin.saturating_sub(MARGIN);
    let last = (origin + SIDE).saturating_sub(MARGIN).min(length);
    (first.min(last)..last, (first + MARGIN).saturating_sub(origin))
}

impl Reader for Windows {
    fn items(&self) -> usize {
        self.owner.len()
    }

    fn records(&self) -> usize {
        self.proteins.len()
    }

    fn record(&self, item: usize) -> usize {
        self.owner[item] as usize
    }

    fn items_of(&self, record: usize) -> Range<usize> {
        self.first[record] as usize..self.first[record + 1] as usize
    }

    fn input(&self) -> &[usize] {
        super::FACTS.input
    }

    fn target(&self) -> Option<&[usize]> {
        Some(&[SIDE, SIDE, 1])
    }

    fn class(&self, _: usize) -> i32 {
        unreachable!("targets are distances")
    }

    fn read(&self, item: usize, chance: Option<&mut Stream>, x: &mut [f32], y: &mut [f32]) {
        let protein = self.record(item);
        let (p, length) = (&self.proteins, self.proteins.length(protein));
        let origin = self.origin(item, chance);
        let ((rows, top), (columns, left)) = (seen(origin[0], length), seen(origin[1], length));
        let far = if self.whole { FAR } else { CLIP };
        x.fill(0.0);
        y.fill(far);
        SCRATCH.with_borrow_mut(|scratch| {
            // Features of the columns' residues, of a row's residue, of a row's pairs, and its distances.
            let sizes = [columns.len() * RESIDUE, RESIDUE, columns.len() * PAIR, columns.len()];
            scratch.resize(sizes.iter().sum(), 0.0);
            let (of_columns, rest) = scratch.split_at_mut(sizes[0]);
            let (of_row, rest) = rest.split_at_mut(sizes[1]);
            let (pairs, distances) = rest.split_at_mut(sizes[2]);
            p.residue.read(p.residue_at(protein, columns.start) * RESIDUE, of_columns);
            for (i, row) in rows.clone().enumerate() {
                p.residue.read(p.residue_at(protein, row) * RESIDUE, of_row);
                let first = p.pair_at(protein, row, columns.start);
                p.pair.read(first * PAIR, pairs);
                p.distance.read(first, distances);
                let to = (top + i) * SIDE + left;
                let line = &mut x[to * CHANNELS..(to + columns.len()) * CHANNELS];
                for ((to, column), pair) in
                    line.chunks_exact_mut(CHANNELS).zip(of_columns.chunks_exact(RESIDUE)).zip(pairs.chunks_exact(PAIR))
                {
                    for k in 0..RESIDUE {
                        to[2 * k] = column[k];
                        to[2 * k + 1] = of_row[k];
                    }
                    to[2 * RESIDUE..].copy_from_slice(pair);
                }
                for ((to, &d), column) in y[to..to + columns.len()].iter_mut().zip(&*distances).zip(columns.clone()) {
                    let d = if row == column {
                        self.distance(protein, row, column)
                    } else if d < 1.0 {
                        1.0
                    } else {
                        d
                    };
                    let clipped = if !self.whole && d > CLIP { CLIP } else { d };
                    *to = if clipped.is_nan() { far } else { clipped };
                }
            }
        });
    }
}

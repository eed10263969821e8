//! A stand-in for the originals: vegetation that greens and withers, class by class.
//!
//! A year's index is a base plus one or two seasons, each a rise and a fall of sigmoid shape at the class's own dates and
//! speeds (the double-logistic model of phenology, with the algebraic sigmoid). Each series has its own year (early or
//! late, lush or meagre), its own field (dates, speeds and heights vary around the class's), sensor noise, and clouds, which
//! only ever lower the index. Neighbouring classes overlap, as crops do.

use std::path::Path;

use kernels::rng::{Key, Stream};

use super::{FACTS, write_split};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

/// Items between two reports.
const STRIDE: usize = 4_096;
const DATES: usize = 46;

/// A season of growth; dates in steps of eight days from the first of January.
struct Season {
    start: f64,
    end: f64,
    /// Steps that the rise and the fall take.
    rise: f64,
    fall: f64,
    height: f64,
}

/// What grows: base of the index, and its seasons.
type Cover = (f64, &'static [Season]);

const fn season(start: f64, end: f64, rise: f64, fall: f64, height: f64) -> Season {
    Season { start, end, rise, fall, height }
}

/// The classes: winter crops, summer crops, two crops a year, grass, trees, and what hardly changes.
static COVERS: [Cover; 24] = [
    (0.18, &[season(9.0, 22.0, 2.5, 1.5, 0.60)]),
    (0.18, &[season(8.0, 20.0, 2.0, 1.2, 0.60)]),
    (0.20, &[season(7.0, 24.0, 3.0, 1.5, 0.58)]),
    (0.22, &[season(10.0, 21.0, 1.2, 2.5, 0.62)]),
    (0.16, &[season(18.0, 33.0, 1.8, 1.8, 0.62)]),
    (0.16, &[season(20.0, 34.0, 1.5, 1.5, 0.62)]),
    (0.17, &[season(19.0, 31.0, 1.2, 2.5, 0.58)]),
    (0.18, &[season(17.0, 36.0, 2.8, 1.5, 0.60)]),
    (0.15, &[season(22.0, 37.0, 2.0, 1.0, 0.64)]),
    (0.20, &[season(16.0, 30.0, 1.0, 1.2, 0.50)]),
    (0.18, &[season(8.0, 18.0, 2.0, 1.2, 0.50), season(24.0, 35.0, 1.5, 1.5, 0.55)]),
    (0.18, &[season(9.0, 19.0, 2.0, 1.2, 0.58), season(25.0, 36.0, 1.5, 1.5, 0.35)]),
    (0.20, &[season(7.0, 17.0, 1.5, 1.0, 0.35), season(22.0, 34.0, 1.5, 1.5, 0.58)]),
    (0.22, &[season(6.0, 15.0, 1.5, 1.5, 0.45), season(19.0, 28.0, 1.5, 1.5, 0.45)]),
    (0.30, &[season(10.0, 38.0, 3.0, 4.0, 0.40)]),
    (0.32, &[season(8.0, 35.0, 4.0, 5.0, 0.38)]),
    (0.30, &[season(12.0, 40.0, 2.0, 3.0, 0.42)]),
    (0.35, &[season(13.0, 36.0, 1.5, 2.0, 0.45)]),
    (0.33, &[season(14.0, 38.0, 1.2, 2.5, 0.48)]),
    (0.55, &[season(11.0, 37.0, 4.0, 4.0, 0.20)]),
    (0.60, &[season(9.0, 40.0, 5.0, 5.0, 0.12)]),
    (0.35, &[season(8.0, 16.0, 2.0, 6.0, 0.35)]),
    (0.30, &[season(24.0, 40.0, 6.0, 2.0, 0.35)]),
    (0.12, &[season(15.0, 32.0, 5.0, 5.0, 0.10)]),
];

/// From 0 to 1, one half at 0.
fn sigmoid(x: f64) -> f64 {
    0.5 + 0.5 * x / (1.0 + x * x).sqrt()
}

/// Item `index` of a part: its class, and its raw index at each date.
fn item(key: Key, index: u64, out: &mut [f64]) -> i32 {
    let mut chance = key.stream(index);
    let class = class(&mut chance);
    let (base, seasons) = &COVERS[class as usize];
    let late = 0.9 * chance.normal();
    let lush = 1.0 + 0.12 * chance.normal();
    let base = base + 0.03 * chance.normal();
    out.fill(base);
    for s in *seasons {
        let start = s.start + late + 0.6 * chance.normal();
        let end = s.end + late + 0.8 * chance.normal();
        let rise = s.rise * stretch(&mut chance);
        let fall = s.fall * stretch(&mut chance);
        let height = s.height * lush * (1.0 + 0.10 * chance.normal());
        for (t, v) in out.iter_mut().enumerate() {
            let t = t as f64;
            *v += height * (sigmoid((t - start) / rise) - sigmoid((t - end) / fall));
        }
    }
    for v in out.iter_mut() {
        *v += 0.02 * chance.normal();
        if chance.uniform64() < 0.07 {
            *v -= (*v - 0.02) * (0.2 + 0.7 * chance.uniform64());
        }
    }
    class as i32
}

/// The class of an item: the first thing its stream says.
fn class(chance: &mut Stream) -> u64 {
    chance.below(COVERS.len() as u64)
}

/// A factor around 1.
fn stretch(chance: &mut Stream) -> f64 {
    0.75 + 0.5 * chance.uniform64()
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut before, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut split = store.split(part)?;
        let labels: Vec<i32> = (0..n).map(|i| class(&mut key.stream(i as u64)) as i32).collect();
        write_split(&mut split, DATES, &labels, |i, out| {
            if i % STRIDE == 0 {
                progress.report("generating satellite", before + i as u64, total, Unit::Items);
            }
            item(key, i as u64, out);
            Ok(())
        })?;
        store.finish(split, &origin)?;
        before += n as u64;
    }
    store.publish()?;
    progress.report("generating satellite", total, total, Unit::Items);
    Summary::of(data_dir, &super::Satellite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_depends_on_its_number_alone() {
        let make = |seed, part, i| {
            let mut v = [0.0; DATES];
            (item(generated::key(&FACTS, seed, part), i, &mut v), v.map(f64::to_bits))
        };
        assert_eq!(make(1, Part::Train, 5), make(1, Part::Train, 5));
        let others = [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)];
        assert!(others.iter().all(|o| o.1 != make(1, Part::Train, 5).1));
    }

    #[test]
    fn every_class_comes_up_and_values_are_an_index() {
        let (mut counts, mut v) = ([0; 24], [0.0; DATES]);
        for i in 0..4_800 {
            counts[item(generated::key(&FACTS, 0, Part::Train), i, &mut v) as usize] += 1;
            assert!(v.iter().all(|x| (-0.3..1.5).contains(x)), "{i}: {v:?}");
        }
        assert!(counts.iter().all(|c| (130..270).contains(c)), "{counts:?}");
    }
}

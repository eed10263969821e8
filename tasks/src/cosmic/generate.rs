//! A stand-in for the originals: star fields with galaxies, as a space telescope's camera counts them, and cosmic rays.
//!
//! Light comes through the optics: no star is sharper than the point spread (about two pixels wide), and galaxies and their
//! knots are wider. Particles do not: their tracks are a pixel thin, at any angle, some bent, from a single pixel to half a
//! tile long, and free charge with Landau's long tail. Brightness tells little, as there are stars of any: what there is to
//! learn is sharpness. On top come the sky (another level for every exposure), the Poisson noise of all light, the noise of
//! reading out, saturation, and a few broken pixels and columns; the last three are what does not count.
//!
//! A pixel is marked as hit where the particles' charge exceeds [`SEEN`] times the noise there.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kernels::pool;
use kernels::rng::Key;

use super::optics::{Detector, between, log_between, poisson};
use super::slots::{Slots, Tile};
use super::{FACTS, SIDE};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

/// Electrons that a pixel holds.
const FULL: f64 = 80_000.0;
/// Standard deviations from which on a hit is one.
const SEEN: f64 = 4.0;
const TURN: f64 = 2.0 * std::f64::consts::PI;
/// Tiles that are made at a time.
const RUN: usize = 64;

/// Tile `index` of a part, and the level of its sky.
fn tile(key: Key, index: u64) -> (Tile, f32) {
    let chance = &mut key.stream(index);
    let side = SIDE as f64;
    let sky = log_between(chance, 20.0, 300.0);
    let mut light = Detector::new(SIDE, sky);

    // The optics breathe with the telescope's temperature.
    let (width, halo) = (between(chance, 0.85, 1.05), between(chance, 0.05, 0.15));
    let crowd = log_between(chance, 60.0, 240.0);
    for _ in 0..poisson(chance, crowd) as usize {
        let at = [between(chance, -4.0, side + 4.0), between(chance, -4.0, side + 4.0)];
        // As many as are brighter than f falls with 1 / f.
        let flux = (250.0 / (1.0 - chance.uniform64())).min(100_000.0);
        light.star(at, flux, width, halo);
    }
    for _ in 0..poisson(chance, 3.0) as usize {
        let [y, x] = [between(chance, 0.0, side), between(chance, 0.0, side)];
        let (scale, ratio, angle) =
            (log_between(chance, 1.5, 9.0), between(chance, 0.2, 1.0), between(chance, 0.0, TURN));
        let flux = log_between(chance, 2_000.0, 150_000.0);
        light.disk([y, x], flux, scale, ratio, angle);
        for _ in 0..poisson(chance, scale) as usize {
            let at = [y + scale * chance.normal(), x + scale * chance.normal()];
            light.point(at, 0.05 * flux * chance.uniform64(), between(chance, width, 2.0 * width));
        }
    }

    let mut hits = Detector::new(SIDE, 0.0);
    let rate = between(chance, 8.0, 28.0);
    for _ in 0..poisson(chance, rate) as usize {
        let at = [between(chance, -8.0, side + 8.0), between(chance, -8.0, side + 8.0)];
        let length = match chance.below(10) {
            0..5 => between(chance, 0.0, 4.0),
            5..9 => between(chance, 3.0, 15.0),
            _ => between(chance, 12.0, 60.0),
        };
        let (angle, bend) = (between(chance, 0.0, TURN), 0.01 * chance.normal());
        let charge = log_between(chance, 250.0, 4_000.0);
        hits.particle(chance, at, length, angle, bend, charge);
    }
    hits.diffuse(between(chance, 0.02, 0.05));

    let read = between(chance, 4.0, 5.0);
    let mut tile = Tile { x: Vec::with_capacity(SIDE * SIDE), y: vec![0; 2 * SIDE * SIDE] };
    let mut spoilt = broken(chance);
    for (at, (&light, &hit)) in light.pixels.iter().zip(&hits.pixels).enumerate() {
        let count = poisson(chance, light) + hit + spoilt.level[at] + read * chance.normal();
        if light + hit > FULL {
            spoilt.mark(at);
        }
        tile.x.push(count.min(FULL) as f32);
        tile.y[2 * at] = u8::from(hit > SEEN * (light + read * read).sqrt());
    }
    for (pair, spoilt) in tile.y.chunks_exact_mut(2).zip(spoilt.pixels) {
        pair[1] = u8::from(!spoilt);
    }
    (tile, sky as f32)
}

/// Pixels that do not count.
struct Spoilt {
    pixels: Vec<bool>,
    /// What broken pixels add to their counts.
    level: Vec<f64>,
}

impl Spoilt {
    /// A pixel and its neighbours.
    fn mark(&mut self, at: usize) {
        let (row, column) = (at / SIDE, at % SIDE);
        for i in row.saturating_sub(1)..(row + 2).min(SIDE) {
            for j in column.saturating_sub(1)..(column + 2).min(SIDE) {
                self.pixels[i * SIDE + j] = true;
            }
        }
    }
}

/// A few hot pixels, and now and then a column.
fn broken(chance: &mut kernels::rng::Stream) -> Spoilt {
    let mut spoilt = Spoilt { pixels: vec![false; SIDE * SIDE], level: vec![0.0; SIDE * SIDE] };
    for _ in 0..poisson(chance, 4.0) as usize {
        let at = chance.below((SIDE * SIDE) as u64) as usize;
        spoilt.level[at] += log_between(chance, 100.0, 5_000.0);
        spoilt.pixels[at] = true;
    }
    if chance.below(4) == 0 {
        let (column, level) = (chance.below(SIDE as u64) as usize, log_between(chance, 50.0, 2_000.0));
        for row in chance.below(SIDE as u64) as usize..SIDE {
            spoilt.level[row * SIDE + column] += level;
            spoilt.pixels[row * SIDE + column] = true;
        }
    }
    spoilt
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut slots = Slots::begin(data_dir, [SIDE; 2])?;
    let (mut done, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut sky = Vec::with_capacity(n);
        for start in (0..n).step_by(RUN) {
            progress.report("generating cosmic", done, total, Unit::Items);
            let made: Vec<Mutex<Option<(Tile, f32)>>> = (start..n.min(start + RUN)).map(|_| Mutex::default()).collect();
            pool::run(made.len(), |i| {
                *made[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(tile(key, (start + i) as u64));
            });
            for (i, made) in made.into_iter().enumerate() {
                let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
                let (tile, level) = made.expect("every item of a job is made");
                slots.put(start + i, &tile)?;
                sky.push(level);
                done += 1;
            }
        }
        let mut split = store.split(part)?;
        slots.write(&mut split, 0..n, &sky)?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("generating cosmic", total, total, Unit::Items);
    Summary::of(data_dir, &super::Cosmic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_depends_on_its_number_alone() {
        let make = |seed, part, i| tile(generated::key(&FACTS, seed, part), i);
        let one = make(1, Part::Train, 5);
        assert_eq!(one, make(1, Part::Train, 5));
        let others = [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)];
        assert!(others.iter().all(|o| o.0.x != one.0.x));
    }

    /// Hit pixels are rare, most pixels count, and no threshold on the count finds what it would take to be a good answer.
    #[test]
    fn brightness_does_not_tell_hits() {
        let (mut hit, mut counted, mut all) = (0u32, 0u32, 0u32);
        // By the logarithm of the count: pixels that are hit, and pixels.
        let mut bins = [[0u32; 2]; 20];
        for i in 0..24 {
            let (tile, sky) = tile(generated::key(&FACTS, 0, Part::Train), i);
            assert!((20.0..=300.0).contains(&sky) && tile.x.iter().all(|v| v.is_finite() && *v <= FULL as f32));
            for (&x, pair) in tile.x.iter().zip(tile.y.chunks_exact(2)) {
                all += 1;
                counted += u32::from(pair[1]);
                if pair[1] == 1 {
                    hit += u32::from(pair[0]);
                    let bin = &mut bins[(x as u32).max(1).ilog2() as usize];
                    bin[0] += u32::from(pair[0]);
                    bin[1] += 1;
                }
            }
        }
        let share = f64::from(hit) / f64::from(counted);
        assert!((0.003..0.04).contains(&share), "{share}");
        assert!(f64::from(counted) / f64::from(all) > 0.97);
        // The best answer from the count alone: wherever most pixels of a bin are hit.
        let found: u32 = bins.iter().filter(|b| 2 * b[0] > b[1]).map(|b| b[0]).sum();
        assert!(f64::from(found) < 0.4 * f64::from(hit), "{found} of {hit}: {bins:?}");
    }
}

//! A stand-in for the originals: muscles under two armbands.
//!
//! A gesture is a synergy, the activation of ten muscle groups of the forearm; a muscle is a place around the arm, a width,
//! and how well each armband hears it. What an electrode hears is noise whose amplitude the muscles modulate: its sign says
//! nothing, its variance everything, so nothing can be read off one sample. Part of the noise is the muscle's own and shared by
//! the electrodes around it. Each window has its own wearer: the armbands turned by a fraction of an electrode, the gain of
//! each electrode, the force, how much each muscle takes part; some windows begin before the gesture does, hands tremble, and
//! now and then an electrode slips. Numbers are the armband's: whole, -128 to 127, sampled at 200 Hz, not rectified.

use std::path::Path;

use kernels::math::{exp, sin};
use kernels::pool;
use kernels::rng::{Key, Stream};

use super::{FACTS, Ninapro, RATE, Writing};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

const ELECTRODES: usize = FACTS.input[0];
/// Electrodes of an armband.
const RING: usize = 8;
const SAMPLES: usize = FACTS.input[1];
const ITEM: usize = ELECTRODES * SAMPLES;
/// Windows made at once, on all threads.
const RUN: usize = 512;
const TURN: f64 = 2.0 * std::f64::consts::PI;
/// Counts of a muscle at full force, right under an electrode.
const FULL: f64 = 45.0;

/// A group of muscles: where it lies, in electrodes around the arm from the back of the forearm towards the little finger's
/// side; how wide it is; how loud at the armband below the elbow and at the one nearer to the wrist.
struct Muscle {
    at: f64,
    width: f64,
    loud: [f64; 2],
}

const fn muscle(at: f64, width: f64, loud: [f64; 2]) -> Muscle {
    Muscle { at, width, loud }
}

const MUSCLES: usize = 10;
static FOREARM: [Muscle; MUSCLES] = [
    muscle(0.3, 0.8, [0.9, 0.8]), // extensors of the fingers
    muscle(1.5, 0.7, [0.9, 0.6]), // extensor of the wrist, ulnar
    muscle(2.9, 0.8, [1.0, 0.7]), // flexor of the wrist, ulnar
    muscle(3.8, 0.9, [0.7, 1.0]), // flexors of the fingers, superficial
    muscle(3.2, 1.5, [0.4, 0.4]), // flexors of the fingers, deep
    muscle(4.7, 0.7, [1.0, 0.6]), // flexor of the wrist, radial
    muscle(5.4, 0.7, [0.9, 0.2]), // pronators
    muscle(6.2, 0.8, [1.0, 0.5]), // brachioradialis and supinator
    muscle(7.1, 0.7, [1.0, 0.7]), // extensors of the wrist, radial
    muscle(7.7, 0.6, [0.2, 0.9]), // long muscles of the thumb
];

/// Activations in the order of `FOREARM`: rest, then exercise 2 of DB5, eight configurations of the hand and nine movements
/// of the wrist.
static SYNERGIES: [[f64; MUSCLES]; 18] = [
    [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00], // rest
    [0.10, 0.10, 0.10, 0.30, 0.30, 0.10, 0.00, 0.20, 0.20, 0.90], // thumb up
    [0.60, 0.10, 0.10, 0.40, 0.30, 0.10, 0.00, 0.10, 0.20, 0.30], // two fingers stretched
    [0.50, 0.30, 0.30, 0.30, 0.40, 0.10, 0.00, 0.10, 0.20, 0.50], // three fingers stretched
    [0.10, 0.20, 0.30, 0.30, 0.20, 0.20, 0.10, 0.10, 0.10, 0.60], // thumb to the little finger
    [0.90, 0.40, 0.10, 0.05, 0.05, 0.05, 0.00, 0.10, 0.40, 0.60], // fingers spread
    [0.20, 0.30, 0.40, 0.90, 0.90, 0.40, 0.10, 0.20, 0.40, 0.30], // fist
    [0.40, 0.10, 0.20, 0.60, 0.50, 0.20, 0.00, 0.10, 0.30, 0.20], // index pointing
    [0.60, 0.20, 0.30, 0.10, 0.10, 0.20, 0.00, 0.10, 0.30, 0.20], // stretched fingers together
    [0.10, 0.10, 0.10, 0.00, 0.00, 0.10, 0.00, 0.70, 0.20, 0.20], // supination about the middle finger
    [0.10, 0.10, 0.10, 0.10, 0.10, 0.40, 0.90, 0.30, 0.10, 0.10], // pronation about the middle finger
    [0.20, 0.30, 0.05, 0.00, 0.00, 0.05, 0.00, 0.60, 0.10, 0.40], // supination about the little finger
    [0.10, 0.30, 0.30, 0.10, 0.10, 0.20, 0.80, 0.10, 0.05, 0.10], // pronation about the little finger
    [0.00, 0.05, 0.80, 0.50, 0.20, 0.80, 0.20, 0.10, 0.05, 0.05], // wrist bent
    [0.50, 0.80, 0.10, 0.05, 0.05, 0.05, 0.05, 0.30, 0.90, 0.20], // wrist stretched
    [0.10, 0.05, 0.05, 0.10, 0.05, 0.50, 0.10, 0.50, 0.80, 0.40], // wrist towards the thumb
    [0.10, 0.80, 0.80, 0.10, 0.10, 0.05, 0.00, 0.05, 0.05, 0.10], // wrist towards the little finger
    [0.30, 0.80, 0.20, 0.70, 0.70, 0.20, 0.05, 0.30, 0.90, 0.30], // wrist stretched, fist
];

/// Uniform in low..high.
fn between(chance: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * chance.uniform64()
}

/// The class of a window: the first thing its stream says.
fn class(chance: &mut Stream) -> usize {
    chance.below(SYNERGIES.len() as u64) as usize
}

/// Noise with the spectrum of muscles at 200 Hz, nearly white and poor in low frequencies; of variance 1.
fn noise(chance: &mut Stream, out: &mut [f64; SAMPLES]) {
    let mut before = chance.normal();
    for v in out {
        let now = chance.normal();
        *v = (now - 0.2 * before) / 1.04f64.sqrt();
        before = now;
    }
}

/// How loud each electrode hears each muscle.
fn mixing(chance: &mut Stream) -> [[f64; MUSCLES]; ELECTRODES] {
    let turned = 0.30 * chance.normal();
    // The second armband sits half an electrode on.
    let turned = [turned, turned + 0.5 + 0.15 * chance.normal()];
    let mut heard = [[0.0; MUSCLES]; ELECTRODES];
    for (e, heard) in heard.iter_mut().enumerate() {
        let (ring, gain) = (e / RING, between(chance, 0.7, 1.4));
        let place = (e % RING) as f64 + turned[ring];
        for (h, m) in heard.iter_mut().zip(&FOREARM) {
            let around = place - m.at;
            let far = around - RING as f64 * (around / RING as f64).round();
            *h = gain * m.loud[ring] * exp(-0.5 * (far / m.width) * (far / m.width));
        }
    }
    heard
}

/// What the gesture's activation is multiplied by at each sample: it begins, it holds, it trembles.
fn envelope(chance: &mut Stream, out: &mut [f64; SAMPLES]) {
    let (begins, start, rise) = (chance.uniform64() < 0.3, between(chance, -10.0, 25.0), between(chance, 1.0, 4.0));
    let (tremor, pitch, phase) = (between(chance, 0.0, 0.4), between(chance, 6.0, 12.0), between(chance, 0.0, TURN));
    for (t, v) in out.iter_mut().enumerate() {
        let t = t as f64;
        let hold = if begins { 1.0 / (1.0 + exp((start - t) / rise)) } else { 1.0 };
        *v = hold * (1.0 + tremor * sin(TURN * pitch * t / RATE + phase));
    }
}

/// Window `index` of a part, `[electrodes, samples]`; gives its class.
fn window(key: Key, index: u64, out: &mut [f32]) -> usize {
    let chance = &mut key.stream(index);
    let class = class(chance);
    let heard = mixing(chance);
    let (force, tone, hiss) = (between(chance, 0.5, 1.5), between(chance, 0.02, 0.08), between(chance, 1.0, 3.0));
    let level = SYNERGIES[class].map(|a| force * a * between(chance, 0.7, 1.3));
    let (mut hold, mut shared, mut own) = ([0.0; SAMPLES], [[0.0; SAMPLES]; MUSCLES], [0.0; SAMPLES]);
    envelope(chance, &mut hold);
    shared.iter_mut().for_each(|source| noise(chance, source));
    let slips = (chance.uniform64() < 0.15).then(|| chance.below(ELECTRODES as u64) as usize);
    for (e, (row, heard)) in out.chunks_exact_mut(SAMPLES).zip(&heard).enumerate() {
        noise(chance, &mut own);
        let offset = chance.normal();
        for (t, v) in row.iter_mut().enumerate() {
            let (mut together, mut power) = (0.0, 0.0);
            for m in 0..MUSCLES {
                let loud = FULL * heard[m] * (tone + level[m] * hold[t]);
                together += loud * shared[m][t];
                power += loud * loud;
            }
            let counts = 0.6 * together + 0.8 * power.sqrt() * own[t] + hiss * chance.normal() + offset;
            *v = counts as f32;
        }
        if slips == Some(e) {
            slip(chance, row);
        }
        for v in row {
            *v = v.round().clamp(-128.0, 127.0);
        }
    }
    class
}

/// An electrode loses its skin and finds it again: a jump that dies away.
fn slip(chance: &mut Stream, row: &mut [f32]) {
    let (start, lasts) = (chance.below(SAMPLES as u64) as usize, between(chance, 4.0, 20.0));
    let height = between(chance, 20.0, 80.0) * if chance.below(2) == 0 { 1.0 } else { -1.0 };
    for (t, v) in row[start..].iter_mut().enumerate() {
        *v += (height * exp(-(t as f64) / lasts)) as f32;
    }
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let mut writing = Writing::begin(&store, [ELECTRODES, SAMPLES])?;
    let (mut done, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    let mut windows = vec![0.0; RUN * ITEM];
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        for start in (0..n).step_by(RUN) {
            progress.report("generating ninapro", done, total, Unit::Items);
            let count = RUN.min(n - start);
            pool::chunks_mut(&mut windows[..count * ITEM], ITEM, |i, out| {
                window(key, (start + i) as u64, out);
            });
            for (i, window) in windows[..count * ITEM].chunks_exact(ITEM).enumerate() {
                let class = class(&mut key.stream((start + i) as u64)) as i32;
                writing.push(part, Some(class), window)?;
            }
            done += count as u64;
        }
    }
    writing.finish(&mut store, &origin)?;
    store.publish()?;
    progress.report("generating ninapro", total, total, Unit::Items);
    Summary::of(data_dir, &Ninapro)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(seed: u64, part: Part, i: u64) -> (usize, Vec<f32>) {
        let mut v = vec![0.0; ITEM];
        (window(generated::key(&FACTS, seed, part), i, &mut v), v)
    }

    #[test]
    fn a_window_depends_on_its_number_alone() {
        let one = make(1, Part::Train, 5);
        assert_eq!(one, make(1, Part::Train, 5));
        let others = [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)];
        assert!(others.iter().all(|o| o.1 != one.1));
    }

    #[test]
    fn every_class_comes_up_in_the_armbands_numbers() {
        let (mut counts, mut loudest) = ([0; 18], [[0.0f64; ELECTRODES]; 18]);
        for i in 0..1_800 {
            let (k, v) = make(0, Part::Train, i);
            counts[k] += 1;
            assert!(v.iter().all(|x| (-128.0..=127.0).contains(x) && *x == x.trunc()), "{i}");
            for (sum, row) in loudest[k].iter_mut().zip(v.chunks_exact(SAMPLES)) {
                *sum += row.iter().map(|&x| f64::from(x * x)).sum::<f64>();
            }
        }
        assert!(counts.iter().all(|c| (60..=145).contains(c)), "{counts:?}");
        // Rest is quiet everywhere; a fist is loudest over the flexors, a stretched wrist over the extensors.
        let loudest = |k: usize| (0..ELECTRODES).fold(0, |m, e| if loudest[k][e] > loudest[k][m] { e } else { m });
        assert!(matches!((loudest(6) % RING, loudest(14) % RING), (3 | 4, 7 | 0)), "{} {}", loudest(6), loudest(14));
    }
}

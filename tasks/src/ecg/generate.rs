//! A stand-in for the originals: heart beats as sums of waves.
//!
//! A beat is five bumps (P, Q, R, S, T) of Gaussian shape around the instant of its R, with the sizes and places of the
//! dynamical model of McSharry and others (2003), stretched by the square root of the time since the beat before. What the
//! classes differ in is what a reader of a strip looks at:
//! - N: an even rate of 55 to 95 a minute that breathes;
//! - A: times between beats that do not depend on each other, no P, a tremor of 4 to 9 Hz instead;
//! - O: early wide beats without P and the pause after them, or an even rate that is too fast or too slow;
//! - ~: any of these under noise that is larger than the beats.
//!
//! Each record has its own heart (sizes and widths of the waves, sometimes upside down), wandering baseline and noise, and a
//! length as the originals have: 30 s mostly, else 9 to 60.

use std::path::Path;

use kernels::math::{exp, sin};
use kernels::rng::{Key, Stream};

use super::{CLASSES, FACTS, write_split};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

/// Samples a second.
const RATE: f64 = 300.0;
/// Records of each class among the 8,528 originals.
const COUNTS: [u64; 4] = [5_076, 758, 2_415, 279];
const TURN: f64 = 2.0 * std::f64::consts::PI;

/// A wave of a beat: when (seconds from R), how high (R is 1), how wide (seconds).
#[derive(Debug, Clone, Copy)]
struct Wave {
    at: f64,
    height: f64,
    width: f64,
}

const fn wave(at: f64, height: f64, width: f64) -> Wave {
    Wave { at, height, width }
}

/// P, Q, R, S, T.
const BEAT: [Wave; 5] = [
    wave(-0.17, 0.13, 0.025),
    wave(-0.03, -0.12, 0.011),
    wave(0.0, 1.0, 0.011),
    wave(0.03, -0.25, 0.012),
    wave(0.26, 0.25, 0.045),
];
/// A beat that begins in a ventricle: wide, no P, T the other way.
const EARLY: [Wave; 3] = [wave(0.0, 1.2, 0.040), wave(0.09, -0.5, 0.045), wave(0.30, -0.35, 0.060)];

/// How a heart beats.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rhythm {
    Even,
    Fibrillation,
    /// Every so many beats, on average, comes early.
    Ectopic(f64),
}

/// Uniform in low..high.
fn between(chance: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * chance.uniform64()
}

/// The class of a record: the first thing its stream says.
fn class(chance: &mut Stream) -> usize {
    let mut at = chance.below(COUNTS.iter().sum());
    for (k, n) in COUNTS.into_iter().enumerate() {
        if at < n {
            return k;
        }
        at -= n;
    }
    unreachable!("below the sum")
}

/// Adds a beat whose R is at `r` seconds; `stretch` moves waves apart.
fn beat(out: &mut [f64], waves: &[Wave], r: f64, stretch: f64, scale: &[f64; 5]) {
    for (w, s) in waves.iter().zip(scale) {
        let (centre, width) = (r + w.at * stretch, w.width * stretch);
        let first = ((centre - 4.0 * width) * RATE).ceil().clamp(0.0, out.len() as f64) as usize;
        let end = ((centre + 4.0 * width) * RATE).ceil().clamp(0.0, out.len() as f64) as usize;
        for (i, v) in out[first..end].iter_mut().enumerate() {
            let t = ((first + i) as f64 / RATE - centre) / width;
            *v += s * w.height * exp(-0.5 * t * t);
        }
    }
}

/// Record `index` of a part: its class, and its samples.
fn record(key: Key, index: u64, out: &mut Vec<f64>) -> usize {
    let chance = &mut key.stream(index);
    let class = class(chance);
    let seconds = if chance.uniform64() < 0.7 { 30.0 } else { between(chance, 9.0, 60.0) };
    out.clear();
    out.resize((seconds * RATE) as usize, 0.0);

    // What a noisy strip would have shown does not matter, but there is a heart under it.
    let seen = if CLASSES[class] == "~" { chance.below(3) as usize } else { class };
    let (rhythm, rate) = match (CLASSES[seen], chance.below(4)) {
        ("A", _) => (Rhythm::Fibrillation, between(chance, 65.0, 130.0)),
        ("O", 0) => (Rhythm::Even, between(chance, 110.0, 150.0)),
        ("O", 1) => (Rhythm::Even, between(chance, 35.0, 48.0)),
        ("O", _) => (Rhythm::Ectopic(between(chance, 3.0, 9.0)), between(chance, 60.0, 95.0)),
        _ => (Rhythm::Even, between(chance, 55.0, 95.0)),
    };
    beats(chance, rhythm, 60.0 / rate, out);

    let upside_down = chance.uniform64() < 0.15;
    let loud = CLASSES[class] == "~";
    let noise = if loud { between(chance, 0.4, 1.2) } else { between(chance, 0.01, 0.06) };
    let drift = if loud { between(chance, 0.5, 3.0) } else { between(chance, 0.02, 0.25) };
    let (slow, phase) = (between(chance, 0.1, 0.5), between(chance, 0.0, TURN));
    // Muscles: noise with a memory of about a hundredth of a second.
    let mut muscle = 0.0;
    for (i, v) in out.iter_mut().enumerate() {
        muscle = 0.7 * muscle + 0.7 * chance.normal();
        let base = drift * sin(TURN * slow * (i as f64 / RATE) + phase);
        *v = if upside_down { -*v } else { *v } + base + noise * muscle;
    }
    class
}

/// Adds the beats of a heart whose mean time between them is `mean` seconds.
fn beats(chance: &mut Stream, rhythm: Rhythm, mean: f64, out: &mut [f64]) {
    let scale = [0.6, 0.3, 0.15, 0.4, 0.5].map(|spread| 1.0 + spread * (2.0 * chance.uniform64() - 1.0));
    let without_p = [0.0, scale[1], scale[2], scale[3], scale[4]];
    let (breath, breathing) = (between(chance, 0.15, 0.35), between(chance, 0.01, 0.05));
    let end = out.len() as f64 / RATE;
    let mut r = -between(chance, 0.0, mean);
    let mut pause = 1.0;
    while r < end + 1.0 {
        let even = mean * (1.0 + breathing * sin(TURN * breath * r) + 0.01 * chance.normal());
        let (since, waves, scale) = match rhythm {
            Rhythm::Even => (even, &BEAT[..], &scale),
            Rhythm::Fibrillation => {
                let far = 1.0 + 0.25 * chance.normal();
                (mean * far.clamp(0.45, 2.0), &BEAT[..], &without_p)
            }
            Rhythm::Ectopic(every) => {
                let early = pause == 1.0 && chance.uniform64() < 1.0 / every;
                let since = even * if early { 0.62 } else { pause };
                pause = if early { 1.38 } else { 1.0 };
                (since, if early { &EARLY[..] } else { &BEAT[..] }, &scale)
            }
        };
        r += since;
        beat(out, waves, r, since.clamp(0.4, 1.2).sqrt(), scale);
    }
    if rhythm == Rhythm::Fibrillation {
        let (size, pitch, phase) = (between(chance, 0.02, 0.08), between(chance, 4.0, 9.0), between(chance, 0.0, TURN));
        for (i, v) in out.iter_mut().enumerate() {
            let t = i as f64 / RATE;
            // The tremor's pitch wavers.
            *v += size * sin(TURN * pitch * t + phase + 2.0 * sin(1.7 * t));
        }
    }
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut done, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut split = store.split(part)?;
        let labels: Vec<i32> = (0..n).map(|i| class(&mut key.stream(i as u64)) as i32).collect();
        let numbers: Vec<i32> = (0..n as i32).collect();
        write_split(&mut split, &numbers, &labels, |i, out| {
            if done % 64 == 0 {
                progress.report("generating ecg", done, total, Unit::Items);
            }
            done += 1;
            record(key, i as u64, out);
            Ok(())
        })?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("generating ecg", total, total, Unit::Items);
    Summary::of(data_dir, &super::Ecg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_depends_on_its_number_alone() {
        let make = |seed, part, i| {
            let mut v = Vec::new();
            (record(generated::key(&FACTS, seed, part), i, &mut v), v)
        };
        let one = make(1, Part::Train, 5);
        assert_eq!(one, make(1, Part::Train, 5));
        let others = [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)];
        assert!(others.iter().all(|o| o.1 != one.1));
    }

    #[test]
    fn classes_and_lengths_are_as_the_originals() {
        let (mut counts, mut half_minutes, mut v) = ([0; 4], 0, Vec::new());
        for i in 0..400 {
            let k = record(generated::key(&FACTS, 0, Part::Train), i, &mut v);
            assert_eq!(k, class(&mut generated::key(&FACTS, 0, Part::Train).stream(i)));
            counts[k] += 1;
            half_minutes += usize::from(v.len() == 9_000);
            assert!((2_700..=18_000).contains(&v.len()) && v.iter().all(|x| x.abs() < 20.0), "{i}");
        }
        assert!((200..280).contains(&counts[0]) && counts.iter().all(|&c| c > 5), "{counts:?}");
        assert!((240..320).contains(&half_minutes), "{half_minutes}");
    }
}

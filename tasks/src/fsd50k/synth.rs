//! Sound events of 200 kinds, for the stand-in.
//!
//! Ten families of sound, each with nineteen kinds that differ in pitch; an event has its family's label (0 to 9) and its
//! kind's (10 + 19 family + kind), as the published labels have parents. Low kinds are common, high ones rare. Where an event
//! begins, how long and how loud it is, and how far it is out of tune, is chance, and so is the noise behind it all.

use std::f64::consts::TAU;

use kernels::math::{exp, pow, sin};
use kernels::rng::Stream;

use super::mel::RATE;

const FAMILIES: usize = 10;
const KINDS: usize = 19;

/// A clip, by its stream.
pub(super) struct Clip;

/// One sound.
struct Event {
    family: usize,
    kind: usize,
    /// Seconds, as shares of the clip.
    begin: f64,
    length: f64,
    gain: f64,
    tune: f64,
}

/// Labels, and the events that have them: the first thing a clip's stream says.
fn events(chance: &mut Stream) -> (f64, Vec<Event>) {
    let u = chance.uniform64();
    let seconds = 0.3 + 5.0 * u * u;
    let events = (0..1 + chance.below(2))
        .map(|_| {
            let family = chance.below(FAMILIES as u64) as usize;
            let u = chance.uniform64();
            let kind = (u * u * KINDS as f64) as usize;
            let length = 0.6 + 0.4 * chance.uniform64();
            let begin = (1.0 - length) * chance.uniform64();
            let gain = 0.08 * pow(10.0, 0.7 * chance.uniform64());
            Event { family, kind, begin, length, gain, tune: 0.96 + 0.08 * chance.uniform64() }
        })
        .collect();
    (seconds, events)
}

fn labels_of(events: &[Event]) -> Vec<u16> {
    let mut labels: Vec<u16> =
        events.iter().flat_map(|e| [e.family as u16, (FAMILIES + KINDS * e.family + e.kind) as u16]).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

impl Clip {
    /// Its labels, sorted, each once.
    pub(super) fn labels(chance: &mut Stream) -> Vec<u16> {
        labels_of(&events(chance).1)
    }

    /// Its number of samples.
    pub(super) fn len(chance: &mut Stream) -> usize {
        (events(chance).0 * RATE as f64) as usize
    }

    /// Its samples, from -1 to 1.
    pub(super) fn samples(chance: &mut Stream) -> Vec<f64> {
        let (seconds, events) = events(chance);
        let mut samples = noise((seconds * RATE as f64) as usize, 0.001 + 0.006 * chance.uniform64(), chance);
        for event in &events {
            event.add(chance, &mut samples);
        }
        for v in &mut samples {
            // As a recording is: within range, in steps of 16 bits.
            *v = ((v.clamp(-1.0, 1.0) * 32_767.0) as i16).into();
            *v /= 32_768.0;
        }
        samples
    }
}

/// Noise that is louder below: each sample keeps a share of the one before.
pub(super) fn noise(len: usize, level: f64, chance: &mut Stream) -> Vec<f64> {
    let keep = 0.5 + 0.45 * chance.uniform64();
    let mut last = 0.0;
    (0..len)
        .map(|_| {
            last = keep * last + chance.normal();
            level * last
        })
        .collect()
}

impl Event {
    fn add(&self, chance: &mut Stream, to: &mut [f64]) {
        let n = to.len() as f64;
        let (first, len) = ((self.begin * n) as usize, (self.length * n) as usize);
        let to = &mut to[first..];
        let len = len.min(to.len());
        // Kinds are three semitones apart, from 180 Hz on.
        let base = 180.0 * pow(2.0, 0.25 * self.kind as f64) * self.tune;
        let rate = RATE as f64;
        let (mut phase, start, edge) = (TAU * chance.uniform64(), chance.uniform64(), 0.01 * rate);
        let mut string = vec![0.0; (rate / base) as usize + 2];
        string.iter_mut().for_each(|v| *v = 2.0 * chance.uniform64() - 1.0);
        let (mut low, mut band) = (0.0, 0.0);
        for (i, to) in to[..len].iter_mut().enumerate() {
            let t = i as f64 / rate;
            let mut step = |hertz: f64| {
                phase += TAU * hertz / rate;
                if phase > TAU {
                    phase -= TAU;
                }
                phase
            };
            let v = match self.family {
                // A tone; a tone with its odd overtones.
                0 => sin(step(base)),
                1 => {
                    let p = step(base);
                    sin(p) + sin(3.0 * p) / 3.0 + sin(5.0 * p) / 5.0 + sin(7.0 * p) / 7.0
                }
                // Glides, up and down, four a second.
                2 => sin(step(base * (1.0 + fraction(4.0 * t + start)))),
                3 => sin(step(base * (2.0 - fraction(4.0 * t + start)))),
                // Vibrato; tremolo.
                4 => sin(step(base * (1.0 + 0.15 * sin(TAU * 6.0 * t)))),
                5 => sin(step(base)) * (0.5 + 0.5 * sin(TAU * 8.0 * (t + start))),
                // Beats with a decay; plucked strings, twice a second.
                6 => 2.0 * sin(step(base)) * exp(-18.0 * fraction(5.0 * (t + start))),
                7 => {
                    let k = i % string.len();
                    if i % (RATE / 2) == 0 {
                        string.iter_mut().for_each(|v| *v = 2.0 * chance.uniform64() - 1.0);
                    }
                    let next = string[(k + 1) % string.len()];
                    string[k] = 0.498 * (string[k] + next);
                    2.5 * string[k]
                }
                // Noise in a band, steady; in bursts, three a second.
                family => {
                    let f = TAU * base / rate;
                    low += f * band;
                    band += f * (chance.normal() - low - 0.15 * band);
                    let open = family == 8 || fraction(3.0 * (t + start)) < 0.35;
                    if open { band } else { 0.0 }
                }
            };
            let rest = (len - i) as f64;
            let ramp = (i as f64 / edge).min(rest / edge).clamp(0.0, 1.0);
            *to += self.gain * ramp * v;
        }
    }
}

/// What is behind the point of a number that is not negative.
fn fraction(x: f64) -> f64 {
    x - x as u64 as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    #[test]
    fn every_family_sounds_and_labels_come_with_their_parents() {
        let key = Key::new(0, Purpose::Generate);
        let mut heard = [0; 200];
        for i in 0..300 {
            let labels = Clip::labels(&mut key.stream(i));
            assert!(labels.windows(2).all(|w| w[0] < w[1]));
            let parents = labels.iter().filter(|&&l| l < 10).count();
            assert!((1..=2).contains(&parents) && labels.iter().all(|&l| l < 200));
            labels.iter().for_each(|&l| heard[usize::from(l)] += 1);
        }
        assert!(heard[..10].iter().all(|&n| n > 20), "{:?}", &heard[..10]);
        assert!(heard[10..].iter().filter(|&&n| n > 0).count() > 100);
        for family in 0..FAMILIES {
            let event = Event { family, kind: 7, begin: 0.0, length: 1.0, gain: 0.2, tune: 1.0 };
            let mut samples = vec![0.0; RATE];
            event.add(&mut key.stream(family as u64), &mut samples);
            let power = samples.iter().map(|v| v * v).sum::<f64>() / RATE as f64;
            assert!((1e-4..0.2).contains(&power), "family {family}: {power}");
            assert!(samples.iter().all(|v| v.abs() < 2.0), "family {family}");
        }
        assert_eq!(Clip::samples(&mut key.stream(3)).len(), Clip::len(&mut key.stream(3)));
    }
}

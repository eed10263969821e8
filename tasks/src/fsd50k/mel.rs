//! The front end: one second of sound to a log-mel spectrogram.
//!
//! torchaudio's `MelSpectrogram` (sample rate 22,050, 1,920-point transforms, a periodic Hann window of 661 samples in their
//! middle, a frame every 220 samples, the signal mirrored at its ends, powers, 96 triangular bands on the HTK mel scale from 0
//! to 11,025 Hz, not normalised) and librosa's `power_to_db` (reference 1, floor 1e-10, at most 80 dB below the loudest), all
//! in f64; then 75 is added and the spectrogram's own mean is subtracted, and it is rounded to f32 once.
//!
//! Order: two frames travel as one complex transform (`crate::fft`), frame t with frame t + 8 of each run of 16; a band sums
//! weight times power by rising frequency from +0; the mean sums by band, then by frame.

use std::sync::LazyLock;

use kernels::simd::Simd;
use kernels::{dispatch, math};

use crate::fft::{Complex, Fourier, LANES, Lanes, Room};

/// Samples a second, and of an item.
pub const RATE: usize = 22_050;
/// Mel bands, the rows of an item.
pub const BANDS: usize = 96;
/// Frames, its columns.
pub const FRAMES: usize = 1 + RATE / HOP;
/// Numbers of an item.
pub const EACH: usize = BANDS * FRAMES;

const POINTS: usize = 1_920;
const WINDOW: usize = 661;
const HOP: usize = 220;
const BINS: usize = POINTS / 2 + 1;
/// Frames side by side.
const WIDTH: usize = 2 * LANES;
const FLOOR: f64 = 1e-10;
const DEPTH: f64 = 80.0;
const LIFT: f64 = 75.0;

/// Room for one spectrogram.
#[derive(Debug)]
pub struct Scratch {
    room: Room,
    /// `[bins, 16]`, of frames side by side.
    power: Vec<[f64; WIDTH]>,
    /// `[96, 101]`.
    decibels: Vec<f64>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { room: PLAN.fourier.room(), power: vec![[0.0; WIDTH]; BINS], decibels: vec![0.0; EACH] }
    }
}

/// What does not change from sound to sound.
struct Plan {
    fourier: Fourier,
    window: Vec<f64>,
    /// Of each band: its first bin, and its weights from there.
    bands: Vec<(usize, Vec<f64>)>,
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let angle = |i: usize| 2.0 * std::f64::consts::PI * i as f64 / WINDOW as f64;
    Plan {
        fourier: Fourier::new(POINTS),
        window: (0..WINDOW).map(|i| 0.5 - 0.5 * math::cos(angle(i))).collect(),
        bands: bands(),
    }
});

fn bands() -> Vec<(usize, Vec<f64>)> {
    let nyquist = RATE as f64 / 2.0;
    let mel = |hertz: f64| 2_595.0 * (math::ln(1.0 + hertz / 700.0) / std::f64::consts::LN_10);
    let hertz = |mel: f64| 700.0 * (math::pow(10.0, mel / 2_595.0) - 1.0);
    let top = mel(nyquist);
    let edges: Vec<f64> = (0..BANDS + 2).map(|i| hertz(top * i as f64 / (BANDS + 1) as f64)).collect();
    let weight = |band: usize, bin: usize| {
        let f = nyquist * bin as f64 / (BINS - 1) as f64;
        let rise = (f - edges[band]) / (edges[band + 1] - edges[band]);
        let fall = (edges[band + 2] - f) / (edges[band + 2] - edges[band + 1]);
        let least = if rise < fall { rise } else { fall };
        if least > 0.0 { least } else { 0.0 }
    };
    (0..BANDS)
        .map(|band| {
            let weights: Vec<f64> = (0..BINS).map(|bin| weight(band, bin)).collect();
            let first = weights.iter().position(|&w| w > 0.0).unwrap_or(0);
            let last = weights.iter().rposition(|&w| w > 0.0).map_or(first, |l| l + 1);
            (first, weights[first..last].to_vec())
        })
        .collect()
}

/// The spectrogram `[96, 101]` of one second, from -1 to 1.
///
/// # Panics
/// If there are not 22,050 samples, or not 96 x 101 places.
pub fn log_mel(samples: &[f64], scratch: &mut Scratch, to: &mut [f32]) {
    assert_eq!((samples.len(), to.len()), (RATE, EACH));
    for first in (0..FRAMES).step_by(WIDTH) {
        powers(samples, first, &mut scratch.room, &mut scratch.power);
        for (band, (bin, weights)) in PLAN.bands.iter().enumerate() {
            let mut sums = [0.0; WIDTH];
            for (power, weight) in scratch.power[*bin..].iter().zip(weights) {
                for (s, p) in sums.iter_mut().zip(power) {
                    *s += weight * p;
                }
            }
            for (s, to) in sums.iter().zip(&mut scratch.decibels[band * FRAMES + first..(band + 1) * FRAMES]) {
                let power = if *s > FLOOR { *s } else { FLOOR };
                *to = 10.0 * (math::ln(power) / std::f64::consts::LN_10);
            }
        }
    }
    let decibels = &mut scratch.decibels;
    let loudest = decibels.iter().fold(f64::NEG_INFINITY, |m, &v| if v > m { v } else { m });
    let mut sum = 0.0;
    for v in decibels.iter_mut() {
        if *v < loudest - DEPTH {
            *v = loudest - DEPTH;
        }
        *v += LIFT;
        sum += *v;
    }
    let mean = sum / EACH as f64;
    for (t, v) in to.iter_mut().zip(decibels) {
        *t = (*v - mean) as f32;
    }
}

dispatch! {
    fn powers(samples: &[f64], first: usize, room: &mut Room, power: &mut [[f64; WIDTH]]) = powers_body;
}

/// Powers of 16 frames from frame `first` on; those beyond the last are of silence.
#[inline(always)]
fn powers_body<S: Simd>(samples: &[f64], first: usize, room: &mut Room, power: &mut [[f64; WIDTH]]) {
    let (half, margin) = (POINTS as isize / 2, (POINTS - WINDOW) / 2);
    room.now.fill(Complex::ZERO);
    for (j, weight) in PLAN.window.iter().enumerate() {
        let mut pair = [[0.0; LANES]; 2];
        for l in 0..WIDTH.min(FRAMES - first) {
            // Mirrored at both ends, which are not doubled.
            let at = ((first + l) * HOP + margin + j) as isize - half;
            let last = samples.len() as isize - 1;
            let at = if at < 0 {
                -at
            } else if at > last {
                2 * last - at
            } else {
                at
            };
            pair[l / LANES][l % LANES] = samples[at as usize] * weight;
        }
        room.now[margin + j] = Complex { re: Lanes(pair[0]), im: Lanes(pair[1]) };
    }
    PLAN.fourier.transform(room);
    for (k, power) in power.iter_mut().enumerate() {
        let (z, m) = (room.now[k], room.now[(POINTS - k) % POINTS]);
        for l in 0..LANES {
            // Of two real frames as real and imaginary part: (z + conj m) / 2 and (z - conj m) / 2 i.
            let (a, b) = (0.5 * (z.re.0[l] + m.re.0[l]), 0.5 * (z.im.0[l] - m.im.0[l]));
            let (c, d) = (0.5 * (z.im.0[l] + m.im.0[l]), 0.5 * (m.re.0[l] - z.re.0[l]));
            power[l] = a * a + b * b;
            power[LANES + l] = c * c + d * d;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::wav::Wav;
    use crate::test_support::shared;

    #[test]
    fn the_real_clips_are_within_a_ten_thousandth_of_a_decibel() {
        // Made by torch in float64 from torchaudio's definition: every 37th number of each clip's spectrogram.
        let fixture = include_bytes!("../../fixtures/fsd50k_log_mel.json");
        let fixture: std::collections::BTreeMap<String, Vec<f64>> = serde_json::from_slice(fixture).unwrap();
        let Some(folder) = shared("data/fsd50k/data/chunks/wav") else { return };
        let (mut worst, mut scratch, mut seen) = (0.0, Scratch::default(), vec![0.0; EACH]);
        for (name, want) in &fixture {
            let wav = Wav::parse(&std::fs::read(folder.join(name)).unwrap()).unwrap();
            assert_eq!((wav.rate as usize, wav.samples.len()), (RATE, RATE), "{name}");
            log_mel(&wav.samples, &mut scratch, &mut seen);
            let got: Vec<f64> = seen.iter().step_by(37).map(|&v| v.into()).collect();
            assert_eq!(got.len(), want.len());
            for (g, w) in got.iter().zip(want) {
                let off = (g - w).abs();
                assert!(off.is_finite(), "{name}");
                worst = if off > worst { off } else { worst };
            }
        }
        assert!(fixture.len() > 20 && worst < 1e-4, "{worst} dB over {} clips", fixture.len());
    }

    #[test]
    fn a_tone_is_a_line_at_its_band_and_silence_is_flat() {
        let (mut scratch, mut seen) = (Scratch::default(), vec![0.0; EACH]);
        let tone: Vec<f64> =
            (0..RATE).map(|i| 0.5 * math::sin(2.0 * std::f64::consts::PI * 1_000.0 * i as f64 / RATE as f64)).collect();
        log_mel(&tone, &mut scratch, &mut seen);
        let at = |band: usize| seen[band * FRAMES + 50];
        let loudest = (0..BANDS).fold(0, |b, k| if at(k) > at(b) { k } else { b });
        // 1,000 Hz are 1,000 mel of 3,177, of which each of 97 steps is 32.7; band k peaks after k + 1 steps.
        assert!((29..=30).contains(&loudest), "{loudest}");
        assert!(at(loudest) - at(80) > 70.0);
        log_mel(&vec![0.0; RATE], &mut scratch, &mut seen);
        assert!(seen.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn bands_are_triangles_that_add_up() {
        let bands = bands();
        let total = |bin: usize| -> f64 {
            bands.iter().map(|(first, w)| bin.checked_sub(*first).and_then(|i| w.get(i)).unwrap_or(&0.0)).sum()
        };
        for bin in 30..900 {
            assert!((total(bin) - 1.0).abs() < 1e-9, "{bin}: {}", total(bin));
        }
    }
}

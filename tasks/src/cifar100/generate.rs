//! A stand-in for photographs: a textured shape on a cloudy ground.
//!
//! The class is 10 times the shape's outline plus the family of its texture and colours. Place, size, rotation, brightness,
//! colour of the ground and the phase of the texture are chance, so that no pixel says much by itself; outline, direction of
//! the texture against the shape and the pair of colours do.

use std::path::Path;

use kernels::math::{cos, sin};
use kernels::pool;
use kernels::rng::{Key, Stream};

use super::FACTS;
use crate::images::write_split;
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
/// Pictures made at once.
const BLOCK: usize = 256;

/// Colours of the families: two each, red, green, blue.
static COLOURS: [[[f64; 3]; 2]; 10] = [
    [[0.85, 0.20, 0.15], [0.95, 0.80, 0.20]],
    [[0.10, 0.45, 0.80], [0.85, 0.90, 0.95]],
    [[0.15, 0.60, 0.25], [0.05, 0.20, 0.10]],
    [[0.55, 0.20, 0.60], [0.95, 0.60, 0.75]],
    [[0.95, 0.55, 0.10], [0.35, 0.20, 0.10]],
    [[0.10, 0.10, 0.12], [0.90, 0.90, 0.88]],
    [[0.10, 0.65, 0.65], [0.90, 0.35, 0.30]],
    [[0.75, 0.70, 0.15], [0.20, 0.25, 0.55]],
    [[0.60, 0.60, 0.60], [0.75, 0.15, 0.45]],
    [[0.40, 0.75, 0.95], [0.30, 0.45, 0.10]],
];
/// Waves of the texture across the shape, and whether they run along it, across it, both (a check) or round it.
static WAVES: [(f64, usize); 10] =
    [(2.0, 0), (2.0, 1), (2.0, 2), (4.0, 0), (4.0, 1), (4.0, 2), (3.0, 3), (1.0, 3), (3.0, 2), (0.0, 0)];

/// What a picture shows.
pub(crate) struct Scene {
    /// 0 to 99.
    pub(crate) class: i32,
    shape: usize,
    family: usize,
    centre: [f64; 2],
    size: f64,
    turn: [f64; 2],
    phase: [f64; 2],
    light: f64,
    tint: [f64; 3],
    ground: [[f64; 4]; 3],
    noise: f64,
}

impl Scene {
    /// The picture that a stream begins with.
    pub(crate) fn draw(chance: &mut Stream) -> Self {
        let class = chance.below(FACTS.outputs as u64) as usize;
        let mut near = |middle: f64, spread: f64| middle + spread * (2.0 * chance.uniform64() - 1.0);
        let (centre, size) = ([near(16.0, 5.0), near(16.0, 5.0)], near(10.0, 2.5));
        let angle = near(0.0, 0.6);
        let phase = [near(0.0, 3.2), near(0.0, 3.2)];
        let (light, tint) = (near(1.0, 0.25), [near(0.0, 0.06), near(0.0, 0.06), near(0.0, 0.06)]);
        let ground = [(); 3].map(|()| [near(0.5, 0.3), near(0.0, 0.18), near(0.0, 0.18), near(0.0, 3.2)]);
        let noise = near(0.04, 0.02);
        let turn = [cos(angle), sin(angle)];
        let (shape, family) = (class / 10, class % 10);
        Self { class: class as i32, shape, family, centre, size, turn, phase, light, tint, ground, noise }
    }

    /// Red, green, blue at a point, 0 to 1 or a little beyond, without noise.
    fn colour(&self, x: f64, y: f64) -> [f64; 3] {
        let (dx, dy) = ((x - self.centre[0]) / self.size, (y - self.centre[1]) / self.size);
        let (u, v) = (self.turn[0] * dx + self.turn[1] * dy, self.turn[0] * dy - self.turn[1] * dx);
        if !inside(self.shape, u, v) {
            return self.ground.map(|[base, a, b, phase]| base + a * sin(0.2 * x + phase) + b * cos(0.17 * y + phase));
        }
        let (waves, kind) = WAVES[self.family];
        let wave = |t: f64, phase: f64| sin(std::f64::consts::PI * waves * t + phase);
        let level = match kind {
            0 => wave(u, self.phase[0]),
            1 => wave(v, self.phase[0]),
            2 => wave(u, self.phase[0]) * wave(v, self.phase[1]),
            _ => wave((u * u + v * v).sqrt(), self.phase[0]),
        };
        let share = if level > 0.0 { 1.0 } else { 0.0 };
        let [a, b] = COLOURS[self.family];
        [0, 1, 2].map(|c| self.light * (share * a[c] + (1.0 - share) * b[c]) + self.tint[c])
    }

    /// Pixels `[32, 32, 3]`: the mean of four points each, and noise.
    pub(crate) fn paint(&self, chance: &mut Stream, to: &mut [u8]) {
        for (p, pixel) in to.chunks_exact_mut(3).enumerate() {
            let (r, c) = ((p / SIDE) as f64, (p % SIDE) as f64);
            let mut sum = [0.0; 3];
            for (dr, dc) in [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)] {
                let colour = self.colour(c + dc, r + dr);
                (0..3).for_each(|k| sum[k] += colour[k]);
            }
            for (v, s) in pixel.iter_mut().zip(sum) {
                *v = (255.0 * (0.25 * s + self.noise * chance.normal()) + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Whether a point lies in an outline of about unit radius.
fn inside(shape: usize, u: f64, v: f64) -> bool {
    let (a, b, r2) = (u.abs(), v.abs(), u * u + v * v);
    match shape {
        0 => r2 < 0.8,
        1 => a < 0.8 && b < 0.8,
        2 => v > -0.6 && a < 0.55 * (0.9 - v),
        3 => r2 < 1.0 && r2 > 0.3,
        4 => (a < 0.3 && b < 1.0) || (b < 0.3 && a < 1.0),
        5 => a + b < 1.05,
        6 => a < 1.2 && b < 0.4,
        7 => r2 < 1.0 && (u - 0.5) * (u - 0.5) + v * v > 0.5,
        8 => (a < 1.0 && b > 0.35 && b < 0.85) || (a < 0.25 && b <= 0.35),
        _ => (u - 0.55) * (u - 0.55) + v * v < 0.22 || (u + 0.55) * (u + 0.55) + v * v < 0.22,
    }
}

/// Picture `index` of a part and its class.
fn picture(key: Key, index: u64, to: &mut [u8]) -> i32 {
    let mut chance = key.stream(index);
    let scene = Scene::draw(&mut chance);
    scene.paint(&mut chance, to);
    scene.class
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut before, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut split = store.split(part)?;
        let labels: Vec<i32> = (0..n).map(|i| Scene::draw(&mut key.stream(i as u64)).class).collect();
        let mut block = vec![0u8; BLOCK * PIXELS];
        write_split(&mut split, &[SIDE, SIDE, 3], &labels, |i, to| {
            if i % BLOCK == 0 {
                progress.report("generating cifar100", before + i as u64, total, Unit::Items);
                let here = BLOCK.min(n - i);
                pool::chunks_mut(&mut block[..here * PIXELS], PIXELS, |j, to| {
                    picture(key, (i + j) as u64, to);
                });
            }
            to.copy_from_slice(&block[i % BLOCK * PIXELS..][..PIXELS]);
            Ok(())
        })?;
        store.finish(split, &origin)?;
        before += n as u64;
    }
    store.publish()?;
    progress.report("generating cifar100", total, total, Unit::Items);
    Summary::of(data_dir, &super::Cifar100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_depends_on_its_number_alone_and_classes_come_up() {
        let make = |seed, part, i| {
            let mut to = vec![0; PIXELS];
            (picture(generated::key(&FACTS, seed, part), i, &mut to), to)
        };
        let one = make(1, Part::Train, 5);
        assert_eq!(one, make(1, Part::Train, 5));
        for other in [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)] {
            assert_ne!(other.1, one.1);
        }
        let key = generated::key(&FACTS, 0, Part::Train);
        let mut counts = [0; 100];
        (0..4_000).for_each(|i| counts[Scene::draw(&mut key.stream(i)).class as usize] += 1);
        assert!(counts.iter().all(|c| (15..75).contains(c)), "{counts:?}");
        // Neither washed out nor black.
        let (least, most) = one.1.iter().fold((255, 0), |(l, m), &v| (v.min(l), v.max(m)));
        assert!(least < 100 && most > 120, "{least} to {most}");
    }
}

//! A stand-in for photographs: a textured shape on a cloudy ground.
//!
//! The class is 20 times the shape's outline (5) plus 10 times the kind of its texture (2: fine stripes, or coarse rings) plus
//! its pair of colours (10). Place, size, rotation, brightness, colour of the ground, which colour comes first and the phase
//! and direction of the texture are chance, so that no pixel says much by itself.

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
/// What a picture shows.
pub(crate) struct Scene {
    /// 0 to 99.
    pub(crate) class: i32,
    shape: usize,
    rings: bool,
    colours: [[f64; 3]; 2],
    centre: [f64; 2],
    size: f64,
    turn: [f64; 2],
    /// Of the stripes, against the shape.
    along: [f64; 2],
    phase: f64,
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
        let (centre, size) = ([near(16.0, 3.5), near(16.0, 3.5)], near(12.0, 2.0));
        let (angle, across) = (near(0.0, 0.5), near(0.0, 3.2));
        let (phase, swap) = (near(0.0, 3.2), near(0.0, 1.0) > 0.0);
        let (light, tint) = (near(1.0, 0.25), [near(0.0, 0.06), near(0.0, 0.06), near(0.0, 0.06)]);
        let ground = [(); 3].map(|()| [near(0.5, 0.4), near(0.0, 0.15), near(0.0, 0.15), near(0.0, 3.2)]);
        let noise = near(0.03, 0.015);
        let (turn, along) = ([cos(angle), sin(angle)], [cos(across), sin(across)]);
        let [a, b] = COLOURS[class % 10];
        let colours = if swap { [b, a] } else { [a, b] };
        let (shape, rings) = (class / 20, class / 10 % 2 == 1);
        Self {
            class: class as i32,
            shape,
            rings,
            colours,
            centre,
            size,
            turn,
            along,
            phase,
            light,
            tint,
            ground,
            noise,
        }
    }

    /// Red, green, blue at a point, 0 to 1 or a little beyond, without noise.
    fn colour(&self, x: f64, y: f64) -> [f64; 3] {
        let (dx, dy) = ((x - self.centre[0]) / self.size, (y - self.centre[1]) / self.size);
        let (u, v) = (self.turn[0] * dx + self.turn[1] * dy, self.turn[0] * dy - self.turn[1] * dx);
        if !inside(self.shape, u, v) {
            return self.ground.map(|[base, a, b, phase]| base + a * sin(0.2 * x + phase) + b * cos(0.17 * y + phase));
        }
        let wave = |waves: f64, t: f64| sin(std::f64::consts::PI * waves * t + self.phase);
        let level = if self.rings {
            wave(2.0, (u * u + v * v).sqrt())
        } else {
            wave(5.0, self.along[0] * u + self.along[1] * v)
        };
        let colour = self.colours[usize::from(level > 0.0)];
        [0, 1, 2].map(|c| self.light * colour[c] + self.tint[c])
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
        0 => r2 < 1.0,
        1 => a < 1.1 && b < 0.55,
        2 => v > -0.7 && a < 0.65 * (1.0 - v),
        3 => (a < 0.35 && b < 1.1) || (b < 0.35 && a < 1.1),
        _ => (u - 0.6) * (u - 0.6) + v * v < 0.3 || (u + 0.6) * (u + 0.6) + v * v < 0.3,
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

//! What falls on a detector, in electrons, pixel by pixel: stars, galaxies, particles.
//!
//! Pixel (i, j) covers i..i + 1 down and j..j + 1 across.

use kernels::math::{cos, erf, exp, ln, sin};
use kernels::rng::Stream;

/// Uniform in low..high.
pub(super) fn between(chance: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * chance.uniform64()
}

/// Uniform in its logarithm.
pub(super) fn log_between(chance: &mut Stream, low: f64, high: f64) -> f64 {
    exp(between(chance, ln(low), ln(high)))
}

/// A Poisson count: exact for small means (the product of uniforms against e^-mean), a rounded normal number for large ones.
pub(super) fn poisson(chance: &mut Stream, mean: f64) -> f64 {
    if mean > 50.0 {
        return (mean + mean.sqrt() * chance.normal() + 0.5).floor().max(0.0);
    }
    let (least, mut product, mut count) = (exp(-mean), chance.uniform64(), 0.0);
    while product > least {
        product *= chance.uniform64();
        count += 1.0;
    }
    count
}

/// A square detector.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Detector {
    pub side: usize,
    pub pixels: Vec<f64>,
}

impl Detector {
    pub(super) fn new(side: usize, level: f64) -> Self {
        Self { side, pixels: vec![level; side * side] }
    }

    /// Pixels within `reach` of a coordinate.
    fn around(&self, centre: f64, reach: f64) -> std::ops::Range<usize> {
        let clip = |v: f64| v.clamp(0.0, self.side as f64) as usize;
        clip((centre - reach).floor())..clip((centre + reach).ceil())
    }

    /// A point of light whose image is a round Gaussian of this width, integrated over each pixel.
    pub(super) fn point(&mut self, [y, x]: [f64; 2], light: f64, width: f64) {
        let scale = 1.0 / (width * std::f64::consts::SQRT_2);
        let share = |i: usize, centre: f64| {
            let from = i as f64 - centre;
            0.5 * (erf((from + 1.0) * scale) - erf(from * scale))
        };
        let columns = self.around(x, 5.0 * width);
        let across: Vec<f64> = columns.clone().map(|j| share(j, x)).collect();
        for i in self.around(y, 5.0 * width) {
            let row = light * share(i, y);
            let start = i * self.side;
            for (v, share) in self.pixels[start + columns.start..start + columns.end].iter_mut().zip(&across) {
                *v += row * share;
            }
        }
    }

    /// A star: a core, and a halo around it that holds the `halo`-th part of its light.
    pub(super) fn star(&mut self, at: [f64; 2], light: f64, width: f64, halo: f64) {
        self.point(at, light * (1.0 - halo), width);
        self.point(at, light * halo, 2.8 * width);
    }

    /// A disk: brightness falls by e in each `scale` along the long axis, and in `ratio` as much across, where the long axis
    /// is turned by `angle`.
    pub(super) fn disk(&mut self, [y, x]: [f64; 2], light: f64, scale: f64, ratio: f64, angle: f64) {
        let (s, c) = (sin(angle), cos(angle));
        let peak = light / (2.0 * std::f64::consts::PI * scale * scale * ratio);
        let columns = self.around(x, 7.0 * scale);
        for i in self.around(y, 7.0 * scale) {
            for j in columns.clone() {
                let (v, u) = (i as f64 + 0.5 - y, j as f64 + 0.5 - x);
                let (long, wide) = ((u * c + v * s) / scale, (v * c - u * s) / (scale * ratio));
                // Softened at the centre, as seeing does.
                let r = (long * long + wide * wide + 0.25 / (scale * scale)).sqrt();
                self.pixels[i * self.side + j] += peak * exp(-r);
            }
        }
    }

    /// A charged particle: enters at `at`, goes `length` pixels in the direction of `angle`, bending by `bend` a pixel, and
    /// frees about `charge` electrons a pixel, with the long tail of Landau's distribution (by Moyal's formula).
    pub(super) fn particle(
        &mut self,
        chance: &mut Stream,
        mut at: [f64; 2],
        length: f64,
        mut angle: f64,
        bend: f64,
        charge: f64,
    ) {
        // One that goes straight down still frees a pixel's worth.
        let steps = (length / STEP).ceil().max(1.0);
        let each = charge * length.max(1.0) / steps;
        for _ in 0..steps as usize {
            let z = chance.normal();
            let loss = (1.0 + 0.3 * -ln(z * z + 1e-12)).clamp(0.2, 6.0);
            let [y, x] = at;
            if (0.0..self.side as f64).contains(&y) && (0.0..self.side as f64).contains(&x) {
                self.pixels[y as usize * self.side + x as usize] += each * loss;
            }
            at = [y + STEP * sin(angle), x + STEP * cos(angle)];
            angle += STEP * bend;
        }
    }

    /// Lets each pixel's charge leak into its four neighbours, `part` into each.
    pub(super) fn diffuse(&mut self, part: f64) {
        let (side, from) = (self.side, self.pixels.clone());
        for i in 0..side {
            for j in 0..side {
                let at = i * side + j;
                let mut near = 0.0;
                near += if i > 0 { from[at - side] } else { 0.0 };
                near += if j > 0 { from[at - 1] } else { 0.0 };
                near += if j + 1 < side { from[at + 1] } else { 0.0 };
                near += if i + 1 < side { from[at + side] } else { 0.0 };
                self.pixels[at] = (1.0 - 4.0 * part) * from[at] + part * near;
            }
        }
    }
}

/// Pixels between two deposits of a particle.
const STEP: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    fn sum(d: &Detector) -> f64 {
        d.pixels.iter().sum()
    }

    #[test]
    fn light_is_kept() {
        let mut star = Detector::new(64, 0.0);
        star.star([32.3, 31.8], 1000.0, 0.9, 0.1);
        assert!((sum(&star) - 1000.0).abs() < 0.01, "{}", sum(&star));
        let peak = star.pixels.iter().position(|&v| v == star.pixels.iter().copied().fold(0.0, f64::max));
        assert_eq!(peak, Some(32 * 64 + 31));
        let mut disk = Detector::new(128, 0.0);
        disk.disk([64.2, 63.7], 1000.0, 6.0, 0.5, 0.4);
        assert!((sum(&disk) - 1000.0).abs() < 25.0, "{}", sum(&disk));
        // Half of a star at the border falls beside.
        let mut border = Detector::new(64, 0.0);
        border.point([0.0, 32.0], 1000.0, 1.0);
        assert!((sum(&border) - 500.0).abs() < 0.01);
    }

    #[test]
    fn a_particle_leaves_a_thin_line() {
        let mut d = Detector::new(64, 0.0);
        let mut chance = Key::new(0, Purpose::Test).stream(0);
        d.particle(&mut chance, [32.5, 10.5], 40.0, 0.0, 0.0, 500.0);
        let hit: Vec<usize> = (0..64 * 64).filter(|&i| d.pixels[i] > 0.0).collect();
        assert_eq!(hit, (32 * 64 + 10..32 * 64 + 51).take(hit.len()).collect::<Vec<_>>());
        assert!((40..=41).contains(&hit.len()));
        let before = sum(&d);
        d.diffuse(0.04);
        assert!((sum(&d) / before - 1.0).abs() < 1e-12);
        assert!(d.pixels[31 * 64 + 20] > 0.0 && d.pixels[30 * 64 + 20] == 0.0);
    }

    #[test]
    fn poisson_has_its_moments_on_both_sides() {
        let mut chance = Key::new(0, Purpose::Test).stream(1);
        for mean in [0.5, 7.0, 49.0, 51.0, 900.0] {
            let n = 20_000;
            let counts: Vec<f64> = (0..n).map(|_| poisson(&mut chance, mean)).collect();
            let m = counts.iter().sum::<f64>() / f64::from(n);
            let v = counts.iter().map(|c| (c - m) * (c - m)).sum::<f64>() / f64::from(n);
            assert!((m / mean - 1.0).abs() < 0.03 && (v / mean - 1.0).abs() < 0.05, "{mean}: {m} {v}");
            assert!(counts.iter().all(|c| *c >= 0.0 && c.fract() == 0.0));
        }
    }
}

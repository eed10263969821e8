//! From a picture on a plane to a picture on a sphere, as the published pictures were made.
//!
//! The sphere's points are Driscoll and Healy's grid of bandwidth 30: rows at polar angles pi (2 j + 1) / 120, columns at
//! azimuths 2 pi k / 60. Each point (x, y, z) is turned, lifted by 1, and followed from the eye at (0, 0, 2.001) to the plane
//! z = 0: with t = -z / (z - 2.001) it meets q = (1 + t) (x, y). The picture covers q from -1.5 to 1.5 in both directions, its
//! first axis along x, its second along y; outside it there is black.
//!
//! The sampling is the published generator's, faults included, for it made the data: at r pixels, with i = floor(r), it
//! weighs the pixels i - 1 and i + 1 (two apart) by i + 1 - r and r - (i - 1), which add to 2 in each direction; pixels that
//! are not there count as 0. Each channel's least value becomes 0 and its largest 255, then the fraction is cut off.

use kernels::math::{cos, sin};
use kernels::rng::Stream;

/// Points a side.
pub const SIDE: usize = 60;
/// Height of the eye over the plane.
const EYE: f64 = 2.001;
/// The picture's half width on the plane.
const HALF: f64 = 1.5;

/// A rotation matrix, row by row.
pub type Rotation = [[f64; 3]; 3];

/// A uniformly random rotation by three uniform numbers (Arvo, "Fast random rotation matrices", 1992).
pub fn rotation(chance: &mut Stream) -> Rotation {
    let theta = 2.0 * std::f64::consts::PI * chance.uniform64();
    let phi = 2.0 * std::f64::consts::PI * chance.uniform64();
    let z = 2.0 * chance.uniform64();
    rotation_of(theta, phi, z)
}

/// Turned by theta about the pole, which then goes to the direction of phi and z (0 to 2).
fn rotation_of(theta: f64, phi: f64, z: f64) -> Rotation {
    let r = z.sqrt();
    let v = [sin(phi) * r, cos(phi) * r, (2.0 - z).sqrt()];
    let (st, ct) = (sin(theta), cos(theta));
    let turn = [[ct, st, 0.0], [-st, ct, 0.0], [0.0, 0.0, 1.0]];
    let mut m = [[0.0; 3]; 3];
    for (i, row) in m.iter_mut().enumerate() {
        for (j, out) in row.iter_mut().enumerate() {
            let h = |k: usize| v[i] * v[k] - if i == k { 1.0 } else { 0.0 };
            *out = h(0) * turn[0][j] + h(1) * turn[1][j] + h(2) * turn[2][j];
        }
    }
    m
}

/// Where the points of a turned sphere see a picture: fractions of its sides, row by row.
pub fn places(rotation: &Rotation) -> Vec<[f64; 2]> {
    let step = std::f64::consts::PI / (2 * SIDE) as f64;
    let mut places = Vec::with_capacity(SIDE * SIDE);
    for j in 0..SIDE {
        let beta = step * (2 * j + 1) as f64;
        for k in 0..SIDE {
            let alpha = step * (4 * k) as f64;
            let point = [sin(beta) * cos(alpha), sin(beta) * sin(alpha), cos(beta)];
            let turned = rotation.map(|row| row[0] * point[0] + row[1] * point[1] + row[2] * point[2]);
            let z = turned[2] + 1.0;
            let t = -z / (z - EYE);
            places.push([0, 1].map(|a| ((1.0 + t) * turned[a] + HALF) / (2.0 * HALF)));
        }
    }
    places
}

/// A picture `[h, w, channels]` seen from `places`: `[60, 60, channels]`.
///
/// # Panics
/// If the lengths do not fit.
pub fn project(picture: &[u8], [h, w, channels]: [usize; 3], places: &[[f64; 2]], to: &mut [u8]) {
    assert_eq!((picture.len(), to.len()), (h * w * channels, places.len() * channels));
    let pixel = |i: isize, j: isize, c: usize| {
        let inside = (0..h as isize).contains(&i) && (0..w as isize).contains(&j);
        if inside { f64::from(picture[(i as usize * w + j as usize) * channels + c]) } else { 0.0 }
    };
    let mut seen = vec![0.0; places.len()];
    for c in 0..channels {
        for (seen, [u, v]) in seen.iter_mut().zip(places) {
            let inside = (0.0..1.0).contains(u) && (0.0..1.0).contains(v);
            *seen = if inside { sample(u * h as f64, v * w as f64, |i, j| pixel(i, j, c)) } else { 0.0 };
        }
        let (least, most) = seen.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), &s| {
            (if s < l { s } else { l }, if s > m { s } else { m })
        });
        for (p, &s) in seen.iter().enumerate() {
            to[p * channels + c] = if most > least { (255.0 * ((s - least) / (most - least))) as u8 } else { 0 };
        }
    }
}

/// The published sampling at (x, y), in pixels.
fn sample(x: f64, y: f64, pixel: impl Fn(isize, isize) -> f64) -> f64 {
    let (i, j) = (x as isize, y as isize);
    let weights = |at: f64, i: isize| [(i + 1) as f64 - at, at - (i - 1) as f64];
    let (wx, wy) = (weights(x, i), weights(y, j));
    let line = |j: isize| wx[0] * pixel(i - 1, j) + wx[1] * pixel(i + 1, j);
    wy[0] * line(j - 1) + wy[1] * line(j + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    #[test]
    fn rotations_are_rotations() {
        let key = Key::new(3, Purpose::Generate);
        for n in 0..20 {
            let m = rotation(&mut key.stream(n));
            for i in 0..3 {
                for j in 0..3 {
                    let dot = m[i][0] * m[j][0] + m[i][1] * m[j][1] + m[i][2] * m[j][2];
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-14, "{m:?}");
                }
            }
            let minor = |a: usize, b: usize| m[1][a] * m[2][b] - m[1][b] * m[2][a];
            let det = m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1);
            assert!((det - 1.0).abs() < 1e-14, "{det}");
        }
    }

    #[test]
    fn numbers_of_an_independent_program() {
        // Python, floats: the description above written down once more.
        let m = rotation_of(1.25, 0.5, 0.75);
        for (got, want) in m.iter().flatten().zip(REFERENCE_ROTATION) {
            assert!((got - want).abs() < 1e-15, "{got} {want}");
        }
        let places = places(&m);
        for (at, want) in REFERENCE_PLACES {
            for (got, want) in places[at].iter().zip(want) {
                assert!((got - want).abs() < 1e-12 * want.abs().max(1.0), "{at}: {got} {want}");
            }
        }
        let picture: Vec<u8> = (0..32 * 32 * 3).map(|i| (i * i / 7 + 13 * i) as u8).collect();
        let mut seen = vec![0; SIDE * SIDE * 3];
        project(&picture, [32, 32, 3], &places, &mut seen);
        assert_eq!(seen.iter().map(|&v| u64::from(v)).sum::<u64>(), REFERENCE_SUM);
        for (at, want) in REFERENCE_PIXELS {
            assert_eq!(seen[3 * at..3 * at + 3], want, "{at}");
        }
    }

    include!("reference.rs");

    #[test]
    fn the_far_side_sees_nothing_and_a_flat_channel_is_black() {
        let straight = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let places = places(&straight);
        // The pole at the eye looks past the picture, the other one at its middle.
        assert!(!(0.0..1.0).contains(&places[0][0]));
        let last = places[SIDE * SIDE - 1];
        assert!(last.iter().all(|r| (r - 0.5).abs() < 0.02), "{last:?}");
        let mut seen = vec![9; SIDE * SIDE];
        project(&[0; 16], [4, 4, 1], &places, &mut seen);
        assert!(seen.iter().all(|&v| v == 0));
    }
}

//! Made-up proteins: self-avoiding chains of helices, strands and loops, folded into a globule.
//!
//! Residues are points. A helix rises 1.5 A a residue and turns by 100 degrees at a radius of 2.3 A; a strand rises 3.3 A in a
//! zigzag; a loop goes 3.8 A a step wherever there is room. Each segment tries some directions and takes the one that
//! runs into the chain least (no two residues that are no neighbours within 4 A, if that can be had) and stays nearest to its
//! middle. So helices and strands that are far apart in the chain come to lie side by side.

use kernels::math::{cos, sin};
use kernels::rng::Stream;

type Point = [f64; 3];

/// What a residue is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Coil,
    Helix,
    Strand,
}

/// A folded chain.
pub(super) struct Chain {
    pub(super) states: Vec<State>,
    pub(super) points: Vec<Point>,
}

/// Shortest and longest proteins.
const LENGTHS: [f64; 2] = [40.0, 250.0];
/// Directions that a segment tries, and a loop at each step.
const TRIES: usize = 40;
/// Nearer than this, residues that are no neighbours clash.
const CLASH: f64 = 4.0;
const STEP: f64 = 3.8;

/// Residues of a protein: the first thing its stream says. Short ones are more common.
pub(super) fn length(chance: &mut Stream) -> usize {
    let u = chance.uniform64();
    (LENGTHS[0] + (LENGTHS[1] - LENGTHS[0]) * u * u) as usize
}

fn add(a: Point, b: Point, by: f64) -> Point {
    [0, 1, 2].map(|k| a[k] + b[k] * by)
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(super) fn distance(a: Point, b: Point) -> f64 {
    let d = add(a, b, -1.0);
    dot(d, d).sqrt()
}

/// Of length 1, in any direction.
fn direction(chance: &mut Stream) -> Point {
    loop {
        let v = [(); 3].map(|()| 2.0 * chance.uniform64() - 1.0);
        let r2 = dot(v, v);
        if (0.01..1.0).contains(&r2) {
            return v.map(|x| x / r2.sqrt());
        }
    }
}

impl Chain {
    /// The chain of a stream, its length drawn from there first.
    pub(super) fn fold(chance: &mut Stream) -> Self {
        let length = length(chance);
        let mut chain = Self { states: Vec::with_capacity(length), points: Vec::with_capacity(length) };
        let mostly = chance.uniform64();
        while chain.points.len() < length {
            let (state, n) = match chance.uniform64() {
                u if u < 0.2 + 0.6 * mostly => (State::Helix, 7 + chance.below(9)),
                _ => (State::Strand, 5 + chance.below(5)),
            };
            chain.grow(state, n as usize, chance);
            for _ in 0..3 + chance.below(5) {
                chain.grow(State::Coil, 1, chance);
            }
        }
        chain.points.truncate(length);
        chain.states.truncate(length);
        chain
    }

    /// Adds a segment the best way that was tried.
    fn grow(&mut self, state: State, n: usize, chance: &mut Stream) {
        let last = self.points.last().copied();
        let count = self.points.len().max(1) as f64;
        let middle = self.points.iter().fold([0.0; 3], |m, p| add(m, *p, 1.0)).map(|x| x / count);
        let mut best: Option<(f64, Vec<Point>)> = None;
        for _ in 0..TRIES {
            let segment = segment(state, n, last, chance);
            let clashes = segment.iter().map(|p| self.clashes(*p)).sum::<usize>();
            let far = segment.iter().map(|p| distance(*p, middle)).sum::<f64>() / n as f64;
            let cost = 100.0 * clashes as f64 + far + 0.5 * chance.uniform64();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, segment));
            }
        }
        self.points.extend(best.map(|(_, s)| s).unwrap_or_default());
        self.states.extend(std::iter::repeat_n(state, n));
    }

    fn clashes(&self, p: Point) -> usize {
        let old = self.points.len().saturating_sub(1);
        self.points[..old].iter().filter(|q| distance(p, **q) < CLASH).count()
    }
}

/// Residues of a segment that begins a step beyond `last`, in a direction of its own.
fn segment(state: State, n: usize, last: Option<Point>, chance: &mut Stream) -> Vec<Point> {
    let (along, other) = (direction(chance), direction(chance));
    let side = cross(along, other);
    let size = dot(side, side).sqrt();
    // As good as never are two directions one.
    let u = if size > 1e-6 { side.map(|x| x / size) } else { [0.0; 3] };
    let v = cross(along, u);
    let start = match last {
        Some(last) => add(last, direction(chance), STEP),
        None => [0.0; 3],
    };
    let place = |i: usize| match state {
        State::Helix => {
            let angle = 100.0 / 180.0 * std::f64::consts::PI * i as f64;
            (1.5 * i as f64, 2.3 * (cos(angle) - 1.0), 2.3 * sin(angle))
        }
        State::Strand => (3.3 * i as f64, if i % 2 == 1 { 1.9 } else { 0.0 }, 0.0),
        State::Coil => (0.0, 0.0, 0.0),
    };
    (0..n)
        .map(|i| {
            let (a, b, c) = place(i);
            add(add(add(start, along, a), u, b), v, c)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    #[test]
    fn chains_hold_together_avoid_themselves_and_fold() {
        let key = Key::new(0, Purpose::Generate);
        let (mut clashes, mut pairs, mut contacts) = (0, 0, 0);
        for i in 0..20 {
            let chain = Chain::fold(&mut key.stream(i));
            let n = chain.points.len();
            assert_eq!((n, chain.states.len()), (length(&mut key.stream(i)), n));
            for w in chain.points.windows(2) {
                let d = distance(w[0], w[1]);
                assert!((3.7..3.9).contains(&d), "{d}");
            }
            for a in 0..n {
                for b in a + 2..n {
                    pairs += 1;
                    clashes += usize::from(distance(chain.points[a], chain.points[b]) < 3.5);
                }
            }
            let far = |a: usize| (a + 24..n).filter(|&b| distance(chain.points[a], chain.points[b]) < 8.0).count();
            let here = (0..n).map(far).sum::<usize>();
            assert!(n < 100 || here > 20, "{n} residues, {here} contacts");
            contacts += here;
            let helix = chain.states.iter().filter(|s| **s == State::Helix).count();
            assert!(helix < n);
        }
        assert!(clashes * 1_000 < pairs, "{clashes} clashes of {pairs} pairs");
        assert!(contacts > 400, "{contacts}");
    }
}

//! The sweep of one function: inputs by number, outputs at every level, their distance from the truth.

use std::sync::{Mutex, PoisonError};

use kernels::pool;
use kernels::rng::{Key, Purpose};
use kernels::simd::{self, Level};

use super::functions::{Inputs, Row};

/// Pairs that a function of two numbers is asked.
const PAIRS: u64 = 1_000_000_000;
/// Inputs of a task.
const CHUNK: usize = 1 << 13;
/// Inputs between two moments at which the sweep can stop.
const BLOCK: usize = 1 << 20;
/// Numbers that random bits seldom are.
const SPECIAL: [f32; 12] =
    [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN, 1e-45, -1e-45, 0.5];

/// Which inputs of a function are asked, and where.
pub struct Sweep<'a> {
    /// The function.
    pub row: &'a Row,
    /// Every how many inputs.
    pub stride: u64,
    /// At which levels.
    pub levels: &'a [Level],
}

/// What was found so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// Inputs asked: those with the lowest numbers.
    pub done: u64,
    /// Largest error, in units of f32's last place.
    pub ulp: f64,
    /// Number of the first input with that error.
    pub at: u64,
    /// Results that are not the truth rounded, by more than the truth's allowance.
    pub misrounded: u64,
    /// Results that are not the truth rounded, where the truth is too close to a tie to tell.
    pub ties: u64,
    /// Inputs at which two levels differ.
    pub differing: u64,
    /// Number of the first of those.
    pub differs_at: u64,
}

impl Tally {
    /// This and what was found elsewhere: the same in any order.
    fn merge(&mut self, other: &Self) {
        if other.ulp > self.ulp || other.ulp == self.ulp && other.at < self.at {
            (self.ulp, self.at) = (other.ulp, other.at);
        }
        if other.differing > 0 && (self.differing == 0 || other.differs_at < self.differs_at) {
            self.differs_at = other.differs_at;
        }
        self.done += other.done;
        self.misrounded += other.misrounded;
        self.ties += other.ties;
        self.differing += other.differing;
    }
}

impl Sweep<'_> {
    /// Number of inputs.
    pub fn len(&self) -> u64 {
        let all = match self.row.inputs {
            Inputs::All => 1 << 32,
            Inputs::Pairs => PAIRS,
        };
        all.div_ceil(self.stride)
    }

    /// Inputs from number `first`, into two slices of one length.
    fn inputs(&self, first: u64, x: &mut [f32], y: &mut [f32]) {
        match self.row.inputs {
            Inputs::All => {
                (0..).zip(x).for_each(|(i, x)| *x = f32::from_bits(((first + i) * self.stride) as u32));
            }
            Inputs::Pairs => {
                let mut stream = Key::new(0, Purpose::Test).stream(0);
                for (i, (x, y)) in (0..).zip(x.iter_mut().zip(y)) {
                    if i == 0 || self.stride > 1 {
                        stream.seek(3 * (first + i) * self.stride);
                    }
                    (*x, *y) = pair(stream.word(), stream.word(), stream.word());
                }
            }
        }
    }

    /// The input of a number; of functions of one number the second means nothing.
    pub fn input(&self, number: u64) -> (f32, f32) {
        let (mut x, mut y) = ([0.0], [0.0]);
        self.inputs(number, &mut x, &mut y);
        (x[0], y[0])
    }

    /// Goes on from `tally` to the end; `pause` sees the tally after every block and says whether to go on.
    pub fn run(&self, tally: &mut Tally, mut pause: impl FnMut(&Tally) -> bool) {
        let before = simd::level();
        let block = BLOCK.min(self.len() as usize);
        let mut inputs = vec![0.0; 2 * block];
        let mut outputs = vec![vec![0.0; block]; self.levels.len()];
        while tally.done < self.len() {
            let n = block.min((self.len() - tally.done) as usize);
            outputs.iter_mut().for_each(|y| y.truncate(n));
            self.block(tally, &mut inputs[..2 * n], &mut outputs);
            if !pause(tally) {
                break;
            }
        }
        simd::force(before);
    }

    fn block(&self, tally: &mut Tally, inputs: &mut [f32], outputs: &mut [Vec<f32>]) {
        let first = tally.done;
        // A chunk's first arguments, then its second ones.
        pool::chunks_mut(inputs, 2 * CHUNK, |i, xy| {
            let (x, y) = xy.split_at_mut(xy.len() / 2);
            self.inputs(first + (i * CHUNK) as u64, x, y);
        });
        let chunk = |i: usize, n: usize| inputs[2 * CHUNK * i..][..2 * n].split_at(n);
        for (&level, out) in self.levels.iter().zip(outputs.iter_mut()) {
            simd::force(level);
            pool::chunks_mut(out, CHUNK, |i, out| {
                let (x, y) = chunk(i, out.len());
                (self.row.ours)(x, y, out);
            });
        }
        let (n, all) = (outputs[0].len(), Mutex::new(*tally));
        pool::run(n.div_ceil(CHUNK), |i| {
            let at = i * CHUNK..n.min((i + 1) * CHUNK);
            let (x, y) = chunk(i, at.len());
            let out: Vec<&[f32]> = outputs.iter().map(|o| &o[at.clone()]).collect();
            let found = self.judge(first + at.start as u64, x, y, &out);
            all.lock().unwrap_or_else(PoisonError::into_inner).merge(&found);
        });
        *tally = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// The tally of a chunk from its outputs at each level.
    fn judge(&self, first: u64, x: &[f32], y: &[f32], outputs: &[&[f32]]) -> Tally {
        let mut t = Tally { done: x.len() as u64, at: first, ..Tally::default() };
        for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
            let (number, got) = (first + i as u64, outputs[0][i]);
            if outputs[1..].iter().any(|o| !same(o[i], got)) {
                if t.differing == 0 {
                    t.differs_at = number;
                }
                t.differing += 1;
            }
            let truth = (self.row.truth)(x.into(), y.into());
            let error = error(got, truth);
            if error > t.ulp {
                (t.ulp, t.at) = (error, number);
            }
            if !same(got, truth as f32) {
                let e = self.row.truth_ulp * f64::EPSILON;
                let maybe = [1.0 - e, 1.0 + e].iter().any(|f| same(got, (truth * f) as f32));
                *if maybe { &mut t.ties } else { &mut t.misrounded } += 1;
            }
        }
        t
    }

    /// A digest of the function's values on a fixed sample, so that a sweep goes on only with the code that it began with.
    pub fn digest(&self) -> u64 {
        const SAMPLE: u64 = 65_521;
        let sample = Sweep { stride: SAMPLE, ..*self };
        let n = sample.len() as usize;
        let (mut x, mut y, mut out) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        sample.inputs(0, &mut x, &mut y);
        (self.row.ours)(&x, &y, &mut out);
        // FNV-1a.
        let bytes = out.iter().flat_map(|v| if v.is_nan() { f32::NAN } else { *v }.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    }
}

/// A pair from three random words: any bits, numbers near 1, whole numbers, special ones.
fn pair(a: u32, b: u32, kind: u32) -> (f32, f32) {
    let near = |bits: u32| f32::from_bits(bits & 0x83ff_ffff | 0x3c00_0000); // 2^-7 to 2^8, either sign
    let special = |i: u32| SPECIAL[(i >> 8) as usize % SPECIAL.len()];
    let (any_a, any_b) = (f32::from_bits(a), f32::from_bits(b));
    match kind & 15 {
        0 => (special(a), special(b)),
        1 => (any_a, special(b)),
        2 => (special(a), any_b),
        3 => (near(a), f32::from(b as i8)),
        4 => (any_a, f32::from(b as i8)),
        5 | 6 => (any_a, any_b),
        7 => (any_a, near(b)),
        _ => (near(a), near(b)),
    }
}

/// Whether two results have the same bits; every NaN is one.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// Distance of `got` from `truth` in units of f32's last place at `truth`; infinite for a wrong NaN, infinity or sign of
/// zero.
fn error(got: f32, truth: f64) -> f64 {
    let rounded = truth as f32;
    if got.is_nan() || truth.is_nan() || got.is_infinite() || rounded == 0.0 && got == 0.0 {
        return if same(got, rounded) { zero_error(got, truth) } else { f64::INFINITY };
    }
    (f64::from(got) - truth).abs() * units(truth)
}

/// The distance where the result is right as a NaN, an infinity or a zero: only what is below a zero's last place shows.
fn zero_error(got: f32, truth: f64) -> f64 {
    if got == 0.0 { truth.abs() * units(truth) } else { 0.0 }
}

/// Units of f32's last place at `x` in 1.
fn units(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i64 - 1023;
    let last = exponent.clamp(-126, 127) - 23;
    f64::from_bits(((1023 - last) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_in_last_places() {
        assert_eq!(error(1.0, 1.0), 0.0);
        assert_eq!(error(1.0 + f32::EPSILON, 1.0), 1.0);
        assert_eq!(error(1.0, 1.0 - f64::from(f32::EPSILON) / 2.0), 1.0);
        assert_eq!(error(1e-45, 0.0), 1.0);
        assert_eq!(error(0.0, f64::from(1e-45f32) / 4.0), 0.25);
        assert_eq!(error(f32::MAX, f64::from(f32::MAX) + (1u128 << 103) as f64), 0.5);
        assert_eq!(error(f32::INFINITY, 1e300), 0.0);
        assert_eq!(error(f32::NAN, f64::NAN), 0.0);
        for (got, truth) in [(0.0, -0.0), (f32::NAN, 1.0), (1.0, f64::NAN), (f32::INFINITY, 1.0), (f32::MAX, 1e300)] {
            assert!(error(got, truth) > 1e6, "{got} for {truth}");
        }
    }

    #[test]
    fn merging_does_not_depend_on_order() {
        let a = Tally { done: 5, ulp: 0.5, at: 7, misrounded: 1, ties: 0, differing: 1, differs_at: 9 };
        let b = Tally { done: 6, ulp: 0.5, at: 3, misrounded: 0, ties: 2, differing: 2, differs_at: 4 };
        let merged = |first: &Tally, second: &Tally| {
            let mut t = *first;
            t.merge(second);
            t
        };
        assert_eq!(merged(&a, &b), merged(&b, &a));
        assert_eq!(
            merged(&a, &b),
            Tally { done: 11, ulp: 0.5, at: 3, misrounded: 1, ties: 2, differing: 3, differs_at: 4 }
        );
    }
}

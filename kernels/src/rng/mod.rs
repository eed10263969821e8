//! Random numbers without state: a ChaCha stream a key, read in a fixed order.
//!
//! `rand_chacha` gives the blocks; how words become uniforms, integers, normals and permutations is ours, in integer code
//! and [`crate::math`], so a change of the `rand` crates cannot change a value. A stream is keyed by (seed, purpose, epoch,
//! step) and numbered by `index`; nobody's order of reading shows in anybody else's numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What the numbers are for; each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial parameters; index = the parameter's number.
    Init = 1,
    /// Order of the items of an epoch.
    Shuffle = 2,
    /// Masks of dropout and drop-path; index = the op's number among the step's random ops.
    Dropout = 3,
    /// Augmentation of item `index`.
    Augment = 4,
    /// Generated data, item `index`.
    Generate = 5,
    /// What a search draws.
    Search = 6,
    /// Inputs of checks.
    Test = 7,
    /// Which items a scaled-down profile uses; the same for every seed of a run.
    Subset = 9,
}

/// The key of a family of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// What for.
    pub purpose: Purpose,
    /// Epoch, where it matters; else 0.
    pub epoch: u64,
    /// Step, where it matters; else 0.
    pub step: u64,
}

impl Key {
    /// A key with epoch and step 0.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self { seed, purpose, epoch: 0, step: 0 }
    }

    /// The same at another epoch and step.
    #[must_use]
    pub fn at(self, epoch: u64, step: u64) -> Self {
        Self { epoch, step, ..self }
    }

    fn bytes(&self) -> [u8; 32] {
        let mut k = [0u8; 32];
        k[..8].copy_from_slice(&self.seed.to_le_bytes());
        k[8..12].copy_from_slice(&(self.purpose as u32).to_le_bytes());
        k[12..20].copy_from_slice(&self.epoch.to_le_bytes());
        k[20..28].copy_from_slice(&self.step.to_le_bytes());
        k
    }

    /// The ChaCha key: 8 words, little endian.
    pub fn words(&self) -> [u32; 8] {
        let bytes = self.bytes();
        std::array::from_fn(|i| {
            u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
        })
    }

    /// Stream number `index` of this key, from its first word.
    pub fn stream(&self, index: u64) -> Stream {
        let k = self.bytes();
        let mut rng = ChaCha8Rng::from_seed(k);
        rng.set_stream(index);
        Stream { rng, spare: None }
    }
}

/// A stream of random words.
#[derive(Debug, Clone)]
pub struct Stream {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Stream {
    /// Goes to word `n` of the stream.
    pub fn seek(&mut self, n: u64) {
        self.rng.set_word_pos(u128::from(n));
        self.spare = None;
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// The next two words, the low one first.
    pub fn word64(&mut self) -> u64 {
        let low = u64::from(self.word());
        u64::from(self.word()) << 32 | low
    }

    /// Uniform in [0, 1): the upper 24 bits of a word, exactly representable.
    pub fn uniform(&mut self) -> f32 {
        (self.word() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [0, 1): the upper 53 bits of two words.
    pub fn uniform64(&mut self) -> f64 {
        (self.word64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform integer in 0..n: multiply and reject, so every value has the same probability.
    ///
    /// # Panics
    /// If n is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "an integer below 0");
        let reject = n.wrapping_neg() % n;
        loop {
            let m = u128::from(self.word64()) * u128::from(n);
            if m as u64 >= reject {
                return (m >> 64) as u64;
            }
        }
    }

    /// Standard normal, by Marsaglia's polar method; every other call uses up the pair's second number.
    pub fn normal(&mut self) -> f64 {
        if let Some(x) = self.spare.take() {
            return x;
        }
        loop {
            let u = 2.0 * self.uniform64() - 1.0;
            let v = 2.0 * self.uniform64() - 1.0;
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let r = (-2.0 * crate::math::ln(s) / s).sqrt();
                self.spare = Some(v * r);
                return u * r;
            }
        }
    }

    /// Shuffles in place (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// A permutation of 0..n.
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut p: Vec<u32> = (0..n as u32).collect();
        self.shuffle(&mut p);
        p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Key::new(42, Purpose::Test).at(3, 5).stream(7)
    }

    #[test]
    fn values_are_pinned() {
        let mut s = stream();
        let words: Vec<u32> = (0..4).map(|_| s.word()).collect();
        assert_eq!(words, FIXED_WORDS);
        assert_eq!(Key::new(1, Purpose::Shuffle).stream(0).permutation(8), FIXED_PERMUTATION);
    }
    // Computed by an independent ChaCha8 (RFC 8439 rounds, 64-bit counter and nonce).
    const FIXED_WORDS: [u32; 4] = [501_631_126, 879_771_553, 3_655_727_625, 4_063_319_101];
    const FIXED_PERMUTATION: [u32; 8] = [4, 5, 3, 0, 6, 7, 1, 2];

    #[test]
    fn a_stream_can_be_entered_anywhere() {
        let mut a = stream();
        let words: Vec<u32> = (0..100).map(|_| a.word()).collect();
        for i in [0, 1, 15, 16, 17, 63, 64, 99] {
            let mut b = stream();
            b.seek(i as u64);
            assert_eq!(b.word(), words[i]);
        }
    }

    #[test]
    fn moments_are_right() {
        let mut s = stream();
        let n = 100_000;
        let x: Vec<f64> = (0..n).map(|_| s.normal()).collect();
        let mean: f64 = x.iter().sum::<f64>() / n as f64;
        let var: f64 = x.iter().map(|v| v * v).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.012 && (var - 1.0).abs() < 0.02, "{mean} {var}");
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[s.below(7) as usize] += 1);
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
    }

    #[test]
    fn keys_differ_in_every_part() {
        let k = Key::new(1, Purpose::Init).at(1, 1);
        let first = |k: Key, i| k.stream(i).word64();
        let all = [
            first(k, 0),
            first(k, 1),
            first(Key { seed: 2, ..k }, 0),
            first(Key { purpose: Purpose::Shuffle, ..k }, 0),
            first(k.at(2, 1), 0),
            first(k.at(1, 2), 0),
        ];
        let mut distinct = all.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }
}

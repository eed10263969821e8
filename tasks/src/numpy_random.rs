//! The permutations of NumPy's `RandomState`: splits that others drew are drawn again here.
//!
//! MT19937 seeded by `init_genrand`; a shuffle goes from the end, and takes each index by masking a word's low bits and
//! drawing again while it is too large. NumPy has promised never to change this stream.

const N: usize = 624;
const M: usize = 397;

/// The generator.
struct Mt19937 {
    key: [u32; N],
    at: usize,
}

impl Mt19937 {
    fn new(seed: u32) -> Self {
        let mut key = [seed; N];
        for i in 1..N {
            let before = key[i - 1];
            key[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { key, at: N }
    }

    fn word(&mut self) -> u32 {
        if self.at == N {
            for i in 0..N {
                let y = (self.key[i] & 0x8000_0000) | (self.key[(i + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.key[i] = self.key[(i + M) % N] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.key[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in 0..=most.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let word = self.word() & mask;
            if word <= most {
                return word;
            }
        }
    }
}

/// `numpy.random.RandomState(seed).permutation(n)`.
pub fn permutation(seed: u32, n: u32) -> Vec<u32> {
    let mut generator = Mt19937::new(seed);
    let mut p: Vec<u32> = (0..n).collect();
    for i in (1..n).rev() {
        let j = generator.up_to(i);
        p.swap(i as usize, j as usize);
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_published_ones() {
        // The first output of the generator's authors for the seed 5489, and its 10,000th, which C++ demands.
        let mut g = Mt19937::new(5_489);
        assert_eq!(g.word(), 3_499_211_612);
        assert_eq!((0..9_999).map(|_| g.word()).last(), Some(4_123_659_995));
    }

    #[test]
    fn permutations_are_numpys() {
        assert_eq!(permutation(0, 10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
        assert_eq!(permutation(0, 1_000)[..6], [993, 859, 298, 553, 672, 971]);
        assert_eq!(permutation(0, 8_528)[..6], [2_044, 2_916, 274, 6_817, 4_750, 7_086]);
        assert_eq!((permutation(7, 0), permutation(7, 1)), (vec![], vec![0]));
        let mut all = permutation(3, 777);
        assert_ne!(all, permutation(4, 777));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..777));
    }
}

//! What the stand-in's factors recognise: the same for every seed and split, as a genome's biology is.
//!
//! Nine families of four factors. A family shares the core of its motif (the best-known consensus of a family of real
//! transcription factors) and a taste for the same stretches of DNA; each member has flanks of its own. Members differ in how
//! their sites come: two in clusters, which are soon learnt, one almost alone, one only beside a site of another family.

use std::sync::LazyLock;

use kernels::rng::{Key, Purpose, Stream};

pub(super) const FAMILIES: usize = 9;
pub(super) const MEMBERS: usize = 4;

/// Consensus cores of homeobox, GATA, ETS, bZIP, E-box, forkhead, nuclear receptor, HMG box and KLF factors.
const CORES: [&[u8]; FAMILIES] =
    [b"TAATTA", b"AGATAA", b"CCGGAAG", b"TGACTCA", b"CACGTG", b"TGTTTAC", b"AGGTCA", b"ACAAAG", b"CCACACCC"];
/// How often a family is at work in a sequence.
pub(super) const AT_WORK: [f64; FAMILIES] = [0.35, 0.30, 0.28, 0.25, 0.22, 0.20, 0.16, 0.12, 0.10];

/// Probabilities of A, C, G, T; the complement of a base is 3 minus it.
pub(super) type Column = [f64; 4];

/// How the sites of a factor come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sites {
    /// So many at least, so many at most.
    Cluster(u64, u64),
    /// One, and so many bases from its end a site of this other factor.
    Pair { with: usize, least: u64, most: u64 },
}

/// A factor, and the label that says whether it is bound.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    /// Its position weight matrix.
    pub motif: Vec<Column>,
    pub sites: Sites,
    /// How often it is bound where its family is at work.
    pub share: f64,
}

/// The factors, members of a family one after the other.
pub(super) static FACTORS: LazyLock<Vec<Factor>> = LazyLock::new(|| {
    let key = Key::new(0, Purpose::Generate).at(u64::from_le_bytes(*b"deepsea\0"), 99);
    (0..FAMILIES * MEMBERS).map(|k| factor(k, &mut key.stream(k as u64))).collect()
});

fn factor(k: usize, chance: &mut Stream) -> Factor {
    let (family, member) = (k / MEMBERS, k % MEMBERS);
    let core = CORES[family];
    let length = (core.len() + 1 + chance.below(5) as usize).clamp(8, 14);
    let before = chance.below((length - core.len()) as u64 + 1) as usize;
    let motif = (0..length)
        .map(|i| match i.checked_sub(before).and_then(|j| core.get(j)) {
            Some(base) => column(index(*base), 0.90 + 0.08 * chance.uniform64()),
            None => column(chance.below(4) as usize, 0.40 + 0.35 * chance.uniform64()),
        })
        .collect();
    let (sites, share) = match member {
        0 => (Sites::Cluster(10, 16), 0.85),
        1 => (Sites::Cluster(6, 12), 0.65),
        2 => (Sites::Cluster(1, 3), 0.40),
        _ => {
            let with = (family + 2) % FAMILIES * MEMBERS + 1;
            (Sites::Pair { with, least: 3 + chance.below(6), most: 12 + chance.below(10) }, 0.30)
        }
    };
    Factor { motif, sites, share }
}

fn index(base: u8) -> usize {
    b"ACGT".iter().position(|b| *b == base).expect("a base")
}

fn column(most: usize, p: f64) -> Column {
    let mut c = [(1.0 - p) / 3.0; 4];
    c[most] = p;
    c
}

/// How much likelier c comes after b than its frequency says: CpG hardly, what it decays to (TpG, CpA) more, and runs of A
/// and of T are longer. On the other strand it is the same.
fn pair(b: usize, c: usize) -> f64 {
    match (b, c) {
        (1, 2) => 0.15,
        (3, 2) | (1, 0) => 1.25,
        (0, 0) | (3, 3) => 1.15,
        _ => 1.0,
    }
}

/// `[a][b][c]`: how much likelier c comes after a and b than its frequency says: by the pair, and by a taste that a triplet
/// has in common with its reverse complement.
pub(super) static TRIPLETS: LazyLock<[[Column; 4]; 4]> = LazyLock::new(|| {
    let key = Key::new(0, Purpose::Generate).at(u64::from_le_bytes(*b"deepsea\0"), 98);
    let taste = |a: usize, b: usize, c: usize| {
        let (this, other) = ((a * 4 + b) * 4 + c, ((3 - c) * 4 + 3 - b) * 4 + 3 - a);
        0.85 + 0.30 * key.stream(this.min(other) as u64).uniform64()
    };
    std::array::from_fn(|a| std::array::from_fn(|b| std::array::from_fn(|c| pair(b, c) * taste(a, b, c))))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motifs_are_as_informative_as_real_ones() {
        assert_eq!(FACTORS.len(), crate::deepsea::FACTS.outputs);
        for f in FACTORS.iter() {
            assert!((8..=14).contains(&f.motif.len()));
            let bits: f64 = f
                .motif
                .iter()
                .map(|c| 2.0 + c.iter().map(|&p| p * kernels::math::ln(p) / kernels::math::ln(2.0)).sum::<f64>())
                .sum();
            assert!((7.0..16.0).contains(&bits), "{bits}");
            assert!(f.motif.iter().all(|c| (c.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        }
        let (a, b) = (&FACTORS[0].motif, &FACTORS[1].motif);
        assert!(a != b, "members have flanks of their own");
    }

    #[test]
    fn both_strands_have_the_same_background() {
        for (a, b, c) in (0..64).map(|i| (i / 16, i / 4 % 4, i % 4)) {
            let taste = |a: usize, b: usize, c: usize| TRIPLETS[a][b][c] / pair(b, c);
            assert!((taste(3 - c, 3 - b, 3 - a) - taste(a, b, c)).abs() < 1e-12, "{a} {b} {c}");
            assert_eq!(pair(b, c), pair(3 - c, 3 - b));
        }
    }
}

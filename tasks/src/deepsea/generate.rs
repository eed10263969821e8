//! A stand-in for the originals: a background with the genome's grain, in it the sites of 36 factors.
//!
//! The background is a Markov chain of order two ([`TRIPLETS`]) whose share of G and C wanders slowly along the sequence.
//! In each sequence some families of factors are at work; their members are bound or not, and bound members leave sites,
//! drawn from their matrices, at random places on either strand. Labels err both ways, as assays do: a factor may be seen
//! without a site, and there are sites where nothing is seen. What sites add to or take from the share of G and C, the bases
//! around them give back: so neither places nor shares of bases say anything, and a linear model learns next to nothing.

use std::path::Path;
use std::sync::Mutex;

use kernels::pool;
use kernels::rng::{Key, Stream};
use safetensors::Dtype;

use super::FACTS;
use super::biology::{AT_WORK, Column, FACTORS, MEMBERS, Sites, TRIPLETS};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

const BASES: usize = 1_000;
const LABELS: usize = 36;
/// Where sites begin and end.
const SITES: std::ops::Range<usize> = 20..980;
/// Channels of A, C, G, T: the originals' order is A, G, C, T.
const CHANNEL: [usize; 4] = [0, 2, 1, 3];
/// Where its family is not at work, a factor is bound this often.
const ALONE: f64 = 0.02;
/// Bound, and not seen.
const MISSED: f64 = 0.08;
/// Seen, and not bound.
const FALSE: f64 = 0.02;
/// Neither bound nor seen, and yet there is a site.
const DECOY: f64 = 0.04;
/// Sequences made at once, on all threads, between two reports.
const STRIDE: usize = 1_024;

/// A sequence (bases 0 to 3) and what is taken in it.
struct Sequence {
    bases: [u8; BASES],
    taken: [bool; BASES],
}

impl Sequence {
    fn background(chance: &mut Stream) -> Self {
        let mut bases = [0; BASES];
        let level = (0.43 + 0.07 * chance.normal()).clamp(0.28, 0.64);
        let (mut gc, mut a, mut b) = (level, chance.below(4) as usize, chance.below(4) as usize);
        for (i, base) in bases.iter_mut().enumerate() {
            if i % 25 == 0 {
                gc = (gc + 0.3 * (level - gc) + 0.025 * chance.normal()).clamp(0.2, 0.75);
            }
            let likely = [1.0 - gc, gc, gc, 1.0 - gc];
            let weights: Column = std::array::from_fn(|c| likely[c] * TRIPLETS[a][b][c]);
            let c = drawn(&weights, chance);
            *base = c as u8;
            (a, b) = (b, c);
        }
        Self { bases, taken: [false; BASES] }
    }

    /// Draws a site of these columns that begins at `at`.
    fn put(&mut self, motif: &[Column], at: usize, reverse: bool, chance: &mut Stream) {
        for (i, column) in motif.iter().enumerate() {
            let base = drawn(column, chance) as u8;
            let (place, base) = if reverse { (at + motif.len() - 1 - i, 3 - base) } else { (at + i, base) };
            (self.bases[place], self.taken[place]) = (base, true);
        }
    }

    /// A place for `length` bases that is free, or was not found to be taken only in the last of eight attempts.
    fn place(&self, length: usize, chance: &mut Stream) -> usize {
        let mut at = SITES.start;
        for _ in 0..8 {
            at = SITES.start + chance.below((SITES.len() - length) as u64) as usize;
            if !self.taken[at..at + length].contains(&true) {
                break;
            }
        }
        at
    }

    /// The sites that a bound factor leaves.
    fn bind(&mut self, factor: usize, chance: &mut Stream) {
        let f = &FACTORS[factor];
        match f.sites {
            Sites::Cluster(least, most) => {
                for _ in 0..least + chance.below(most - least + 1) {
                    let at = self.place(f.motif.len(), chance);
                    self.put(&f.motif, at, chance.below(2) == 1, chance);
                }
            }
            Sites::Pair { with, least, most } => {
                let (other, gap) = (&FACTORS[with].motif, least + chance.below(most - least + 1));
                let second = f.motif.len() + gap as usize;
                let at = self.place(second + other.len(), chance);
                let reverse = chance.below(2) == 1;
                // On the other strand the pair stands the other way round.
                let (own, partner) = if reverse { (other.len() + gap as usize, 0) } else { (0, second) };
                self.put(&f.motif, at + own, reverse, chance);
                self.put(other, at + partner, reverse, chance);
            }
        }
    }
}

impl Sequence {
    fn gc(&self) -> usize {
        self.bases.iter().filter(|b| is_gc(**b)).count()
    }

    /// Turns free bases (A to G, T to C, or back) until `gc` are G or C, and makes no CpG.
    fn balance(&mut self, gc: usize, chance: &mut Stream) {
        let mut have = self.gc();
        for _ in 0..20 * BASES {
            if have == gc {
                return;
            }
            let at = chance.below(BASES as u64) as usize;
            let (old, more) = (self.bases[at], have < gc);
            // A 0, C 1, G 2, T 3: a transition is two away.
            let new = old ^ 2;
            let after_c = at > 0 && self.bases[at - 1] == 1;
            let before_g = self.bases.get(at + 1) == Some(&2);
            if self.taken[at] || is_gc(old) == more || (new == 2 && after_c) || (new == 1 && before_g) {
                continue;
            }
            self.bases[at] = new;
            have = if more { have + 1 } else { have - 1 };
        }
    }
}

fn is_gc(base: u8) -> bool {
    matches!(base, 1 | 2)
}

/// An index, drawn in proportion to these weights.
fn drawn(weights: &Column, chance: &mut Stream) -> usize {
    let mut at = f64::from(chance.uniform()) * weights.iter().sum::<f64>();
    for (k, w) in weights[..3].iter().enumerate() {
        if at < *w {
            return k;
        }
        at -= w;
    }
    3
}

/// Item `index` of a part: one-hot bases `[1000, 4]`, and labels `[36]`.
fn item(key: Key, index: u64, x: &mut [u8], y: &mut [u8]) {
    let chance = &mut key.stream(index);
    let mut sequence = Sequence::background(chance);
    let gc = sequence.gc();
    let at_work = AT_WORK.map(|p| chance.uniform64() < p);
    for (k, (factor, y)) in FACTORS.iter().zip(y).enumerate() {
        let bound = chance.uniform64() < if at_work[k / MEMBERS] { factor.share } else { ALONE };
        let seen = if bound { chance.uniform64() >= MISSED } else { chance.uniform64() < FALSE };
        if bound || (!seen && chance.uniform64() < DECOY) {
            sequence.bind(k, chance);
        }
        *y = seen.into();
    }
    sequence.balance(gc, chance);
    x.fill(0);
    for (position, &base) in x.chunks_exact_mut(4).zip(&sequence.bases) {
        position[CHANNEL[usize::from(base)]] = 1;
    }
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    let (mut done, total) = (0, (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let mut split = store.split(part)?;
        let (mut x, mut y) = (vec![0; STRIDE.min(n) * 4 * BASES], vec![0; n * LABELS]);
        split.tensor("x", Dtype::U8, &[BASES, 4])?;
        for first in (0..n).step_by(STRIDE) {
            progress.report("generating deepsea", done, total, Unit::Items);
            let now = STRIDE.min(n - first);
            items(key, first, &mut x[..now * 4 * BASES], &mut y[first * LABELS..][..now * LABELS]);
            split.push(&x[..now * 4 * BASES])?;
            done += now as u64;
        }
        split.tensor("y", Dtype::U8, &[LABELS])?;
        split.push(&y)?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("generating deepsea", total, total, Unit::Items);
    Summary::of(data_dir, &super::Deepsea)
}

/// Items from `first` on, on all threads.
fn items(key: Key, first: usize, x: &mut [u8], y: &mut [u8]) {
    let rows: Vec<_> = x.chunks_exact_mut(4 * BASES).zip(y.chunks_exact_mut(LABELS)).map(Mutex::new).collect();
    pool::run(rows.len(), |i| {
        let mut row = rows[i].lock().expect("no item panics");
        let (x, y) = &mut *row;
        item(key, (first + i) as u64, x, y);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::auroc::auroc;
    use crate::metrics::ranking::Scored;

    fn make(seed: u64, part: Part, first: usize, n: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut x, mut y) = (vec![7; n * 4 * BASES], vec![7; n * LABELS]);
        items(generated::key(&FACTS, seed, part), first, &mut x, &mut y);
        (x, y)
    }

    #[test]
    fn an_item_depends_on_its_number_alone() {
        let one = make(1, Part::Train, 5, 1);
        let many = make(1, Part::Train, 0, 8);
        assert_eq!(one, (many.0[5 * 4 * BASES..][..4 * BASES].to_vec(), many.1[5 * LABELS..][..LABELS].to_vec()));
        for other in [make(2, Part::Train, 5, 1), make(1, Part::Val, 5, 1), make(1, Part::Test, 5, 1)] {
            assert_ne!(other.0, one.0);
        }
    }

    #[test]
    fn labels_are_as_rare_as_the_task_has_them_and_bases_as_the_genome() {
        let n = 1_500;
        let (x, y) = make(0, Part::Train, 0, n);
        for k in 0..LABELS {
            let share = y.chunks(LABELS).filter(|row| row[k] == 1).count() as f64 / n as f64;
            assert!((0.02..0.35).contains(&share), "{k}: {share}");
        }
        let base = |p: &[u8]| p.iter().position(|&v| v == 1).unwrap();
        let mut gc = 0;
        for row in x.chunks(4 * BASES) {
            let bases: Vec<usize> = row.chunks(4).map(base).collect();
            assert_eq!(row.iter().map(|&v| usize::from(v)).sum::<usize>(), BASES);
            gc += bases.iter().filter(|&&b| b == 1 || b == 2).count();
        }
        assert!((0.38..0.48).contains(&(gc as f64 / (n * BASES) as f64)), "{gc}");
        // CpG against GpC, before sites (some of whose motifs hold CpG).
        let mut pairs = [[0f64; 4]; 4];
        for i in 0..200 {
            let sequence = Sequence::background(&mut generated::key(&FACTS, 0, Part::Train).stream(i));
            sequence.bases.windows(2).for_each(|w| pairs[usize::from(w[0])][usize::from(w[1])] += 1.0);
        }
        assert!(pairs[1][2] / pairs[2][1] < 0.5, "{pairs:?}");
    }

    #[test]
    fn a_linear_model_learns_next_to_nothing() {
        let (n, m) = (1_200, 400);
        let ((x, y), (tx, ty)) = (make(0, Part::Train, 0, n), make(0, Part::Test, 0, m));
        let (each, mut areas) = (4 * BASES, 0.0);
        for k in 0..LABELS {
            // The difference of the two kinds' means, as weights.
            let mut means = [vec![0.0; each], vec![0.0; each]];
            let seen = y.chunks(LABELS).filter(|row| row[k] == 1).count();
            for (x, y) in x.chunks(each).zip(y.chunks(LABELS)) {
                let (mean, items) = (&mut means[usize::from(y[k])], if y[k] == 1 { seen } else { n - seen });
                mean.iter_mut().zip(x).for_each(|(m, &v)| *m += f64::from(v) / items as f64);
            }
            let weights: Vec<f64> = means[1].iter().zip(&means[0]).map(|(a, b)| a - b).collect();
            let items = tx.chunks(each).zip(ty.chunks(LABELS)).map(|(x, y)| Scored {
                score: x.iter().zip(&weights).map(|(&x, w)| f64::from(x) * w).sum::<f64>() as f32,
                positive: y[k] == 1,
            });
            areas += auroc(items.collect()) / LABELS as f64;
        }
        assert!((0.45..0.55).contains(&areas), "{areas}");
    }

    #[test]
    fn a_site_reads_the_same_on_the_other_strand() {
        let sure = |base: usize| std::array::from_fn(|b| if b == base { 1.0 } else { 0.0 });
        let motif: Vec<Column> = [0, 0, 1, 2, 3].map(sure).to_vec();
        let mut sequence = Sequence { bases: [0; BASES], taken: [false; BASES] };
        let chance = &mut generated::key(&FACTS, 0, Part::Train).stream(0);
        sequence.put(&motif, 10, false, chance);
        sequence.put(&motif, 20, true, chance);
        assert_eq!(sequence.bases[10..15], [0, 0, 1, 2, 3]);
        assert_eq!(sequence.bases[20..25], [0, 1, 2, 3, 3]);
        assert_eq!(sequence.taken.iter().filter(|t| **t).count(), 10);
    }
}

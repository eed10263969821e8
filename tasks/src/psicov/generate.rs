//! A stand-in for proteins with alignments: made-up chains and noisy signs of what they are.
//!
//! Features say less than the truth in the ways in which real ones do: states of secondary structure are blurred and sometimes
//! wrong, profiles follow burial and state, couplings are there for two contacts of three, smeared along the chain by
//! indirect ones, under noise; the two couplings share half of their noise.

use std::path::Path;

use kernels::math::exp;
use kernels::pool;
use kernels::rng::{Key, Stream};

use super::FACTS;
use super::chain::{Chain, State, distance, length};
use super::store::{PAIR, Protein, RESIDUE, write_split};
use crate::progress::{Progress, Unit};
use crate::store::{Part, Provenance, StoreWriter};
use crate::{Error, Sizes, Summary, generated};

/// Proteins made at once.
const BLOCK: usize = 32;
/// Residues within this are neighbours in space.
const NEAR: f64 = 10.0;
/// A contact.
const CONTACT: f64 = 8.0;

/// Protein `index` of a part.
fn protein(key: Key, index: u64) -> Protein {
    let mut chance = key.stream(index);
    let chain = Chain::fold(&mut chance);
    let n = chain.points.len();
    let d: Vec<f64> = (0..n * n).map(|i| distance(chain.points[i / n], chain.points[i % n])).collect();
    let buried: Vec<f64> =
        (0..n).map(|i| (d[i * n..(i + 1) * n].iter().filter(|&&d| d < NEAR).count() as f64 / 25.0).min(1.0)).collect();
    let mut residue = Vec::with_capacity(n * RESIDUE);
    for (state, buried) in chain.states.iter().zip(&buried) {
        residues(*state, *buried, &mut chance, &mut residue);
    }
    Protein { residue, pair: pairs(&d, n, &mut chance), distance: d.iter().map(|&d| d as f32).collect() }
}

/// States (coil, helix, strand), 21 shares of amino acids and gaps, the column's entropy, accessibility, entropy again.
fn residues(state: State, buried: f64, chance: &mut Stream, to: &mut Vec<f32>) {
    let state = match state {
        _ if chance.uniform64() < 0.08 => chance.below(3) as usize,
        State::Coil => 0,
        State::Helix => 1,
        State::Strand => 2,
    };
    let mut states = [0.1; 3];
    states[state] = 0.8;
    to.extend(states.map(|s| (s + 0.1 * (chance.uniform64() - 0.5)) as f32));
    // Amino acids in three rows of seven: one likes the inside, one a state, one is where it is.
    let mut shares: [f64; 21] = std::array::from_fn(|k| {
        let likes = match k / 7 {
            0 => buried,
            1 if k % 3 == state => 0.7,
            _ => 0.3,
        };
        likes * chance.uniform64() * chance.uniform64()
    });
    let mut total = 0.0;
    shares.iter().for_each(|s| total += s);
    shares.iter_mut().for_each(|s| *s /= total);
    to.extend(shares.map(|s| s as f32));
    let entropy = (1.0 - buried) * 0.7 + 0.3 * chance.uniform64();
    to.push(entropy as f32);
    to.push(((1.0 - buried) * 0.8 + 0.2 * chance.uniform64()) as f32);
    to.push(entropy as f32);
}

/// Two couplings and a potential for each pair, symmetric.
fn pairs(d: &[f64], n: usize, chance: &mut Stream) -> Vec<f32> {
    let mut strength = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 3..n {
            if d[i * n + j] < CONTACT && chance.uniform64() < 0.65 {
                let s = 0.3 + 0.5 * chance.uniform64();
                // A direct coupling, and weaker ones of the residues beside.
                for (a, b, share) in [(0, 0, 1.0), (0, 1, 0.35), (1, 0, 0.35), (0, -1, 0.35), (-1, 0, 0.35)] {
                    let (Some(a), Some(b)) = (i.checked_add_signed(a), j.checked_add_signed(b)) else { continue };
                    if a < n && b < n {
                        strength[a * n + b] += share * s;
                    }
                }
            }
        }
    }
    let mut to = vec![0.0f32; n * n * PAIR];
    for i in 0..n {
        for j in i..n {
            let (shared, d) = (chance.normal(), d[i * n + j]);
            let coupling = |own: f64| 0.6 * strength[i * n + j] + 0.2 * (0.5 * shared + 0.85 * own);
            let (a, b) = (coupling(chance.normal()), coupling(chance.normal()));
            let potential = exp(-d / 8.0) - 0.2 + 0.5 * chance.normal();
            for at in [i * n + j, j * n + i] {
                to[at * PAIR..(at + 1) * PAIR].copy_from_slice(&[a as f32, b as f32, potential as f32]);
            }
        }
    }
    to
}

pub(super) fn generate(sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
    generated::check(&FACTS, sizes)?;
    let origin = generated::origin(&FACTS, seed, Provenance::StandIn);
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    // Three tensors one after the other, for each of which the proteins are made again rather than kept.
    let (mut done, total) = (0, 3 * (sizes.train + sizes.val + sizes.test) as u64);
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        let key = generated::key(&FACTS, seed, part);
        let lengths: Vec<i64> = (0..n).map(|i| length(&mut key.stream(i as u64)) as i64).collect();
        let (mut split, mut block) = (store.split(part)?, Vec::new());
        write_split(&mut split, &lengths, true, |_, i| {
            if i % BLOCK == 0 {
                progress.report("generating psicov", done, total, Unit::Items);
                block = vec![Protein::default(); BLOCK.min(n - i)];
                pool::chunks_mut(&mut block, 1, |j, to| to[0] = protein(key, (i + j) as u64));
                done += block.len() as u64;
            }
            Ok(std::mem::take(&mut block[i % BLOCK]))
        })?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    progress.report("generating psicov", total, total, Unit::Items);
    Summary::of(data_dir, &super::Psicov)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protein_depends_on_its_number_alone_and_couplings_are_signs_of_contacts() {
        let make = |seed, part, i| protein(generated::key(&FACTS, seed, part), i);
        let one = make(1, Part::Train, 5);
        assert_eq!(one, make(1, Part::Train, 5));
        for other in [make(2, Part::Train, 5), make(1, Part::Val, 5), make(1, Part::Test, 5), make(1, Part::Train, 6)] {
            assert_ne!(other, one);
        }
        let n = one.residue.len() / RESIDUE;
        let (mut near, mut far) = ((0.0, 0), (0.0, 0));
        for i in 0..n {
            for j in 0..n {
                let (d, c) = (one.distance[i * n + j], one.pair[(i * n + j) * PAIR]);
                assert_eq!(c, one.pair[(j * n + i) * PAIR]);
                if i.abs_diff(j) >= 6 {
                    let to = if d < 8.0 { &mut near } else { &mut far };
                    *to = (to.0 + f64::from(c), to.1 + 1);
                }
            }
        }
        let (near, far) = (near.0 / f64::from(near.1), far.0 / f64::from(far.1));
        assert!(near > far + 0.15 && near < 0.8, "{near} {far}");
    }
}

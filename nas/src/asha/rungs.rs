//! How far trials are trained before the next look at them, and how many begin: rungs and brackets, as in Determined's
//! `adaptive_asha` of 2021.

use std::ops::Range;

/// Of the trials on a rung one in this many goes on; a rung is about this many times as long as the one below.
pub const DIVISOR: usize = 4;
/// The most rungs of a bracket.
const MOST_RUNGS: usize = 5;
/// Trials that run at the same time, in the search's own time: it is part of the protocol, not of the machine.
const WORKERS: usize = 4;

/// How early trials are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One bracket, of as many rungs as fit.
    Aggressive,
    /// Half of the brackets, those of most rungs: R, R - 1, ... (R - 1) / 2 + 1.
    Standard,
}

/// Trials that compete with each other, and with no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bracket {
    /// Their numbers.
    pub trials: Range<usize>,
    /// How many run at the same time, at least 1.
    pub workers: usize,
    /// Epochs from the trial's beginning to each rung, ascending.
    pub rungs: Vec<usize>,
}

/// The most rungs that `length` epochs and so many trials allow: one more than the times each can be divided by 4.
fn most_rungs(length: usize, trials: usize) -> usize {
    let divisible = |n: usize| n.ilog(DIVISOR) as usize + 1;
    [divisible(length), divisible(trials), MOST_RUNGS].into_iter().min().expect("three numbers")
}

/// The last of `rungs` rungs is the whole length, each one before it a quarter of the next, rounded down.
fn epochs(length: usize, rungs: usize) -> Vec<usize> {
    (0..rungs).rev().map(|below| length / DIVISOR.pow(below as u32)).collect()
}

/// The brackets of a search, the one of most rungs first.
///
/// A bracket of r rungs needs about r lengths for 4^(r - 1) trials, so its share of the trials is as 4^(r - 1) / r, rounded
/// down: then all cost about the same. What is left over goes to the first.
///
/// # Panics
/// If there are no epochs or no trials.
pub fn brackets(length: usize, trials: usize, mode: Mode) -> Vec<Bracket> {
    assert!(length > 0 && trials > 0, "a search of {trials} trials of {length} epochs");
    let most = most_rungs(length, trials);
    let fewest = match mode {
        Mode::Aggressive => most,
        Mode::Standard => (most - 1) / 2 + 1,
    };
    let rungs: Vec<usize> = (fewest..=most).rev().collect();
    let weight = |r: usize| DIVISOR.pow(r as u32 - 1) as f64 / r as f64;
    let total = rungs.iter().fold(0.0, |sum, &r| sum + weight(r));
    let mut shares: Vec<usize> = rungs.iter().map(|&r| (weight(r) / total * trials as f64) as usize).collect();
    shares[0] += trials - shares.iter().sum::<usize>();
    let mut first = 0;
    let bracket = |(i, (r, share)): (usize, (usize, usize))| {
        let workers = WORKERS / rungs.len() + usize::from(i < WORKERS % rungs.len());
        first += share;
        Bracket { trials: first - share..first, workers, rungs: epochs(length, r) }
    };
    rungs.iter().copied().zip(shares).enumerate().map(bracket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rungs(length: usize, trials: usize) -> Vec<usize> {
        brackets(length, trials, Mode::Aggressive).remove(0).rungs
    }

    #[test]
    fn two_hundred_epochs_have_the_benchmarks_rungs() {
        assert_eq!(rungs(200, 16), [12, 50, 200]);
        assert_eq!(rungs(200, 63), [12, 50, 200]);
        assert_eq!(rungs(200, 64), [3, 12, 50, 200]);
        assert_eq!(rungs(200, 256), [3, 12, 50, 200]);
        assert_eq!(rungs(256, 256), [1, 4, 16, 64, 256]);
        assert_eq!(rungs(10_000, 10_000), [39, 156, 625, 2_500, 10_000]);
    }

    #[test]
    fn short_searches_have_fewer() {
        assert_eq!((rungs(1, 28), rungs(2, 28), rungs(3, 28)), (vec![1], vec![2], vec![3]));
        assert_eq!((rungs(4, 28), rungs(5, 28), rungs(16, 28)), (vec![1, 4], vec![1, 5], vec![1, 4, 16]));
        assert_eq!((rungs(200, 1), rungs(200, 3), rungs(200, 4)), (vec![200], vec![200], vec![50, 200]));
    }

    #[test]
    fn sixteen_trials_in_standard_mode_are_twelve_and_four() {
        let two = brackets(200, 16, Mode::Standard);
        assert_eq!(two[0], Bracket { trials: 0..12, workers: 2, rungs: vec![12, 50, 200] });
        assert_eq!(two[1], Bracket { trials: 12..16, workers: 2, rungs: vec![50, 200] });
        assert_eq!(two.len(), 2);
        let three = brackets(200, 64, Mode::Standard);
        let workers: Vec<usize> = three.iter().map(|b| b.workers).collect();
        assert_eq!((three.len(), workers), (3, vec![2, 1, 1]));
    }

    #[test]
    fn any_search_has_all_its_trials_in_rungs_that_ascend_to_its_length() {
        for mode in [Mode::Aggressive, Mode::Standard] {
            for (length, trials) in (1..300).flat_map(|l| (1..300).map(move |t| (l, t))) {
                let all = brackets(length, trials, mode);
                let mut first = 0;
                for b in &all {
                    assert!(b.rungs[0] > 0 && b.rungs.windows(2).all(|w| w[0] < w[1]), "{length} {trials}: {b:?}");
                    assert_eq!((b.rungs.last(), b.trials.start), (Some(&length), first));
                    assert!(!b.trials.is_empty() && b.workers > 0);
                    first = b.trials.end;
                }
                assert_eq!(first, trials);
                assert_eq!(all.iter().map(|b| b.workers).sum::<usize>(), WORKERS);
            }
        }
    }
}

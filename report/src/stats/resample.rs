//! How sure a difference is: every resample of tasks and seeds, counted, none drawn.
//!
//! *Tasks* are resampled with replacement: of T tasks, all T^T draws of T, as multisets with the number of draws that give
//! each (92,378 multisets for ten tasks).
//!
//! *Seeds* are resampled as replicates of the whole table: seed by seed, the runs of all cells are one repetition of the
//! study, and of k repetitions all k^k draws of k are taken (of more than [`MOST_SEEDS`], the k that leave one out instead).
//! k is the most seeds that any cell has; a cell with n of them lends its (j mod n)-th to repetition j. Every draw of tasks is
//! combined with every draw of seeds. Where figures come as mean and deviation, or of one seed, tasks alone are resampled.
//!
//! A statement about *one task* has no tasks to resample. Rows are then independent: of each row's n figures, all n^n draws
//! with replacement, their means, and all combinations of rows. Mean and deviation s without the figures stand for the three
//! points mean - s, mean, mean + s, whose sample deviation is s.
//!
//! A share of 95 % of the resamples ([`ENOUGH`]) decides; ties are never a difference.

use super::rank::middle;
use super::{Grid, rank};
use crate::analysis::{Pair, Verdict};
use crate::model::{Entry, Group, Table, group};
use std::cmp::Ordering;

/// Percent of the resamples in which a statement must be true, or false, to be called so.
pub const ENOUGH: u32 = 95;

/// The most repetitions whose draws with replacement are enumerated.
pub const MOST_SEEDS: usize = 5;

/// The most rows that are compared pair by pair.
const MOST_ROWS: usize = 12;

/// In how many resamples a statement is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// True.
    pub yes: u128,
    /// All.
    pub all: u128,
}

impl Count {
    /// The share, 0 to 1.
    pub fn share(self) -> f64 {
        self.yes as f64 / self.all as f64
    }
}

/// What a share decides.
pub fn verdict(share: f64) -> Verdict {
    let enough = f64::from(ENOUGH) / 100.0;
    match share {
        s if s >= enough => Verdict::Holds,
        s if 1.0 - s >= enough => Verdict::DoesNot,
        _ => Verdict::NotDecided,
    }
}

/// A draw of things with replacement: how often each is in it, and how many ordered draws are this one.
pub type Draw = (Vec<u8>, u64);

/// All draws of n things of n. The numbers of orderings add up to n^n.
pub fn draws(n: usize) -> Vec<Draw> {
    fn place(i: usize, left: usize, counts: &mut Vec<u8>, ways: u64, out: &mut Vec<Draw>) {
        if i + 1 == counts.len() {
            counts[i] = left as u8;
            out.push((counts.clone(), ways));
            return;
        }
        // `left` choose c, as c grows: every step divides evenly.
        let mut choose = 1;
        for c in 0..=left {
            counts[i] = c as u8;
            place(i + 1, left - c, counts, ways * choose, out);
            choose = choose * (left - c) as u64 / (c + 1) as u64;
        }
    }
    let mut out = Vec::new();
    if n > 0 {
        place(0, n, &mut vec![0; n], 1, &mut out);
    }
    out
}

/// Draws of n seeds: with replacement, of many the ones that leave one out.
fn seed_draws(n: usize) -> Vec<Draw> {
    if n <= MOST_SEEDS {
        return draws(n);
    }
    (0..n).map(|out| ((0..n).map(|i| u8::from(i != out)).collect(), 1)).collect()
}

/// The mean of a draw of figures, added up in the order of the figures.
fn mean_of(figures: &[f64], counts: &[u8]) -> f64 {
    let (mut sum, mut n) = (0.0, 0u32);
    for (j, c) in counts.iter().enumerate() {
        for _ in 0..*c {
            sum += figures[j % figures.len()];
            n += 1;
        }
    }
    sum / f64::from(n)
}

/// How many repetitions a table has: the most seeds of any ranked cell, 1 where seeds are not known one by one.
pub fn repetitions(table: &Table) -> usize {
    table
        .entries
        .iter()
        .filter(|((_, m), _)| group(m) != Group::Beyond)
        .map(|(_, e)| e.seeds.len().max(1))
        .max()
        .unwrap_or(1)
}

/// The table of every draw of seeds, with the number of orderings.
pub fn replicates(table: &Table) -> Vec<(Grid, u64)> {
    let k = repetitions(table);
    if k == 1 {
        return vec![(Grid::of(table), 1)];
    }
    let figure = |entry: &Entry, counts: &[u8]| {
        let figures: Vec<f64> = entry.seeds.iter().map(|s| s.1).collect();
        if figures.is_empty() { entry.mean } else { mean_of(&figures, counts) }
    };
    seed_draws(k).into_iter().map(|(counts, ways)| (Grid::with(table, |e| figure(e, &counts)), ways)).collect()
}

/// Figures of tasks, sorted once, for medians of many draws.
#[derive(Debug, Clone)]
pub struct Sorted(Vec<(f64, usize)>);

impl Sorted {
    /// Of one figure a task; none is NaN.
    pub fn new(figures: &[f64]) -> Self {
        let mut sorted: Vec<(f64, usize)> = figures.iter().copied().zip(0..).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self(sorted)
    }

    /// The median of a draw of tasks.
    pub fn median(&self, counts: &[u8]) -> f64 {
        let n = self.0.len();
        let (low, high) = ((n - 1) / 2, n / 2);
        let (mut seen, mut lower) = (0, None);
        for (figure, task) in &self.0 {
            seen += usize::from(counts[*task]);
            if lower.is_none() && seen > low {
                lower = Some(*figure);
            }
            if seen > high {
                return middle(lower.unwrap_or(*figure), *figure);
            }
        }
        f64::NAN
    }
}

/// Counts the resamples of `tasks` tasks and of seeds in which a statement is true; `prepare` sees each draw of seeds once.
pub fn count<T>(
    replicates: &[(Grid, u64)],
    tasks: usize,
    prepare: impl Fn(&Grid) -> T,
    holds: impl Fn(&T, &[u8]) -> bool,
) -> Count {
    let draws = draws(tasks);
    let mut count = Count::default();
    for (grid, seeds) in replicates {
        let prepared = prepare(grid);
        for (counts, ways) in &draws {
            let ways = u128::from(*seeds) * u128::from(*ways);
            count.all += ways;
            if holds(&prepared, counts) {
                count.yes += ways;
            }
        }
    }
    count
}

/// Every pair of ranked rows on the tasks that both have (at least two), by median rank. Of very many rows, the paper's alone.
pub fn pairs(table: &Table, replicates: &[(Grid, u64)]) -> Vec<Pair> {
    let grid = Grid::of(table);
    let many = grid.methods.len() > MOST_ROWS;
    let rows: Vec<usize> =
        (0..grid.methods.len()).filter(|r| !many || group(&grid.methods[*r]) != Group::Given).collect();
    let ranked: Vec<(Vec<Vec<Option<f64>>>, u64)> = replicates.iter().map(|(g, ways)| (g.ranks(), *ways)).collect();
    let mut pairs = Vec::new();
    for (i, a) in rows.iter().enumerate() {
        for b in &rows[i + 1..] {
            let tasks = grid.common(&[*a, *b]);
            if tasks.len() < 2 {
                continue;
            }
            let draws = draws(tasks.len());
            let (mut first, mut second) = (Count::default(), Count::default());
            for (ranks, seeds) in &ranked {
                let of = |row: usize| {
                    let figures: Vec<f64> = tasks.iter().filter_map(|t| ranks[row][*t]).collect();
                    Sorted::new(&figures)
                };
                let (of_a, of_b) = (of(*a), of(*b));
                for (counts, ways) in &draws {
                    let ways = u128::from(*seeds) * u128::from(*ways);
                    let (x, y) = (of_a.median(counts), of_b.median(counts));
                    first.all += ways;
                    second.all += ways;
                    first.yes += if x < y { ways } else { 0 };
                    second.yes += if y < x { ways } else { 0 };
                }
            }
            let (ahead, behind, count) = if first.yes >= second.yes { (a, b, first) } else { (b, a, second) };
            pairs.push(Pair {
                ahead: grid.methods[*ahead].clone(),
                behind: grid.methods[*behind].clone(),
                share: count.share(),
                called: verdict(count.share()) == Verdict::Holds,
            });
        }
    }
    pairs
}

/// Means of all draws of a cell's figures, with their probabilities; none where the figures do not vary or are not known.
pub fn means(entry: &Entry) -> Option<Vec<(f64, f64)>> {
    let figures: Vec<f64> = match (entry.seeds.len(), entry.std) {
        (0, Some(s)) if entry.n != 1 => vec![entry.mean - s, entry.mean, entry.mean + s],
        (0 | 1, _) => return None,
        _ => entry.seeds.iter().map(|s| s.1).collect(),
    };
    let draws = seed_draws(figures.len());
    let mut all = 0u64;
    for (_, ways) in &draws {
        all += ways;
    }
    Some(draws.iter().map(|(counts, ways)| (mean_of(&figures, counts), *ways as f64 / all as f64)).collect())
}

/// The probability that the better of `rows` is ahead of all `others` on a task, all of them independent.
pub fn ahead(task: &str, rows: &[Vec<(f64, f64)>], others: &[Vec<(f64, f64)>]) -> f64 {
    // The best of the rows, by its distribution: one row after the other.
    let mut best: Vec<(f64, f64)> = vec![(f64::NAN, 1.0)];
    for row in rows {
        let mut next = Vec::with_capacity(best.len() * row.len());
        for (x, p) in &best {
            for (y, q) in row {
                next.push((if rank::compare(task, *y, *x) == Ordering::Less { *y } else { *x }, p * q));
            }
        }
        best = next;
    }
    let mut share = 0.0;
    for (x, p) in best {
        let mut all = p;
        for other in others {
            let mut behind = 0.0;
            for (y, q) in other {
                behind += if rank::compare(task, x, *y) == Ordering::Less { *q } else { 0.0 };
            }
            all *= behind;
        }
        share += all;
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_all_of_them() {
        for (n, multisets, all) in [(1, 1, 1), (2, 3, 4), (3, 10, 27), (5, 126, 3125), (10, 92_378, 10_000_000_000)] {
            let draws = draws(n);
            assert_eq!(draws.len(), multisets);
            assert_eq!(draws.iter().map(|d| d.1).sum::<u64>(), all);
            assert!(draws.iter().all(|d| d.0.iter().map(|c| usize::from(*c)).sum::<usize>() == n));
        }
        assert!(draws(0).is_empty());
        assert!(draws(3).contains(&(vec![1, 1, 1], 6)) && draws(3).contains(&(vec![0, 2, 1], 3)));
        assert_eq!(seed_draws(6).len(), 6);
    }

    #[test]
    fn medians_of_draws_are_those_of_the_figures() {
        let figures = [5.0, 1.0, 3.0, 2.0];
        let sorted = Sorted::new(&figures);
        for (counts, _) in draws(4) {
            let all: Vec<f64> = figures.iter().zip(&counts).flat_map(|(f, c)| vec![*f; usize::from(*c)]).collect();
            assert_eq!(Some(sorted.median(&counts)), rank::median(&all), "{counts:?}");
        }
    }

    #[test]
    fn one_task_is_decided_by_all_combinations() {
        let entry = |mean, std, n| Entry { mean, std, n, ..Entry::default() };
        // The three points' means are 8, 8 1/3 .. 12; of 27 draws one has the mean 8, and one 12.
        let a = means(&entry(10.0, Some(2.0), 3)).unwrap();
        assert_eq!(a.len(), 10);
        let b = vec![(12.0, 1.0)];
        assert!((ahead("darcy", std::slice::from_ref(&a), std::slice::from_ref(&b)) - 26.0 / 27.0).abs() < 1e-12);
        assert_eq!(ahead("darcy", std::slice::from_ref(&b), std::slice::from_ref(&a)), 0.0);
        // Both rows must miss for the better of two to miss.
        let two = ahead("darcy", &[a.clone(), a.clone()], &[b]);
        assert!((two - (1.0 - 1.0 / 729.0)).abs() < 1e-12);
        assert_eq!(means(&entry(1.0, None, 1)), None);
        assert_eq!(means(&entry(1.0, None, 0)), None);
        let same = ahead("darcy", std::slice::from_ref(&a), std::slice::from_ref(&a));
        assert!(same < 0.5 && same > 0.4, "{same}");
    }

    #[test]
    fn a_share_decides_at_95_percent() {
        assert_eq!(verdict(0.95), Verdict::Holds);
        assert_eq!(verdict(0.949), Verdict::NotDecided);
        assert_eq!(verdict(0.05), Verdict::DoesNot);
        assert_eq!(verdict(0.051), Verdict::NotDecided);
    }
}

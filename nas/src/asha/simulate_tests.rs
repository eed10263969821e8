//! The simulation: by hand, and for every order in which metrics can arrive.

use super::*;
use kernels::rng::{Key, Purpose, Stream};
use std::collections::BTreeSet;

/// A search with the metric that each trial will have on each rung.
struct World {
    search: Search,
    metrics: Known,
}

fn leg(trial: usize, rung: usize, from: usize, to: usize) -> Leg {
    Leg { trial, rung, from, to }
}

impl World {
    /// Metrics of few different values, so that there are ties, and some NaN.
    fn drawn(search: Search, seed: u64) -> Self {
        let mut stream = Key::new(seed, Purpose::Test).stream(0);
        let mut metrics = Known::new();
        for trial in 0..search.trials() {
            for rung in 0..search.rungs(trial).len() {
                let x = stream.below(9);
                metrics.insert((trial, rung), if x == 8 { f64::NAN } else { x as f64 / 8.0 });
            }
        }
        Self { search, metrics }
    }

    fn learn(&self, known: &mut Known, leg: &Leg) {
        let key = (leg.trial, leg.rung);
        assert_eq!(known.insert(key, self.metrics[&key]), None, "{leg:?} was run twice");
    }

    /// The outcome and what was run for it, one leg after another.
    fn outcome(&self) -> (Seen, BTreeSet<(usize, usize)>) {
        let mut known = Known::new();
        loop {
            match self.search.next(&known) {
                Next::Run(legs) => self.learn(&mut known, &legs[0]),
                Next::Done(best) => return (best, known.into_keys().collect()),
            }
        }
    }

    /// The same with `workers` real ones, whose legs last as the stream has it.
    fn race(&self, workers: usize, stream: &mut Stream) -> (Seen, BTreeSet<(usize, usize)>) {
        let (mut known, mut busy) = (Known::new(), Vec::<Leg>::new());
        loop {
            match self.search.next(&known) {
                Next::Run(legs) => {
                    let free: Vec<Leg> = legs.into_iter().filter(|l| !busy.contains(l)).collect();
                    busy.extend(free.into_iter().take(workers - busy.len()));
                    let ended = busy.swap_remove(stream.below(busy.len() as u64) as usize);
                    self.learn(&mut known, &ended);
                }
                Next::Done(best) => {
                    assert!(busy.is_empty(), "{busy:?} was run for nothing");
                    return (best, known.into_keys().collect());
                }
            }
        }
    }
}

fn same(a: &Seen, b: &Seen) -> bool {
    (a.trial, a.epochs, a.metric.to_bits()) == (b.trial, b.epochs, b.metric.to_bits())
}

/// Twelve trials on three rungs, which 16 would have.
fn twelve() -> Search {
    let bracket = Bracket { trials: 0..12, workers: 4, rungs: vec![1, 4, 16] };
    Search { brackets: vec![bracket], direction: Direction::Lower }
}

/// Six trials of 16 epochs: rungs at 4 and 16 epochs.
///
/// | time | ends | rung 0, best first | then |
/// |---|---|---|---|
/// | 0 | | | 0, 1, 2, 3 begin |
/// | 4 | 0 (.5) | 0 | 4 begins |
/// | 4 | 1 (.2) | 1 0 | 5 begins |
/// | 4 | 2 (.4) | 1 2 0 | no trial is left: the worker rests |
/// | 4 | 3 (.3) | 1 3 2 0 | 1 is the best of four: promoted, until 16 |
/// | 8 | 4 (.1) | 4 1 3 2 0 | 4 is the best of five: promoted, until 20 |
/// | 8 | 5 (NaN) | 4 1 3 2 0 5 | 4 of six is promoted already |
/// | 16 | 1 (.15) | | top rung |
/// | 20 | 4 (.25) | | over: the best seen is 4 on rung 0 |
#[test]
fn an_example_by_hand() {
    let search = Search::new(16, 6, Mode::Aggressive, Direction::Lower);
    let firsts = |trials: std::ops::Range<usize>| -> Vec<Leg> { trials.map(|t| leg(t, 0, 0, 4)).collect() };
    let mut known = Known::new();
    assert_eq!(search.next(&known), Next::Run(firsts(0..6)));
    // Trial 3 is promoted by nobody's grace while trial 0 is awaited.
    known.extend([((1, 0), 0.2), ((2, 0), 0.4), ((3, 0), 0.3)]);
    assert_eq!(search.next(&known), Next::Run(vec![leg(0, 0, 0, 4), leg(4, 0, 0, 4), leg(5, 0, 0, 4)]));
    known.insert((0, 0), 0.5);
    assert_eq!(search.next(&known), Next::Run(vec![leg(4, 0, 0, 4), leg(5, 0, 0, 4), leg(1, 1, 4, 16)]));
    // What is not yet asked for changes nothing.
    known.insert((4, 1), 0.25);
    assert_eq!(search.next(&known), Next::Run(vec![leg(4, 0, 0, 4), leg(5, 0, 0, 4), leg(1, 1, 4, 16)]));
    known.insert((5, 0), f64::NAN);
    assert_eq!(search.next(&known), Next::Run(vec![leg(4, 0, 0, 4), leg(1, 1, 4, 16)]));
    known.insert((4, 0), 0.1);
    assert_eq!(search.next(&known), Next::Run(vec![leg(1, 1, 4, 16)]));
    known.insert((1, 1), 0.15);
    assert_eq!(search.next(&known), Next::Done(Seen { trial: 4, epochs: 4, metric: 0.1 }));
}

#[test]
fn higher_is_better_where_the_task_says_so_and_ties_go_to_the_smaller_number() {
    for (direction, best) in [(Direction::Lower, 2), (Direction::Higher, 1)] {
        let search = Search::new(3, 6, Mode::Aggressive, direction);
        let metrics = [f64::NAN, 0.75, 0.25, 0.25, 0.75, f64::NAN];
        let known = metrics.into_iter().enumerate().map(|(t, m)| ((t, 0), m)).collect();
        assert!(matches!(search.next(&known), Next::Done(seen) if seen.trial == best && seen.epochs == 3));
    }
    let search = Search::new(1, 3, Mode::Aggressive, Direction::Higher);
    let known = (0..3).map(|t| ((t, 0), f64::NAN)).collect();
    assert!(matches!(search.next(&known), Next::Done(seen) if seen.trial == 0));
}

/// Every order: whatever is offered may arrive next, so all sets of metrics that can be known at some moment are visited.
/// In each of them the legs offered are ones that the outcome needs, and a leg once offered is offered until it is known;
/// so no order leads elsewhere. Any number of real workers runs some of what is offered: their orders are among these.
#[test]
fn every_order_of_twelve_trials_has_one_outcome() {
    let bit = |leg: &Leg| 1u64 << (3 * leg.trial + leg.rung);
    let (mut tops, mut sets) = (0, 0);
    for seed in 0..8 {
        let mut world = World::drawn(twelve(), seed);
        if seed % 2 == 1 {
            // Each is better than those before, so that many are promoted.
            world.metrics.extend((0..12).map(|t| ((t, 0), -(t as f64))));
        }
        let whole = world.outcome();
        let needed = whole.1.iter().fold(0, |set, (trial, rung)| set | 1 << (3 * trial + rung));
        tops += whole.1.iter().filter(|(_, rung)| *rung == 2).count();
        // Sets of what is known, each with the legs that are offered still.
        let mut visited = BTreeSet::from([0u64]);
        let mut open: Vec<(u64, Vec<Leg>)> = vec![(0, Vec::new())];
        let mut ends = 0;
        while let Some((set, before)) = open.pop() {
            let known = world.metrics.iter().filter(|((t, r), _)| set >> (3 * t + r) & 1 == 1);
            match world.search.next(&known.map(|(k, m)| (*k, *m)).collect()) {
                Next::Run(legs) => {
                    assert!(!legs.is_empty());
                    assert!(before.iter().all(|l| legs.contains(l)), "{before:?} became {legs:?}");
                    for leg in &legs {
                        assert!(needed & bit(leg) != 0 && set & bit(leg) == 0, "{leg:?} after {set:b}");
                        if visited.insert(set | bit(leg)) {
                            open.push((set | bit(leg), legs.iter().copied().filter(|l| l != leg).collect()));
                        }
                    }
                }
                Next::Done(best) => {
                    ends += 1;
                    assert_eq!(set, needed);
                    assert!(same(&best, &whole.0));
                }
            }
        }
        assert_eq!(ends, 1);
        sets += visited.len();
    }
    assert!(sets > 8 << 12 && tops > 8, "{sets} sets, {tops} trials at the top");
}

/// Of larger searches, the benchmark's among them, seeded orders for one to eight workers.
#[test]
fn any_number_of_workers_has_one_outcome() {
    let searches = [
        twelve(),
        Search::new(200, 16, Mode::Standard, Direction::Lower),
        Search::new(200, 28, Mode::Aggressive, Direction::Higher),
        Search::new(200, 70, Mode::Standard, Direction::Higher),
        Search::new(5, 9, Mode::Aggressive, Direction::Lower),
        Search::new(1, 5, Mode::Standard, Direction::Lower),
    ];
    for (i, search) in searches.into_iter().enumerate() {
        for seed in 0..8 {
            let world = World::drawn(search.clone(), seed);
            let whole = world.outcome();
            assert_eq!(whole.1.iter().filter(|(_, rung)| *rung == 0).count(), search.trials());
            let mut stream = Key::new(seed, Purpose::Test).stream(1 + i as u64);
            for workers in 1..=8 {
                for _ in 0..4 {
                    let (best, run) = world.race(workers, &mut stream);
                    assert!(same(&best, &whole.0) && run == whole.1, "search {i}, {workers} workers");
                }
            }
        }
    }
}

/// Determined's own rule, written as it decides: a new result among the best n / 4 is promoted at once; else, when n / 4
/// has just grown, the one that it grew by, unless it was promoted. Nobody waits for a moment at which two could be.
#[test]
fn a_rung_never_owes_two_promotions() {
    for seed in 0..50 {
        let mut stream = Key::new(seed, Purpose::Test).stream(99);
        let mut rung: Vec<(u64, bool)> = Vec::new();
        for _ in 0..200 {
            let (new, old_good, good) = (stream.below(1000), rung.len() / 4, (rung.len() + 1) / 4);
            let at = rung.partition_point(|(x, _)| *x <= new);
            rung.insert(at, (new, false));
            let owed: Vec<usize> = (0..good).filter(|&i| !rung[i].1).collect();
            let theirs = if at < good {
                vec![at]
            } else if good != old_good && !rung[old_good].1 {
                vec![old_good]
            } else {
                Vec::new()
            };
            assert_eq!(owed, theirs);
            owed.into_iter().for_each(|i| rung[i].1 = true);
        }
    }
}

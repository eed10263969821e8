//! What the search does, step by step and as a whole.

use kernels::rng::{Key, Purpose, Stream};
use kernels::{Device, Tensor as Value};
use nn::{Builder, Checkpoint, Params};
use serde_json::json;
use tasks::Kind;

use super::cost::{CostTerm, Costs};
use super::search::{Mover, Search, moves};
use super::space::{Grid, Operation, Path};
use super::supernet::{Rules, Supernet};
use super::tests::{every_path, facts, small, stream};
use super::viterbi;
use crate::bilevel::{Step, Subnet, Supernet as _};
use crate::method::Problem;

#[test]
fn the_architecture_moves_from_the_twelfth_of_seventy_epochs() {
    let first = |epochs| (0..epochs).position(|e| moves(e, epochs));
    assert_eq!((first(70), first(35), first(7), first(2), first(1)), (Some(11), Some(6), Some(2), Some(1), None));
}

/// Losses made up of a number a link and an operation, so that every path's is known. One way is planted: each of its links is
/// better than any other by at least one half.
fn made_up(grid: &Grid, stream: &mut Stream) -> Costs {
    let way = grid.way(stream.below(grid.paths()));
    let planted = |from: usize, to: usize| {
        let next = match (from, way.iter().position(|&n| n == from)) {
            (0, _) => way.first(),
            (_, Some(at)) => way.get(at + 1),
            _ => return false,
        };
        to == next.copied().unwrap_or(grid.end())
    };
    let mut draw = || stream.uniform64() - 0.5;
    let links = |i: usize| grid.links(i).iter().map(|l| draw() - if planted(i, l.to) { 1.5 } else { 0.0 }).collect();
    let links = (0..grid.end()).map(links).collect();
    Costs {
        fixed: 3.0,
        links,
        stacks: grid.nodes().iter().map(|n| (0..n.layers).map(|_| [draw(), draw()]).collect()).collect(),
    }
}

/// The architecture's own steps on the exact gradient of the expected loss; gives the derived path.
fn searched(grid: &Grid, losses: &Costs, costs: &Costs, term: CostTerm, seed: u64) -> Path {
    let mut params = Params::new();
    let at = &mut Builder::new(&mut params, seed);
    let net = Supernet::new(grid.clone(), Rules::CORRECTED, Kind::Point2d, 3, 10, at);
    let mut mover = Mover::new(costs.clone(), term).unwrap();
    mover.rate = 0.01;
    for _ in 0..1_500 {
        params.zero_grad();
        let (_, gradient) = losses.expected(grid, &net.relaxed(&params), 1.0);
        net.add_gradient(&mut params, &gradient);
        mover.step(&net, &mut params);
    }
    viterbi::derive(grid, &net.relaxed(&params))
}

/// One way through the grid is planted; operations are as they come, and the cost argues for skips and narrow blocks. What the
/// search derives is the best of all architectures by brute force, in every case.
///
/// (Without a way that is better from its first link on the search is myopic: while nothing is decided, a node is judged by the
/// mean of what comes after it. With links drawn as operations are, 8 of these 15 were the best itself, the others within a
/// tenth of the distance between the best and the mean.)
#[test]
#[allow(clippy::print_stdout)] // beside what was found, as many random paths as there are ways
fn a_search_finds_the_best_of_all_architectures() {
    let grid = small();
    let costs = Costs::new(&grid, Kind::Point2d, &[16, 16, 3], 10, 1);
    let paths = every_path(&grid);
    let (mut wrong, mut optima) = (Vec::new(), Vec::new());
    for weight in [0.0, 0.2, 2.0] {
        let term = CostTerm { weight, ..CostTerm::PUBLISHED };
        for seed in 0..5 {
            let losses = made_up(&grid, &mut stream(seed));
            let loss = |p: &Path| losses.path(&grid, p) + term.of(costs.path(&grid, p));
            let best = paths.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
            let found = searched(&grid, &losses, &costs, term, seed);
            let mut random = stream(100 + seed);
            let drawn: Vec<f64> = (0..grid.paths()).map(|_| loss(&grid.draw(&mut random))).collect();
            let luckiest = drawn.iter().copied().fold(f64::INFINITY, |m, x| if x < m { x } else { m });
            let mean = drawn.iter().fold(0.0, |s, x| s + x) / drawn.len() as f64;
            println!(
                "cost weight {weight}, seed {seed}: best of {} {:.3}, found {:.3}; {} random paths: best {luckiest:.3}, \
                 mean {mean:.3}",
                paths.len(),
                loss(best),
                loss(&found),
                drawn.len()
            );
            if found != *best {
                wrong.push(format!("weight {weight}, seed {seed}: {found:?}, not {best:?}"));
            }
            optima.push(costs.path(&grid, best));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        (0..5).all(|i| optima[10 + i] <= optima[i]),
        "the more the cost counts, the cheaper the best is: {optima:?}"
    );
    assert!((0..5).any(|i| optima[10 + i] < optima[i]), "the cost decides somewhere: {optima:?}");
}

#[test]
fn a_step_keeps_the_sum_of_the_exponentials_of_every_layer() {
    let grid = small();
    let mut params = Params::new();
    let at = &mut Builder::new(&mut params, 1);
    let net = Supernet::new(grid.clone(), Rules::CORRECTED, Kind::Point2d, 3, 10, at);
    let costs = Costs::new(&grid, Kind::Point2d, &[16, 16, 3], 10, 1);
    let mut mover = Mover::new(costs, CostTerm { weight: 1.0, base: 10.0 }).unwrap();
    let sums = |params: &Params| -> Vec<f64> {
        let w = net.architecture_weights(params);
        w.stacks.iter().flatten().map(|w| w.iter().map(|x| kernels::math::exp(*x)).sum()).collect()
    };
    let (before, old) = (sums(&params), net.architecture_weights(&params));
    for _ in 0..20 {
        params.zero_grad();
        mover.step(&net, &mut params);
    }
    let new = net.architecture_weights(&params);
    assert!(before.iter().zip(sums(&params)).all(|(a, b)| (a - b).abs() < 1e-5), "{before:?}");
    assert!(new.stacks.iter().flatten().zip(old.stacks.iter().flatten()).all(|(n, o)| n[1] > o[1] && n[0] < o[0]));
    assert!(new.links != old.links);
}

/// A small search on made-up series, and a batch for both of its steps.
struct Small {
    problem: Problem,
    x: Value,
    y: Value,
}

impl Small {
    fn new() -> Self {
        let mut s = stream(0);
        let x: Vec<f32> = (0..8 * 46).map(|_| s.normal() as f32).collect();
        let y: Vec<i32> = (0..8).map(|i| i * 3).collect();
        let problem = Problem::planned(facts("satellite"));
        Self { problem, x: Value::from_slice([8, 46, 1], &x), y: Value::from_ints([8], &y) }
    }

    fn search(&self) -> Search<'_> {
        let grid = Grid::of(self.problem.facts, 0.25, 0.1);
        Search::new(&self.problem, grid, CostTerm::PUBLISHED, (2, 0.05), 0, Device::Cpu).unwrap()
    }

    fn step(&self, search: &mut Search<'_>, epoch: usize, step: usize) -> f32 {
        let key = Key::new(0, Purpose::Search).at(epoch as u64, step as u64);
        let both = (&self.x, &self.y);
        search.step(&Step { epoch, epochs: 2, step, steps: 8, key, weights: both, arch: both }).unwrap()
    }
}

/// The digest of everything that a search goes on from.
fn state(search: &Search<'_>) -> Vec<u8> {
    let mut checkpoint = Checkpoint::new(json!({}));
    search.save(&mut checkpoint);
    checkpoint.to_bytes()
}

#[test]
fn weights_move_first_then_both() {
    let small = Small::new();
    let mut search = small.search();
    let begun = search.relaxed();
    let first = small.step(&mut search, 0, 0);
    assert_eq!(search.relaxed(), begun, "in the first epoch the weights alone");
    (1..8).for_each(|i| _ = small.step(&mut search, 0, i));
    let moved = small.step(&mut search, 1, 0);
    assert_ne!(search.relaxed(), begun);
    assert!(moved < first, "{first} to {moved}");
}

#[test]
fn a_search_goes_on_from_its_checkpoint() {
    let small = Small::new();
    let mut search = small.search();
    for (epoch, step) in [(0, 0), (1, 0), (1, 1)] {
        small.step(&mut search, epoch, step);
    }
    let file = Checkpoint::from_bytes(&state(&search)).unwrap();
    small.step(&mut search, 1, 2);
    let mut again = small.search();
    again.load(&file).unwrap();
    small.step(&mut again, 1, 2);
    assert!(state(&again) == state(&search));
    assert_eq!((again.log(), again.derive()), (search.log(), search.derive()));
}

#[test]
fn losses_of_single_architectures_leave_the_search_alone() {
    let small = Small::new();
    let mut search = small.search();
    small.step(&mut search, 1, 0);
    let before = state(&search);
    let derived = search.subnet_loss(Subnet::Derived, &small.x, &small.y).unwrap();
    let mut random = stream(5);
    let drawn = search.subnet_loss(Subnet::Random(&mut random), &small.x, &small.y).unwrap();
    assert!(derived.is_finite() && drawn.is_finite() && derived != drawn);
    assert!(state(&search) == before);
    assert_eq!(search.subnet_loss(Subnet::Derived, &small.x, &small.y).unwrap(), derived);
}

#[test]
fn the_log_says_what_the_architecture_is() {
    let small = Small::new();
    let mut search = small.search();
    assert_eq!(search.warning(), None);
    (0..2).for_each(|i| _ = small.step(&mut search, 1, i));
    let log = search.log();
    assert_eq!(log["betas"].as_array().unwrap().len(), 14);
    assert_eq!(log["derived"], search.derive());
    let path = search.path();
    let skips = path.0.iter().flat_map(|s| &s.stack).filter(|o| **o == Operation::Skip).count();
    assert_eq!(log["skips"]["path"], skips);
    let (links, layers) = (log["entropy"]["links"].as_f64().unwrap(), log["entropy"]["operations"].as_f64().unwrap());
    assert!(links > 1.0 && (layers - std::f64::consts::LN_2).abs() < 1e-3, "near uniform: {links} {layers}");
    assert!(log["expected_mega_multiply_adds"].as_f64().unwrap() > 0.0);
}

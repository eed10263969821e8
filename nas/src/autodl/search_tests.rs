//! What the search does, step by step and as a whole.

use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::Checkpoint;
use serde_json::json;

use super::search::{Search, moves};
use super::supernet::SupernetSpec;
use super::tests::stream;
use crate::bilevel::{Step, Subnet, Supernet as _};
use crate::method::Problem;

#[test]
fn the_architecture_moves_from_the_twenty_first_of_forty_epochs() {
    let first = |epochs| (0..epochs).position(|e| moves(e, epochs));
    assert_eq!((first(40), first(7), first(2), first(1)), (Some(20), Some(3), Some(1), Some(0)));
}

/// A small search on made-up maps, and a batch for both of its steps.
struct Small {
    problem: Problem,
    x: Value,
    y: Value,
}

impl Small {
    fn new() -> Self {
        let mut s = stream(0);
        let mut normal = |shape: [usize; 4]| {
            let mut t = Value::uninit(shape);
            t.data_mut().fill_with(|| s.normal() as f32);
            t
        };
        let (x, y) = (normal([2, 40, 40, 3]), normal([2, 40, 40, 1]));
        let facts = tasks::by_name("darcy").unwrap().facts();
        Self { problem: Problem::planned(facts), x, y }
    }

    fn search(&self) -> Search<'_> {
        let spec = SupernetSpec { filters: 1, layers: 3, ..SupernetSpec::new(3, 1) };
        Search::new(&self.problem, spec, (2, 0.01), 4, 0, Device::Cpu).unwrap()
    }

    fn step(&self, search: &mut Search<'_>, epoch: usize, step: usize) -> f32 {
        let key = Key::new(0, Purpose::Search).at(epoch as u64, step as u64);
        let both = (&self.x, &self.y);
        search.step(&Step { epoch, epochs: 2, step, steps: 4, key, weights: both, arch: both }).unwrap()
    }
}

/// Everything that a search goes on from.
fn state(search: &Search<'_>) -> Vec<u8> {
    let mut checkpoint = Checkpoint::new(json!({}));
    search.save(&mut checkpoint);
    checkpoint.to_bytes()
}

#[test]
fn weights_move_first_then_both() {
    let small = Small::new();
    let mut search = small.search();
    let weights = |search: &Search<'_>| search.log()["alphas"].clone();
    let begun = weights(&search);
    let first = small.step(&mut search, 0, 0);
    assert_eq!(weights(&search), begun, "in the first half the weights alone");
    let (mut last, before) = (first, state(&search));
    (1..4).for_each(|i| last = small.step(&mut search, 0, i));
    assert!(last < first && state(&search) != before, "{first} to {last}");
    small.step(&mut search, 1, 0);
    assert_ne!(weights(&search), begun);
    let rates = [(0, 0), (1, 3)].map(|(epoch, step)| search.rate(epoch, step, 4));
    assert!((rates[0] - 0.01).abs() < 1e-9 && (0.001..0.0015).contains(&rates[1]), "a cosine by step: {rates:?}");
}

#[test]
fn a_search_goes_on_from_its_checkpoint() {
    let small = Small::new();
    let mut search = small.search();
    for (epoch, step) in [(0, 0), (1, 0)] {
        small.step(&mut search, epoch, step);
    }
    let file = Checkpoint::from_bytes(&state(&search)).unwrap();
    small.step(&mut search, 1, 1);
    let mut again = small.search();
    again.load(&file).unwrap();
    small.step(&mut again, 1, 1);
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
    let search = small.search();
    let log = search.log();
    assert_eq!((log["alphas"].as_array().unwrap().len(), log["betas"].as_array().unwrap().len()), (20, 3));
    assert_eq!(log["derived"], search.derive());
    let (operations, steps) =
        (log["entropy"]["operations"].as_f64().unwrap(), log["entropy"]["steps"].as_f64().unwrap());
    let (eight, three) = (kernels::math::ln(8.0), kernels::math::ln(3.0));
    assert!(
        (operations - eight).abs() < 1e-3 && steps < three && steps > 0.5 * three,
        "near uniform: {operations} {steps}"
    );
    let count = |o| search.architecture().count(o) as u64;
    assert_eq!(log["skips"], count(crate::gaea::Operation::Skip));
    assert_eq!(log["nones"], count(crate::gaea::Operation::None));
}

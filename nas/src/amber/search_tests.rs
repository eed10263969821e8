//! A planted architecture is found; training lowers the loss; a whole small search in its folder, interrupted anywhere, finds
//! the same.

use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use serde_json::Value as Json;
use tasks::Sizes;

use super::child::Child;
use super::reward::Reward;
use super::space::{OPERATIONS, token_count};
use super::*;
use crate::method::Problem;
use crate::toy::{Mortal, Toy};

/// Two classes of series of 24 places.
fn problem() -> Problem {
    let mut problem = Problem::planned(tasks::by_name("satellite").unwrap().facts());
    (problem.input, problem.outputs) = (vec![24, 1], 2);
    problem
}

fn normal(n: usize, seed: u64) -> Value {
    let mut stream = Key::new(seed, Purpose::Test).stream(0);
    let numbers: Vec<f32> = (0..24 * n).map(|_| stream.normal() as f32).collect();
    Value::from_slice([n, 24, 1], &numbers)
}

fn every(layers: usize) -> Vec<Sequence> {
    let digits: Vec<usize> = (0..layers).flat_map(|i| [vec![OPERATIONS.len()], vec![2; i]].concat()).collect();
    assert_eq!(digits.len(), token_count(layers));
    let count: usize = digits.iter().product();
    let tokens = |mut n: usize| {
        let each = digits.iter().map(|d| {
            let token = n % d;
            n /= d;
            token
        });
        each.collect::<Vec<_>>()
    };
    (0..count).map(|n| Sequence::from_tokens(&tokens(n)).unwrap()).collect()
}

/// Labels are what one architecture of a supernet says, so it is worth 1. The rewards see that, and the controller that learns
/// from them comes to prefer it.
#[test]
fn a_planted_architecture_is_worth_most_and_the_controller_finds_it() {
    let stages = Stages { layers: vec![2], widths: vec![4] };
    let (problem, all) = (problem(), every(2));
    for (seed, planted) in [(0, [3, 5]), (1, [0, 2])] {
        let right = Sequence { operations: planted.to_vec(), skips: vec![vec![], vec![true]] };
        let mut child = Child::new(&problem, &stages, 8, 0.0, seed, Device::Cpu).unwrap();
        let x = normal(128, seed);
        let said = child.outputs(&x, &right).unwrap();
        let surplus: Vec<f32> = said.data().chunks_exact(2).map(|v| v[1] - v[0]).collect();
        let mut sorted = surplus.clone();
        sorted.sort_by(f32::total_cmp);
        let labels: Vec<i32> = surplus.iter().map(|v| i32::from(*v > sorted[63])).collect();
        let labels = Value::from_ints([128], &labels);
        let mut worth = |sequence: &Sequence| {
            let mut reward = Reward::default();
            reward.add(&child.outputs(&x, sequence).unwrap(), &labels);
            reward.value()
        };
        let rewards: Vec<f64> = all.iter().map(&mut worth).collect();
        for (sequence, reward) in all.iter().zip(&rewards) {
            assert!((*reward == 1.0) == (*sequence == right), "seed {seed}: {sequence} {reward}");
        }
        let (mut controller, mut reinforce) = (Controller::new(2, seed), Reinforce::default());
        let mut means = Vec::new();
        for episode in 0..16 {
            let key = Key::new(seed, Purpose::Search).at(episode, u64::MAX);
            let sampled = controller.sample(key, 60);
            let at = |s: &Sequence| rewards[all.iter().position(|a| a == s).unwrap()];
            let seen: Vec<f64> = sampled.iter().map(at).collect();
            means.push(reinforce.episode(&mut controller, key, &sampled, &seen).unwrap().reward);
        }
        let looked = controller.sample(Key::new(9, Purpose::Test), 50);
        let p = controller.probabilities(&looked).unwrap();
        for (layer, o) in planted.into_iter().enumerate() {
            // At first a seventh.
            assert!(p.operations[layer][o] > 0.28, "seed {seed}, layer {layer}: {:?}", p.operations[layer]);
        }
        assert!(means[15] > means[0] + 0.05, "seed {seed}: {means:?}");
    }
}

/// Through architectures at random the shared weights learn what tells two classes apart, and then every architecture that does
/// not throw it away is worth something.
#[test]
fn shared_weights_learn() {
    let stages = Stages { layers: vec![1, 1], widths: vec![4, 8] };
    let problem = problem();
    let mut child = Child::new(&problem, &stages, 16, 0.1, 0, Device::Cpu).unwrap();
    // Class 1 rises where class 0 falls.
    let data = |seed: u64| {
        let mut x = normal(64, seed);
        let labels: Vec<i32> = (0..64).map(|i| i % 2).collect();
        for (row, class) in x.data_mut().chunks_exact_mut(24).zip(&labels) {
            let slope = if *class == 1 { 0.1 } else { -0.1 };
            row.iter_mut().enumerate().for_each(|(i, v)| *v += slope * (i as f32 - 11.5));
        }
        (x, Value::from_ints([64], &labels))
    };
    let mut losses = Vec::new();
    for step in 0..300 {
        let key = Key::new(0, Purpose::Search).at(0, step);
        let (x, y) = data(step);
        let sequence = Sequence::draw(2, &mut key.stream(0));
        losses.push(child.fit(key, &x, &y, &sequence, 1e-2).unwrap());
    }
    let mean = |part: &[f32]| part.iter().fold(0.0, |s, v| s + v) / part.len() as f32;
    let means: Vec<f32> = losses.chunks(30).map(mean).collect();
    let mut worth = Vec::new();
    let (x, y) = data(1_000);
    for i in 0..5 {
        let mut reward = Reward::default();
        let sequence = Sequence::draw(2, &mut Key::new(1, Purpose::Test).stream(i));
        reward.add(&child.outputs(&x, &sequence).unwrap(), &y);
        worth.push((sequence.to_string(), reward.value()));
    }
    assert!(means[9] < 0.6 * means[0] && worth.iter().all(|w| w.1 > 0.9), "{means:?}, {worth:?}");
}

/// A search of a few steps.
fn toy() -> Toy {
    let own = [
        ("search_batch", 8.0),
        ("episodes", 2.0),
        ("episode_steps", 2.0),
        ("episode_architectures", 3.0),
        ("width", 0.03),
    ];
    Toy::new(&Amber, Sizes { train: 24, val: 16, test: 1 }, &own)
}

#[test]
fn a_search_finds_the_same_however_often_it_dies() {
    let toy = toy();
    let whole = toy.search("whole", &mut Mortal(usize::MAX)).unwrap();
    let branches = Branches::read(&whole.network).unwrap();
    assert_eq!((branches.stages.widths.clone(), branches.dense), (vec![2, 4, 8, 16], 3));
    let form = crate::arch::Form { kind: Kind::Series, input: vec![46, 1], outputs: 24 };
    crate::arch::Arch::new("amber", "satellite", &form, whole.clone()).unwrap();

    let lines = String::from_utf8(toy.file("whole", "metrics.jsonl")).unwrap();
    let lines: Vec<Json> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((lines.len(), lines[1]["epoch"].as_u64()), (2, Some(2)));
    let mut history = Vec::new();
    for line in &lines {
        for trial in line["architectures"].as_array().unwrap() {
            let (tokens, reward) = (trial[0].as_str().unwrap().to_owned(), trial[1].as_f64().unwrap());
            assert_eq!(tokens.len(), 78);
            history.push((tokens, reward));
        }
    }
    assert_eq!(history.len(), 6);
    let best = history.iter().fold(&history[0], |b, t| if t.1 > b.1 { t } else { b });
    assert_eq!(lines[1]["best"]["architecture"], best.0.as_str());
    assert_eq!(lines[1]["best"]["reward"], best.1);
    let digits: String = branches.sequence.tokens().iter().map(ToString::to_string).collect();
    assert_eq!(digits, best.0);
    assert_eq!(lines[1]["reward"]["baseline"], lines[0]["reward"]["mean"]);

    let mut deaths = 0;
    let found = loop {
        match toy.search("often", &mut Mortal(3)) {
            Ok(found) => break found,
            Err(_) => deaths += 1,
        }
    };
    assert!(deaths >= 3, "it died {deaths} times");
    assert_eq!(found, whole);
    for file in ["metrics.jsonl", "checkpoint.safetensors"] {
        assert!(toy.file("often", file) == toy.file("whole", file), "{file}");
    }
}

//! Searches that have something to find, and steps of both variants.

mod run;

use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::{Builder, Checkpoint, Mode, Network, Params, Pass, Tape};
use serde_json::json;
use tasks::Kind;

use super::space::{Cell, Choice, EDGES, NODES, OPERATIONS};
use super::supernet::{Supernet, SupernetSpec};
use super::*;
use crate::bilevel::{Step, Subnet};
use crate::method::Problem;

/// Sums of relative errors over a batch.
fn problem() -> Problem {
    Problem::planned(tasks::by_name("darcy").unwrap().facts())
}

fn normal(shape: &[usize], seed: u64, index: u64) -> Value {
    let mut stream = Key::new(seed, Purpose::Test).stream(index);
    let mut t = Value::uninit(shape);
    t.data_mut().fill_with(|| stream.normal() as f32);
    t
}

/// One cell of images, an answer a place.
fn one_cell() -> SupernetSpec {
    SupernetSpec { channels: 8, layers: 1, fraction: 2, ..SupernetSpec::new(Kind::Dense2d, 3, 1) }
}

fn all(operation: Operation) -> Genotype {
    let pair = [0, 1].map(|source| Choice { operation, source });
    let normal: Cell = [pair; NODES];
    Genotype { normal, reduce: None }
}

/// How many of the 8 choices are this operation.
fn agreement(genotype: &Genotype, operation: Operation) -> usize {
    genotype.normal.iter().flatten().filter(|c| c.operation == operation).count()
}

/// Searches where the targets come from a network that has one operation everywhere. The supernet begins with that
/// network's weights, so what is to be found is which operations they belong to.
fn search_for(planted: Operation, seed: u64, steps: usize) -> (Genotype, Mixed) {
    let problem = problem();
    let mut params = Params::new();
    let teacher = Supernet::new(&mut Builder::new(&mut params, seed), one_cell());
    let genotype = all(planted);
    let taught = teacher.only(&genotype);
    let mut tape = Tape::new();
    let update = WeightUpdate::new(0.01, 1);
    let mut search =
        Search::new(&problem, one_cell(), Variant::ORIGINAL, update, json!({}), seed, Device::Cpu).unwrap();
    for step in 0..steps {
        let mut batch = |index: usize| {
            let x = normal(&[8, 8, 8, 3], seed, index as u64);
            let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(Key::new(0, Purpose::Dropout)));
            pass.tape.pause(true);
            let y = taught.forward(&mut pass, &x.clone().into()).unwrap().into_value();
            (x, y)
        };
        let (weights, arch) = (batch(2 * step), batch(2 * step + 1));
        let key = Key::new(seed, Purpose::Search).at(0, step as u64);
        let (weights, arch) = ((&weights.0, &weights.1), (&arch.0, &arch.1));
        search.step(&Step { epoch: 0, epochs: 1, step, steps, key, weights, arch }).unwrap();
    }
    (search.genotype(), search.mixed().0)
}

#[test]
#[allow(clippy::print_stdout, reason = "kept by the harness, shown if the test fails")]
fn a_planted_operation_is_found_for_every_seed() {
    use Operation::{DilConv3, DilConv5, MaxPool3, SepConv3, SepConv5};
    let mut wrong = Vec::new();
    for (seed, planted) in [SepConv3, MaxPool3, DilConv5, SepConv5, DilConv3].into_iter().enumerate() {
        let (found, mixed) = search_for(planted, seed as u64, 25);
        let random = Genotype::random(&mut Key::new(seed as u64, Purpose::Test).stream(u64::MAX), false);
        let means: [f64; OPERATIONS] =
            std::array::from_fn(|o| mixed.operations.iter().fold(0.0, |s, row| s + row[o] / EDGES as f64));
        let [hits, chance] = [&found, &random].map(|g| agreement(g, planted));
        println!(
            "seed {seed}: {planted} on {hits} of 8 edges, a random genotype has it on {chance}; means {means:.3?}"
        );
        let strongest = (0..OPERATIONS).all(|o| o == planted.index() || means[o] < means[planted.index()]);
        if hits < 6 || !strongest {
            wrong.push(format!("seed {seed}: {planted} on {hits} of 8 edges, means {means:.3?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A small search with both kinds of cells.
fn two_cells(problem: &Problem, variant: Variant) -> Search<'_> {
    let spec = SupernetSpec { channels: 4, layers: 3, ..SupernetSpec::new(Kind::Point2d, 3, 2) };
    Search::new(problem, spec, variant, WeightUpdate::new(0.1, 20), json!({"family": "cells"}), 0, Device::Cpu).unwrap()
}

/// One step on numbers drawn for it.
fn step(search: &mut Search<'_>, epoch: usize, step: usize) -> f32 {
    let batch = |i| (normal(&[4, 6, 7, 3], 0, 2 * step as u64 + i), normal(&[4, 2], 0, 1_000 + 2 * step as u64 + i));
    let (weights, arch) = (batch(0), batch(1));
    let key = Key::new(0, Purpose::Search).at(epoch as u64, step as u64);
    let (weights, arch) = ((&weights.0, &weights.1), (&arch.0, &arch.1));
    search.step(&Step { epoch, epochs: 20, step, steps: 10, key, weights, arch }).unwrap()
}

/// Numbers of an architecture parameter.
fn numbers(search: &Search<'_>, name: &str) -> Vec<f32> {
    search.params().value(search.params().find(name).unwrap()).data().to_vec()
}

fn one(x: f32) -> bool {
    (x - 1.0).abs() < 1e-5
}

#[test]
fn the_original_moves_on_simplices_from_the_first_step() {
    let problem = problem();
    let mut search = two_cells(&problem, Variant::ORIGINAL);
    assert!(numbers(&search, "alphas_normal").iter().all(|&a| a == 0.125));
    assert_eq!(numbers(&search, "betas_reduce")[..5], [0.5, 0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
    assert!(search.mixed().0.entropies().iter().all(|e| (e - 1.0).abs() < 1e-6));
    step(&mut search, 0, 0);
    for kind in ["normal", "reduce"] {
        let alphas = numbers(&search, &format!("alphas_{kind}"));
        assert!(alphas.chunks(8).all(|row| one(row.iter().sum()) && row.iter().any(|&a| a != 0.125)), "{alphas:?}");
        let betas = numbers(&search, &format!("betas_{kind}"));
        assert!((0..NODES).all(|n| one(betas[space::edges_into(n)].iter().sum())), "{betas:?}");
    }
}

#[test]
fn the_benchmarks_moves_from_the_twelfth_epoch_on_and_edges_together() {
    let problem = problem();
    let mut search = two_cells(&problem, Variant::BENCHMARK);
    step(&mut search, 10, 0);
    for name in ["alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"] {
        assert!(numbers(&search, name).iter().all(|&a| a == 1.0), "{name}");
    }
    step(&mut search, 11, 0);
    assert!(numbers(&search, "alphas_normal").chunks(8).all(|row| one(row.iter().sum())));
    assert!(one(numbers(&search, "betas_normal").iter().sum()));
    // Softmax on top: no operation can weigh more than e / (e + 7).
    assert!(search.mixed().0.operations.iter().flatten().all(|&w| w < 0.28));
}

#[test]
fn a_step_of_operations_is_the_originals() {
    let mut params = Params::new();
    let row = Value::full([1, 8], 0.125);
    let id = params.add("alphas", row, nn::Kind::Parameter, nn::Layout::Plain);
    params.set_grad(id, Some(Value::from_slice([1, 8], &[0.5, -0.2, 0.1, 0.0, 0.0, 0.0, -1.0, 0.3])));
    Variant::ORIGINAL.alphas.step(&mut params, id, 0.1);
    let want =
        [0.118_354_85, 0.126_936_55, 0.123_185, 0.124_423_03, 0.124_423_03, 0.124_423_03, 0.137_508_72, 0.120_745_78];
    assert!(params.value(id).data().iter().zip(want).all(|(p, w): (&f32, f32)| (p - w).abs() < 1e-7));
    // A constant in the gradient changes nothing; what dies is kept at the floor.
    params.set_grad(id, Some(Value::full([1, 8], 3.0)));
    Variant::ORIGINAL.alphas.step(&mut params, id, 0.1);
    assert!(params.value(id).data().iter().zip(want).all(|(p, w): (&f32, f32)| (p - w).abs() < 1e-7));
    params.set_grad(id, Some(Value::from_slice([1, 8], &[900.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])));
    Variant::ORIGINAL.alphas.step(&mut params, id, 0.1);
    assert!((params.value(id).data()[0] - 1e-5).abs() < 2e-6);
}

#[test]
fn going_on_from_a_checkpoint_gives_the_same_bits() {
    let problem = problem();
    let mut through = two_cells(&problem, Variant::ORIGINAL);
    (0..2).for_each(|i| _ = step(&mut through, 0, i));
    let mut saved = Checkpoint::new(json!({}));
    through.save(&mut saved);
    let loss = step(&mut through, 1, 2);
    let mut resumed = two_cells(&problem, Variant::ORIGINAL);
    resumed.load(&saved).unwrap();
    assert_eq!(step(&mut resumed, 1, 2).to_bits(), loss.to_bits());
    assert_eq!(resumed.params().digest(), through.params().digest());
    assert_eq!(resumed.log(), through.log());
    let update = WeightUpdate::new(0.1, 1);
    let other = Search::new(&problem, one_cell(), Variant::ORIGINAL, update, json!({}), 0, Device::Cpu);
    assert!(other.unwrap().load(&saved).unwrap_err().to_string().contains("of another network"));
}

#[test]
fn looking_at_a_subnet_moves_nothing() {
    let problem = problem();
    let mut search = two_cells(&problem, Variant::ORIGINAL);
    step(&mut search, 0, 0);
    let before = search.params().digest();
    let (x, y) = (normal(&[4, 6, 7, 3], 3, 0), normal(&[4, 2], 3, 1));
    let derived = search.subnet_loss(Subnet::Derived, &x, &y).unwrap();
    let mut stream = Key::new(0, Purpose::Search).stream(0);
    let random = search.subnet_loss(Subnet::Random(&mut stream), &x, &y).unwrap();
    assert!(derived.is_finite() && random.is_finite() && derived != random);
    assert_eq!(search.subnet_loss(Subnet::Derived, &x, &y).unwrap().to_bits(), derived.to_bits());
    assert_eq!(search.params().digest(), before);
    let found = Genotype::from_json(&search.derive()["genotype"]).unwrap();
    assert_eq!((found.reduce.is_some(), search.derive()["family"].as_str()), (true, Some("cells")));
    assert_eq!(search.log()["genotype"], found.to_json());
}

//! Searches that have something to find, and steps of both variants.

use kernels::Tensor as Value;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Numbers};
use nn::{Builder, Checkpoint, Mode, Network, Params, Pass, Tape};
use serde_json::json;
use tasks::Kind;

use super::space::{Cell, Choice, NODES};
use super::supernet::{Supernet, SupernetSpec};
use super::*;
use crate::bilevel::{Step, Subnet, Supernet as _};
use crate::method::Problem;

/// Sums of relative errors over a batch.
fn problem() -> Problem {
    Problem::planned(tasks::by_name("darcy").unwrap().facts())
}

fn normal(shape: &[usize], seed: u64, index: u64) -> Value {
    let mut stream = Key::new(seed, Purpose::Test).stream(index);
    let mut t = Numbers::uninit(shape);
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

/// Searches where the targets come from a network that has one operation everywhere.
fn search_for(planted: Operation, seed: u64, steps: usize) -> (Genotype, Mixed) {
    let problem = problem();
    let mut params = Params::new();
    let teacher = Supernet::new(&mut Builder::new(&mut params, 1_000 + seed), one_cell());
    let genotype = all(planted);
    let taught = teacher.only(&genotype);
    let mut tape = Tape::new();
    let update = WeightUpdate::new(0.05, 1);
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
        let loss = search.step(&Step { epoch: 0, epochs: 1, step, steps, key, weights, arch }).unwrap();
        if step % 20 == 0 {
            println!("seed {seed}, step {step}: loss {loss}");
        }
    }
    (search.genotype(), search.mixed().0)
}

#[test]
fn a_planted_operation_is_found_for_every_seed() {
    for planted in Operation::ALL.into_iter().skip(1) {
        for seed in 0..2 {
            let (found, mixed) = search_for(planted, seed, 60);
            let random = Genotype::random(&mut Key::new(seed, Purpose::Test).stream(u64::MAX), false);
            let mean = |o: usize| mixed.operations.iter().map(|row| row[o]).sum::<f64>() / 14.0;
            println!(
                "{planted}, seed {seed}: {} of 8, random {} of 8; means {:.3?}\n{found}",
                agreement(&found, planted),
                agreement(&random, planted),
                (0..8).map(mean).collect::<Vec<_>>(),
            );
        }
    }
}

//! Counts, shapes, and what a body computes, against sums written out.

use autograd::Tape;
use kernels::rng::{Key, Purpose};
use kernels::{Device, Tensor as Value};
use nn::{Builder, Mode, Network, Params, Pass, Tensor};
use serde_json::{Value as Json, json};
use tasks::Kind;

use super::space::{self, LAYERS};
use super::stages::{read_after, same};
use super::*;
use crate::arch::{Counts, Form, count};

/// Every layer the same operation; every skip, or none.
fn uniform(operation: usize, skip: bool) -> Sequence {
    Sequence { operations: vec![operation; LAYERS], skips: (0..LAYERS).map(|i| vec![skip; i]).collect() }
}

fn published(sequence: Sequence) -> Branches {
    let (momentum, eps) = (network::MOMENTUM, network::EPS);
    Branches { stages: Stages::published(64), dense: 100, momentum, eps, sequence }
}

#[test]
fn the_supernet_has_the_published_counts() {
    for (task, length, channels, outputs, parameters) in [
        ("ecg", 1000, 1, 4, 10_953_221),
        ("satellite", 46, 1, 24, 7_419_741),
        ("deepsea", 1000, 4, 36, 10_983_621),
        ("all of deepsea", 1000, 4, 919, 11_801_279),
    ] {
        let mut params = Params::new();
        let at = &mut Builder::new(&mut params, 0);
        Supernet::new(&Stages::published(32), supernet::DENSE, [length, channels], outputs, 0.1, at);
        assert_eq!(params.trainable(), parameters, "{task}");
    }
}

#[test]
fn final_networks_have_the_published_counts() {
    let form = Form { kind: Kind::Series, input: vec![1000, 1], outputs: 4 };
    for (operation, parameters) in [(0, 10_588_408), (4, 3_277_048), (6, 2_226_808)] {
        let branches = published(uniform(operation, true));
        let Counts { parameters: counted, multiply_adds } = count(&branches.json(), &form).unwrap();
        assert_eq!((counted, branches.parameters([1000, 1], 4)), (parameters, parameters), "operation {operation}");
        assert!(multiply_adds > 0);
    }
    // Without skips only the last layer of a stage is widened.
    let alone = published(uniform(6, false));
    let widened = 2 * 64 * 128 + 5 * 128 * 256 + 8 * 256 * 512;
    assert_eq!(count(&alone.json(), &form).unwrap().parameters, 2_226_808 - widened);
    for i in 0..6 {
        let branches = published(Sequence::draw(LAYERS, &mut Key::new(0, Purpose::Test).stream(i)));
        assert_eq!(count(&branches.json(), &form).unwrap().parameters, branches.parameters([1000, 1], 4));
    }
}

#[test]
fn lengths_are_rounded_up_and_zeros_go_last() {
    let lengths = |n| (0..4).map(move |s| Stages { layers: vec![1; s + 1], widths: vec![1; s + 1] }.last_length(n));
    assert!(lengths(1000).eq([1000, 250, 63, 16]) && lengths(46).eq([46, 12, 3, 1]));
    assert_eq!([same(1000, 4, 4), same(250, 4, 4), same(63, 4, 4)], [[0, 0], [1, 1], [0, 1]]);
    assert_eq!([same(46, 4, 4), same(12, 4, 4), same(3, 4, 4)], [[1, 1], [0, 0], [0, 1]]);
    assert_eq!([same(46, 4, 1), same(1, 4, 1), same(1, 4, 4)], [[1, 2]; 3]);
    let stages = Stages::published(32);
    assert_eq!((0..LAYERS).filter(|&i| stages.ends(i)).collect::<Vec<_>>(), [2, 5, 8]);
    assert_eq!((0..LAYERS).map(|i| stages.width(i)).max(), Some(256));
}

/// Runs a supernet in evaluation.
fn run(net: &Supernet, params: &mut Params, x: &Value, sequence: &Sequence) -> Value {
    let mut tape = Tape::new();
    let mut pass = Pass::new(&mut tape, params, Mode::Eval);
    net.forward(&mut pass, &x.clone().into(), sequence).unwrap().into_value()
}

#[test]
fn every_operation_and_skip_runs_on_every_length_and_is_a_network_of_its_own() {
    let stages = Stages { layers: vec![1, 2], widths: vec![4, 6] };
    for length in [1, 3, 4, 7, 46] {
        let mut params = Params::new();
        let net = Supernet::new(&stages, 9, [length, 2], 3, 0.1, &mut Builder::new(&mut params, 1));
        let x = Value::from_slice([2, length, 2], &(0..4 * length).map(|i| (i % 5) as f32 - 2.0).collect::<Vec<_>>());
        let mut seen: Vec<Value> = Vec::new();
        for o in 0..7 {
            for bits in 0..8u32 {
                let bit = |b: u32| bits >> b & 1 == 1;
                let skips = vec![vec![], vec![bit(0)], vec![bit(1), bit(2)]];
                let sequence = Sequence { operations: vec![o, 6, 6], skips };
                let y = run(&net, &mut params, &x, &sequence);
                assert_eq!(y.shape()[..], [2, 3]);
                assert!(y.data().iter().all(|v| v.is_finite()));
                seen.push(y);
            }
        }
        // Of so narrow a network some may be dead behind a ReLU.
        let new = |i: usize| !seen[..i].iter().any(|b| seen[i].data() == b.data());
        let different = (0..seen.len()).filter(|&i| new(i)).count();
        assert!(different > 28, "{different} different answers on {length} places");
    }
}

#[test]
fn what_an_architecture_does_not_use_gets_no_gradient_and_keeps_its_statistics() {
    let stages = Stages { layers: vec![2, 1], widths: vec![2, 3] };
    let mut params = Params::new();
    let net = Supernet::new(&stages, 5, [9, 1], 2, 0.1, &mut Builder::new(&mut params, 1));
    let before = params.clone();
    let sequence = Sequence { operations: vec![0, 4, 6], skips: vec![vec![], vec![false], vec![false, true]] };
    let mut tape = Tape::new();
    let key = Key::new(3, Purpose::Dropout);
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Train(key));
    let x = Value::from_slice([3, 9, 1], &(0..27).map(|i| (i * i % 7) as f32 - 3.0).collect::<Vec<_>>());
    let y = net.forward(&mut pass, &x.into(), &sequence).unwrap();
    let loss = nn::Loss::CrossEntropy.of(&mut pass, &y, &Value::from_ints([3], &[0, 1, 1])).unwrap();
    pass.backward(&loss).unwrap();
    let used = |name: &str| {
        !name.starts_with("layers.")
            || ["layers.0.conv_8.", "layers.1.max_pool_4.", "layers.1.norm.", "layers.2.norm."]
                .iter()
                .any(|p| name.starts_with(p))
    };
    for (e, old) in params.entries().iter().zip(before.entries()) {
        let name = e.name();
        if e.kind() == nn::Kind::Buffer {
            assert_eq!(e.value().data() != old.value().data(), used(name), "{name}");
        } else {
            assert_eq!(e.grad().is_some(), used(name) && name != "reductions.1.0.weight", "{name}");
        }
    }
    assert!(read_after(&sequence, 1, 1) && !read_after(&sequence, 1, 0));
}

#[test]
fn a_final_network_with_the_supernets_weights_gives_its_answers() {
    let stages = Stages { layers: vec![2, 2], widths: vec![3, 4] };
    let mut params = Params::new();
    let net = Supernet::new(&stages, 5, [10, 2], 3, 0.0, &mut Builder::new(&mut params, 1));
    let x = Value::from_slice([2, 10, 2], &(0..40).map(|i| (i * i % 11) as f32 - 5.0).collect::<Vec<_>>());
    for i in 0..20 {
        let sequence = Sequence::draw(4, &mut Key::new(0, Purpose::Test).stream(i));
        let branches = Branches { stages: stages.clone(), dense: 5, momentum: 0.1, eps: 1e-5, sequence };
        let mut alone = Params::new();
        let network = branches.build([10, 2], 3, 0.0, &mut Builder::new(&mut alone, 2));
        for i in 0..alone.entries().len() {
            let id = params.find(alone.entries()[i].name()).unwrap();
            alone.set(nn::ParamId(i), params.value(id).clone());
        }
        let mut tape = Tape::new();
        let mut pass = Pass::new(&mut tape, &mut alone, Mode::Eval);
        let y = network.forward(&mut pass, &Tensor::from(x.clone())).unwrap().into_value();
        drop(pass);
        assert!(y.same_bits(&run(&net, &mut params, &x, &branches.sequence)), "{}", branches.sequence);
        assert_eq!(Branches::read(&branches.json()).unwrap(), branches);
        assert_eq!(alone.trainable(), branches.parameters([10, 2], 3));
    }
    assert_eq!(params.device(), Device::Cpu);
}

#[test]
fn a_body_is_the_written_sums() {
    // One layer of one channel, all weights 1 but the stem's, which takes one place: x goes through unchanged.
    let stages = Stages { layers: vec![1], widths: vec![1] };
    let mut params = Params::new();
    let net = Supernet::new(&stages, 1, [6, 1], 1, 0.0, &mut Builder::new(&mut params, 0));
    let ids: Vec<usize> = (0..params.entries().len()).collect();
    for i in ids {
        let e = &params.entries()[i];
        let (name, shape) = (e.name().to_owned(), e.value().shape());
        if name.ends_with("conv.weight") || name == "dense.weight" || name == "classifier.weight" {
            params.set(nn::ParamId(i), Value::full(shape, 1.0));
        }
    }
    let stem = params.find("stem.conv.weight").unwrap();
    // Of eight places three lie before: the fourth tap is the place itself.
    params.set(stem, Value::from_slice([8, 1, 1], &[0., 0., 0., 1., 0., 0., 0., 0.]));
    let norm = 1.0 / f64::from(1.0f32 + 1e-5).sqrt();
    let x = [1.0f32, 5.0, 2.0, 8.0, 3.0, 4.0];
    let input = Value::from_slice([1, 6, 1], &x);
    let places = |window: &dyn Fn(&[f64]) -> f64, before: usize, after: usize| {
        let x: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        (0..6).map(|i: usize| window(&x[i.saturating_sub(before)..(i + after + 1).min(6)])).sum::<f64>()
    };
    // Of four places ten apart, and of eight, two are five away to either side.
    let far = f64::from(x[0]) + f64::from(x[5]);
    let add = |w: &[f64]| w.iter().sum::<f64>();
    let most = |w: &[f64]| w.iter().copied().fold(f64::MIN, f64::max);
    let mean = |w: &[f64]| w.iter().sum::<f64>() / w.len() as f64;
    let wants: [(usize, f64); 6] = [
        (0, norm * places(&add, 3, 4)),
        (1, norm * places(&add, 1, 2)),
        (2, norm * far),
        (3, norm * far),
        (4, norm * places(&most, 1, 2)),
        (5, norm * places(&mean, 1, 2)),
    ];
    for (o, want) in wants.into_iter().chain([(6, places(&add, 0, 0))]) {
        let sequence = Sequence { operations: vec![o], skips: vec![vec![]] };
        let y = run(&net, &mut params, &input, &sequence).data()[0];
        let want = want * norm;
        assert!((f64::from(y) - want).abs() < 1e-4 * want, "{}: {y}, {want}", space::OPERATIONS[o]);
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let sample = || Branches { stages: Stages::published(4), ..published(uniform(0, true)) }.json();
    assert!(Branches::read(&sample()).is_ok());
    let refused = |edit: fn(&mut Json)| {
        let mut json = sample();
        edit(&mut json);
        Branches::read(&json).unwrap_err()
    };
    for (edit, part) in [
        ((|j| *j = json!([1])) as fn(&mut Json), "the network is [1]; give an object"),
        (|j| j["more"] = 1.into(), "a member 'more'; known are family, stages"),
        (|j| j["family"] = "blocks".into(), "family is \"blocks\", not \"branches\""),
        (|j| j["stages"] = json!([]), "stages are []; give a list"),
        (|j| j["stages"] = json!([3, 3, 0, 6]), "stages[2] is 0; give a whole number from 1"),
        (|j| j["stages"] = json!([3, 3, 3, 4]), "the stages have 13 layers and there are 12 operations"),
        (|j| j["widths"] = json!([4, 8, 16]), "4 stages and 3 widths"),
        (|j| j["widths"] = json!([4, 8, 16, 1e9]), "widths[3] is 1000000000.0"),
        (|j| drop(j.as_object_mut().unwrap().remove("dense")), "the network's dense is null"),
        (|j| j["momentum"] = 2.into(), "momentum is 2; give a number from 0 to 1"),
        (|j| j["skips"][1] = json!([1]), "layer 1 adds 1"),
    ] {
        let text = refused(edit);
        assert!(text.contains(part), "{text} / {part}");
    }
    let huge = Branches { stages: Stages { layers: vec![12], widths: vec![4096] }, ..published(uniform(0, true)) };
    let form = |kind, input: &[usize]| Form { kind, input: input.to_vec(), outputs: 4 };
    let said = |json: &Json, form: &Form| count(json, form).unwrap_err().to_string();
    assert!(said(&huge.json(), &form(Kind::Series, &[1000, 1])).contains("the most is 2^30"));
    assert!(said(&sample(), &form(Kind::Point2d, &[32, 32, 3])).contains("reads series"));
}

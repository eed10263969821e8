use kernels::Tensor as Value;
use kernels::rng::{Key, Purpose};
use nn::{Loss, Mode, Params, Tape};
use serde_json::json;

use super::*;
use crate::gaea::counts::genotype;

/// Every operation, in both cells.
const NORMAL: &str = "S3.0 D5.1 / K.0 M.2 / A.1 S5.3 / D3.4 K.2";
const REDUCE: &str = "M.0 K.1 / S3.0 D3.1 / A.1 D5.2 / S5.0 K.3";

const KINDS: [Kind; 3] = [Kind::Point2d, Kind::Dense2d, Kind::Series];

fn spec(kind: Kind) -> CellsSpec {
    let reduce = if kind == Kind::Dense2d { "" } else { REDUCE };
    CellsSpec { channels: 2, layers: 3, ..CellsSpec::new(kind, 1, 3, genotype(NORMAL, reduce)) }
}

fn shape(kind: Kind, batch: usize, n: usize, c: usize) -> Vec<usize> {
    if kind == Kind::Series { vec![batch, n, c] } else { vec![batch, n, n, c] }
}

fn batch(shape: &[usize]) -> Value {
    let mut stream = Key::new(0, Purpose::Test).stream(0);
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
    Value::from_slice(shape, &numbers)
}

fn training() -> Mode {
    Mode::Train(Key::new(5, Purpose::Dropout))
}

#[test]
fn odd_sizes_are_trained_on() {
    for (kind, n) in KINDS.into_iter().flat_map(|k| [1, 3, 5, 85, 101].map(|n| (k, n))) {
        let (mut params, mut tape) = (Params::new(), Tape::new());
        let network = Cells::new(&mut Builder::new(&mut params, 0), &spec(kind));
        let mut pass = Pass::new(&mut tape, &mut params, training());
        let y = network.forward(&mut pass, &batch(&shape(kind, 2, n, 1)).into()).unwrap();
        let want = if kind == Kind::Dense2d { shape(kind, 2, n, 3) } else { vec![2, 3] };
        assert_eq!(y.shape()[..], want, "{kind:?} of {n}");
        let loss = Loss::Mse.of(&mut pass, &y, &Value::full(&want[..], 0.5)).unwrap();
        pass.backward(&loss).unwrap();
        for e in params.entries().iter().filter(|e| e.kind() == nn::Kind::Parameter) {
            let grad = e.grad().unwrap_or_else(|| panic!("{kind:?} of {n}: {} has no gradient", e.name()));
            assert!(grad.data().iter().all(|g| g.is_finite()), "{kind:?} of {n}: {}", e.name());
        }
    }
}

/// The output of a pass, and how many random ops it had.
fn dropped(spec: &CellsSpec, mode: Mode, p: f32) -> (Vec<f32>, Option<u64>) {
    let (mut params, mut tape) = (Params::new(), Tape::new());
    let network = Cells::new(&mut Builder::new(&mut params, 0), spec);
    let mut pass = Pass::new(&mut tape, &mut params, mode);
    pass.drop_path = p;
    let y = network.forward(&mut pass, &batch(&shape(spec.kind, 16, 8, 1)).into()).unwrap();
    (y.value().data().to_vec(), pass.draw().map(|(_, n)| n))
}

#[test]
fn paths_are_dropped_but_for_identities() {
    let skips = CellsSpec {
        genotype: genotype("K.0 K.1 / K.0 K.2 / K.1 K.3 / K.3 K.4", "K.0 K.1 / K.0 K.2 / K.3 K.2 / K.1 K.3"),
        ..spec(Kind::Point2d)
    };
    // Two reduction cells, in each of which four skips halve the size.
    assert_eq!(dropped(&skips, training(), 0.5).1, Some(8));
    // 6 operations of a normal cell are none, and all 8 - 1 of two reduction cells.
    assert_eq!(dropped(&spec(Kind::Point2d), training(), 0.5).1, Some(6 + 2 * 7));
    assert_eq!(dropped(&spec(Kind::Dense2d), training(), 0.5).1, Some(3 * 6));

    for kind in KINDS {
        let of = |mode, p| dropped(&spec(kind), mode, p).0;
        assert_eq!(of(training(), 0.5), of(training(), 0.5), "{kind:?}: the same key drops the same");
        assert_ne!(of(training(), 0.5), of(training(), 0.0), "{kind:?}");
        assert_ne!(of(training(), 0.5), of(Mode::Train(Key::new(6, Purpose::Dropout)), 0.5), "{kind:?}");
        assert_eq!(of(Mode::Eval, 0.5), of(Mode::Eval, 0.0), "{kind:?}: evaluation drops nothing");
    }
}

#[test]
fn an_auxiliary_head_answers_in_training_alone_and_changes_nothing_else() {
    let with = CellsSpec { auxiliary: true, ..spec(Kind::Point2d) };
    for (h, w) in [(32, 32), (29, 32), (60, 60)] {
        let run = |spec: &CellsSpec, mode, both: bool| {
            let (mut params, mut tape) = (Params::new(), Tape::new());
            let network = Cells::new(&mut Builder::new(&mut params, 0), spec);
            let mut pass = Pass::new(&mut tape, &mut params, mode);
            let x: Tensor = batch(&[2, h, w, 1]).into();
            let (y, second) = if both {
                network.forward_with_auxiliary(&mut pass, &x).unwrap()
            } else {
                (network.forward(&mut pass, &x).unwrap(), None)
            };
            let numbers = (y.value().data().to_vec(), second.as_ref().map(|s| s.shape()[..].to_vec()));
            if mode != Mode::Eval {
                let target = Value::from_ints([2], &[0, 2]);
                let of = second.as_ref().unwrap_or(&y);
                let loss = Loss::CrossEntropy.of(&mut pass, of, &target).unwrap();
                pass.backward(&loss).unwrap();
            } else {
                drop(pass);
            }
            let trained = |name: &str| params.find(name).is_some_and(|id| params.grad(id).is_some());
            (numbers, trained("auxiliary_head.features.2.weight"), trained("cells.2.preprocess1.op.1.weight"))
        };
        let ((plain, none), _, _) = run(&spec(Kind::Point2d), training(), true);
        assert_eq!(none, None);
        let ((y, second), head, cell) = run(&with, training(), true);
        assert_eq!((&y, second), (&plain, Some(vec![2, 3])), "{h} x {w}");
        assert!(head && cell, "the second answer's loss reaches its head and the cell that feeds it");
        let ((y, second), head, _) = run(&with, training(), false);
        assert_eq!((&y, second, head), (&plain, None, false));
        assert_eq!(run(&with, Mode::Eval, true).0.1, None);
    }
}

fn content() -> Json {
    json!({
        "family": "cells", "channels": 2, "layers": 3, "momentum": 0.1, "eps": 1e-5, "auxiliary": false,
        "genotype": genotype(NORMAL, REDUCE).to_json(),
    })
}

#[test]
fn content_is_read() {
    for kind in KINDS {
        let mut network = content();
        if kind == Kind::Dense2d {
            network["genotype"]["reduce"] = Json::Null;
        }
        let input = &shape(kind, 1, 8, 1)[1..];
        assert_eq!(CellsSpec::from_json(&network, kind, input, 3), Ok(spec(kind)));
        let mut params = Params::new();
        build(&network, kind, input, 3, &mut Builder::new(&mut params, 0)).unwrap();
        assert!(params.find("cells.2.preprocess1.op.1.weight").is_some());
    }
}

#[test]
fn wrong_content_is_refused_in_words() {
    let (image, series) = (&[32, 32, 1][..], &[46, 1][..]);
    let refused = |kind: Kind, input: &[usize], member: &str, value: Json, says: &[&str]| {
        let mut network = content();
        if member == "reduce" {
            network["genotype"]["reduce"] = value;
        } else {
            network[member] = value;
        }
        let e = CellsSpec::from_json(&network, kind, input, 3).expect_err(member).to_string();
        assert!(says.iter().all(|s| e.contains(s)), "{member}: {e}");
    };
    let point = Kind::Point2d;
    refused(point, image, "family", json!("wrn"), &["\"wrn\"", "give \"cells\""]);
    refused(point, image, "width", json!(1), &["no member 'width'", "channels, layers"]);
    for value in [json!(0), json!(-1), json!(2.5), json!("36"), json!(5000), Json::Null] {
        refused(point, image, "channels", value, &["'channels' is", "a whole number from 1 to 4096"]);
    }
    refused(point, image, "layers", json!(1_000_000), &["'layers' is 1000000", "from 1 to 256"]);
    refused(point, image, "momentum", json!(1.5), &["'momentum' is 1.5", "from 0 to 1"]);
    refused(point, image, "eps", json!(0), &["'eps' is 0"]);
    refused(point, image, "auxiliary", json!(0.4), &["'auxiliary' is 0.4", "true or false"]);
    refused(point, image, "genotype", json!({}), &["genotype", "'reduce' is missing"]);
    refused(point, image, "reduce", Json::Null, &["no reduction cell"]);
    refused(Kind::Series, series, "reduce", Json::Null, &["no reduction cell"]);
    refused(Kind::Dense2d, image, "auxiliary", json!(false), &["reduction cell", "\"reduce\": null"]);
    refused(Kind::Series, series, "auxiliary", json!(true), &["one answer an image", "\"auxiliary\": false"]);
    refused(point, &[16, 52, 1], "auxiliary", json!(true), &["8 x 8", "16 x 52", "4 x 13"]);
    refused(point, &[28, 32, 1], "auxiliary", json!(true), &["28 x 32 inputs is 7 x 8"]);

    let e = CellsSpec::from_json(&json!([1]), point, image, 3).unwrap_err().to_string();
    assert!(e.contains("[1] is no object"), "{e}");
    let mut network = content();
    network.as_object_mut().unwrap().remove("eps");
    let e = CellsSpec::from_json(&network, point, image, 3).unwrap_err().to_string();
    assert!(e.contains("'eps' is missing"), "{e}");
}

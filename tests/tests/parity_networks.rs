//! The WRN networks against the reference's own modules: training forward, gradients, SGD steps, evaluation.

use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use kernels::{Shape, Tensor as Value};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Kind, Loss, Mode, Network, ParamId, Params, Pass, Sgd, Tape, Tensor};
use np360_tests::vectors::{Case, cases};

/// Builds the case's network.
fn network(case: &Case, params: &mut Params) -> Box<dyn Network> {
    let number = |key: &str| case.attrs[key].as_u64().unwrap() as usize;
    let mut at = Builder::new(params, 0);
    let (inputs, classes) = (number("in_channels"), number("num_classes"));
    match case.op.as_str() {
        "net_resnet1d" => {
            let spec =
                SeriesSpec { width: number("mid_channels"), reference: true, ..SeriesSpec::new(inputs, classes, 0.0) };
            Box::new(Series::new(&mut at, spec))
        }
        op => {
            let width = Width { depth: number("depth"), widen: number("widen") };
            if op == "net_wrn2d" {
                Box::new(Point::new(&mut at, width, inputs, classes, 0.0))
            } else {
                Box::new(Dense::new(&mut at, width, inputs, classes, 0.0))
            }
        }
    }
}

/// Channels last.
fn input(case: &Case) -> Value {
    let (shape, data) = case.tensor("in.x");
    let (n, c, places) = (shape[0], shape[1], shape[2..].iter().product::<usize>());
    let mut ours = shape.clone();
    ours.remove(1);
    ours.push(c);
    let mut x = Value::zeros(Shape::new(&ours));
    let out = x.data_mut();
    for i in 0..n {
        for ch in 0..c {
            for p in 0..places {
                out[(i * places + p) * c + ch] = data[(i * c + ch) * places + p] as f32;
            }
        }
    }
    x
}

/// Takes the case's parameters, and says which of them the network lacks.
fn load(case: &Case, params: &mut Params) -> Vec<String> {
    let mut names = case.names("in.param.");
    for i in 0..params.entries().len() {
        let e = &params.entries()[i];
        if e.kind() == Kind::Buffer {
            continue;
        }
        let (shape, data) = case.tensor(&format!("in.param.{}", e.name()));
        assert_eq!(shape[..], e.file_shape()[..], "{}", e.name());
        let mut value = e.value().clone();
        let (ours, layout, mut data) = (value.shape(), e.layout(), data.into_iter());
        let out = value.data_mut();
        layout.in_file_order(ours, |i| out[i] = data.next().unwrap() as f32);
        names.retain(|n| n != e.name());
        params.set(ParamId(i), value);
    }
    names
}

/// The loss of the case and its target.
fn loss(case: &Case) -> (Loss, Value) {
    let (shape, target) = case.tensor("in.target");
    match case.attrs["loss"].as_str().unwrap() {
        "cross_entropy" => {
            let classes: Vec<i32> = target.iter().map(|&t| t as i32).collect();
            (Loss::CrossEntropy, Value::from_ints(&shape[..], &classes))
        }
        "bce_with_logits" => (Loss::BceWithLogits, Value::from_slice(&shape[..], &case.floats("in.target"))),
        other => panic!("loss {other}"),
    }
}

/// A forward and backward in training mode; gives logits and loss.
fn step(case: &Case, net: &dyn Network, tape: &mut Tape, params: &mut Params, x: &Value) -> (Value, f64) {
    let mut pass = Pass::new(tape, params, Mode::Train(Key::new(0, Purpose::Dropout)));
    let logits = net.forward(&mut pass, &Tensor::constant(x.clone())).unwrap();
    let (loss, target) = loss(case);
    let value = loss.of(&mut pass, &logits, &target).unwrap();
    pass.backward(&value).unwrap();
    (logits.into_value(), value.value().item().into())
}

fn wide(t: &Value) -> Vec<f64> {
    t.data().iter().map(|&x| x.into()).collect()
}

fn replay(case: &Case) -> Vec<String> {
    let mut failed = Vec::new();
    let (mut tape, mut params) = (Tape::new(), Params::new());
    let net = network(case, &mut params);
    let left: Vec<String> = load(case, &mut params);
    let mut unused: Vec<&str> =
        case.attrs["no_gradient"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    unused.sort_unstable();
    assert_eq!(left, unused, "{}", case.name);
    let unused: usize = left.iter().map(|n| case.tensor(&format!("in.param.{n}")).1.len()).sum();
    assert_eq!(Some((params.trainable() + unused) as u64), case.attrs["num_params"].as_u64(), "{}", case.name);

    let x = input(case);
    let (logits, value) = step(case, &*net, &mut tape, &mut params, &x);
    failed.extend(case.off("logits", "out.logits", &wide(&logits), &case.tensor("out.logits").1));
    failed.extend(case.off("loss", "out.loss", &[value], &case.tensor("out.loss").1));
    for e in params.entries().iter().filter(|e| e.kind() == Kind::Parameter) {
        let norm = wide(e.grad().unwrap()).iter().map(|g| g * g).sum::<f64>().sqrt();
        failed.extend(case.off(e.name(), "gradnorm", &[norm], &case.tensor(&format!("gradnorm.{}", e.name())).1));
    }
    if let Some(sgd) = case.attrs["sgd"].as_object() {
        let number = |key: &str| sgd[key].as_f64().unwrap();
        let rule = Rule {
            momentum: number("momentum") as f32,
            weight_decay: number("weight_decay") as f32,
            nesterov: sgd["nesterov"] == true,
        };
        let mut optimiser = Sgd::new(rule).unwrap();
        let losses: Vec<f64> = (0..number("steps") as usize)
            .map(|_| {
                optimiser.step(&mut params, number("lr"));
                step(case, &*net, &mut tape, &mut params, &x).1
            })
            .collect();
        failed.extend(case.off("losses", "out.losses", &losses, &case.tensor("out.losses").1));
    }
    let mut pass = Pass::new(&mut tape, &mut params, Mode::Eval);
    let logits = net.forward(&mut pass, &Tensor::constant(x)).unwrap();
    failed.extend(case.off("logits_eval", "out.logits_eval", &wide(logits.value()), &case.tensor("out.logits_eval").1));
    failed
}

#[test]
fn the_reference_networks_train_and_evaluate_alike() {
    let all = cases("networks", "wrn").into_iter().chain(cases("networks", "resnet1d"));
    let failed: Vec<String> = all.flat_map(|c| replay(&c)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

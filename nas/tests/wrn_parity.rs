//! The WRN networks against the reference's own modules: training forward, gradients, SGD steps, evaluation.

#[path = "../../nn/tests/vectors/mod.rs"]
mod vectors;

use kernels::ops::optim::sgd::Sgd as Rule;
use kernels::rng::{Key, Purpose};
use kernels::{Shape, Tensor as Value};
use nas::wrn::{Dense, Point, Series, SeriesSpec, Width};
use nn::{Builder, Kind, Mode, Network, ParamId, Params, Pass, Sgd, Tape, Tensor};
use vectors::{Case, cases};

/// Builds the case's network.
fn network(case: &Case, params: &mut Params) -> Box<dyn Network> {
    let number = |key: &str| case.attrs[key].as_u64().unwrap() as usize;
    let mut at = Builder::new(params, 0);
    let (inputs, classes) = (number("in_channels"), number("num_classes"));
    match case.op.as_str() {
        "net_resnet1d" => {
            let spec = SeriesSpec { width: number("mid_channels"), reference: true, ..SeriesSpec::new(inputs, classes, 0.0) };
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
